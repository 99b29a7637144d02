// The only file that knows the table `api_keys`.
import type { KeyId, OrganizationId } from '../core/ids.ts'
import type { Mode } from '../core/principal.ts'
import type { Db } from '../db/connect.ts'
import type { ApiKey } from './key.ts'

interface KeyRow {
  readonly id: KeyId
  readonly organization_id: OrganizationId
  readonly mode: Mode
  readonly name: string
  readonly scopes: readonly string[]
  readonly prefix: string
  readonly last_four: string
  readonly created_at: Date
  readonly expires_at: Date | null
  readonly revoked_at: Date | null
}

const toKey = (row: KeyRow): ApiKey => ({
  id: row.id,
  organization: row.organization_id,
  mode: row.mode,
  name: row.name,
  scopes: row.scopes,
  prefix: row.prefix,
  lastFour: row.last_four,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  revokedAt: row.revoked_at,
})

export async function insertKey(db: Db, key: ApiKey): Promise<void> {
  await db('api_keys').insert({
    id: key.id,
    organization_id: key.organization,
    mode: key.mode,
    name: key.name,
    scopes: key.scopes,
    prefix: key.prefix,
    last_four: key.lastFour,
    created_at: key.createdAt,
    expires_at: key.expiresAt,
  })
}

/** Newest first; index api_keys_organization_id_index. */
export async function listKeys(db: Db, organization: OrganizationId, limit: number): Promise<ApiKey[]> {
  const rows = await db<KeyRow>('api_keys')
    .where({ organization_id: organization })
    .orderBy([
      { column: 'created_at', order: 'desc' },
      { column: 'id', order: 'desc' },
    ])
    .limit(limit)
  return rows.map(toKey)
}

/** The key as it is after; null when there is none. A key that is revoked already keeps its time. */
export async function markRevoked(db: Db, id: KeyId, now: Date): Promise<ApiKey | null> {
  const [row] = await db('api_keys')
    .where({ id })
    .update({ revoked_at: db.raw('coalesce(revoked_at, ?)', [now]) })
    .returning<KeyRow[]>('*')
  return row ? toKey(row) : null
}
