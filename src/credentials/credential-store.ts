// The one table of bearer credentials (decision 1): the only file that knows `credentials`.
import type { ClientId, GrantId, KeyId, OrganizationId, PersonId } from '../core/ids.ts'
import type { Mode, Principal } from '../core/principal.ts'
import type { Database, Db, Statement } from '../db/connect.ts'
import type { Digest } from '../lib/digest.ts'

interface CredentialRow {
  readonly kind: 'api_key' | 'access_token'
  readonly organization_id: OrganizationId
  readonly mode: Mode
  readonly scopes: readonly string[]
  readonly audience: string | null
  readonly client_id: ClientId | null
  readonly person_id: PersonId | null
  readonly grant_id: GrantId | null
  readonly key_id: KeyId | null
  readonly expires_at: Date | null
}

const findByHash: Statement = {
  name: 'credential-by-hash',
  text: `select kind, organization_id, mode, scopes, audience, client_id, person_id, grant_id, key_id, expires_at
         from credentials where hash = $1`,
}

/** Primary key: one row or none. Whether it has expired is for the caller to say. */
export async function findPrincipal(database: Database, hash: Digest): Promise<Principal | null> {
  const [row] = await database.run<CredentialRow>(findByHash, [hash])
  return row ? toPrincipal(row) : null
}

export interface NewKeyCredential {
  readonly hash: Digest
  readonly key: KeyId
  readonly organization: OrganizationId
  readonly mode: Mode
  readonly scopes: readonly string[]
  readonly expiresAt: Date | null
}

/** From the commit on, the key's secret is good. */
export async function insertKeyCredential(db: Db, it: NewKeyCredential): Promise<void> {
  await db('credentials').insert({
    hash: it.hash,
    kind: 'api_key',
    organization_id: it.organization,
    mode: it.mode,
    scopes: it.scopes,
    key_id: it.key,
    expires_at: it.expiresAt,
  })
}

/** From the commit on, every secret of the key is refused. */
export async function deleteKeyCredentials(db: Db, key: KeyId): Promise<void> {
  await db('credentials').where({ key_id: key }).delete()
}

function toPrincipal(row: CredentialRow): Principal {
  const holder = {
    organization: row.organization_id,
    mode: row.mode,
    scopes: new Set(row.scopes),
    expiresAt: row.expires_at,
  }
  if (row.kind === 'api_key') {
    if (row.key_id === null) throw new Error('an api_key row without a key')
    return { ...holder, kind: 'api_key', key: row.key_id }
  }
  const { client_id: client, person_id: person, grant_id: grant, audience } = row
  if (client === null || person === null || grant === null || audience === null) {
    throw new Error('an access_token row without its client, person, grant or audience')
  }
  return { ...holder, kind: 'access_token', client, person, grant, audience }
}
