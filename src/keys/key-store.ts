// The only file that knows the table `api_keys`.
import type { KeyId, OrganizationId, PersonId, PlatformId } from '../core/ids.ts'
import type { Mode } from '../core/principal.ts'
import type { Db, Tx } from '../db/connect.ts'
import type { Digest } from '../lib/digest.ts'
import type { ApiKey, KeyListing } from './key.ts'

interface KeyRow {
  readonly id: KeyId
  readonly organization_id: OrganizationId
  readonly mode: Mode
  readonly name: string
  readonly scopes: readonly string[]
  readonly prefix: string
  readonly last_four: string
  readonly hash: Digest
  readonly allowed_addresses: readonly string[] | null
  readonly created_by: string | null
  readonly created_at: Date
  readonly expires_at: Date | null
  readonly deactivated_at: Date | null
  readonly revoked_at: Date | null
  readonly rotated_from: KeyId | null
  readonly retires_at: Date | null
}

interface ListingRow extends KeyRow {
  readonly creator: string | null
  readonly used_at: Date | null
  readonly used_address: string | null
  readonly used_client: string | null
  readonly used_operation: string | null
}

const toKey = (row: KeyRow): ApiKey => ({
  id: row.id,
  organization: row.organization_id,
  mode: row.mode,
  name: row.name,
  scopes: row.scopes,
  prefix: row.prefix,
  lastFour: row.last_four,
  hash: row.hash,
  allowedAddresses: row.allowed_addresses,
  createdBy: row.created_by,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  deactivatedAt: row.deactivated_at,
  revokedAt: row.revoked_at,
  rotatedFrom: row.rotated_from,
  retiresAt: row.retires_at,
})

const toListing = (row: ListingRow): KeyListing => ({
  key: toKey(row),
  creator: row.creator,
  lastUse: row.used_at && {
    at: row.used_at,
    address: row.used_address,
    client: row.used_client,
    operation: row.used_operation,
  },
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
    hash: key.hash,
    allowed_addresses: key.allowedAddresses,
    created_by: key.createdBy,
    created_at: key.createdAt,
    expires_at: key.expiresAt,
    rotated_from: key.rotatedFrom,
  })
}

/** Where a page of keys begins: after the key that was made at this time under this id. */
export interface KeyCursor {
  readonly createdAt: Date
  readonly id: KeyId
}

export interface KeyQuery {
  readonly organization: OrganizationId
  readonly mode: Mode | 'any'
  readonly after: KeyCursor | null
  readonly limit: number
  /** An id, the last four characters, or a part of the name. */
  readonly search?: string
}

const listings = (db: Db) =>
  db('api_keys as k')
    .leftJoin('api_key_uses as u', 'u.key_id', 'k.id')
    .leftJoin('persons as p', 'p.id', 'k.created_by')
    .select<ListingRow[]>(
      'k.*',
      db.raw('coalesce(p.name, p.email) as creator'),
      'u.used_at',
      'u.address as used_address',
      'u.client as used_client',
      'u.operation as used_operation',
    )

/** Newest first; indexes api_keys_organization_id_index and api_keys_mode_index, whatever the number of keys. */
export async function listKeys(db: Db, query: KeyQuery): Promise<KeyListing[]> {
  const { organization, mode, after, limit, search } = query
  const rows = await listings(db)
    .where('k.organization_id', organization)
    .modify((it) => {
      if (mode !== 'any') it.where('k.mode', mode)
      if (after) it.whereRaw('(k.created_at, k.id) < (?, ?)', [after.createdAt, after.id])
      if (search) {
        const part = `%${search.replace(/[\\%_]/g, '\\$&')}%`
        it.where((either) =>
          either.where('k.id', search).orWhere('k.last_four', search).orWhereILike('k.name', part),
        )
      }
    })
    .orderBy([
      { column: 'k.created_at', order: 'desc' },
      { column: 'k.id', order: 'desc' },
    ])
    .limit(limit)
  return rows.map(toListing)
}

/** One key with what is known about it; primary key. null when there is none within reach. */
export async function findListing(
  db: Db,
  reach: Pick<KeyQuery, 'organization' | 'mode'>,
  id: KeyId,
): Promise<KeyListing | null> {
  const [row] = await listings(db)
    .where({ 'k.id': id, 'k.organization_id': reach.organization })
    .modify((it) => {
      if (reach.mode !== 'any') it.where('k.mode', reach.mode)
    })
  return row ? toListing(row) : null
}

/** Whose key it is, for those who may look into every organization. */
export async function findKeyOwner(db: Db, id: KeyId): Promise<OrganizationId | null> {
  const row = await db<KeyRow>('api_keys').where({ id }).first('organization_id')
  return row?.organization_id ?? null
}

/** The key, locked until the transaction ends: of two that change it the second sees what the first made of it. */
export async function lockKey(
  db: Db,
  reach: Pick<KeyQuery, 'organization' | 'mode'>,
  id: KeyId,
): Promise<ApiKey | null> {
  const row = await db<KeyRow>('api_keys')
    .where({ id, organization_id: reach.organization })
    .modify((it) => {
      if (reach.mode !== 'any') it.where('mode', reach.mode)
    })
    .forUpdate()
    .first()
  return row ? toKey(row) : null
}

/** The key, held until the transaction ends against a change that is under way; others may hold it too. */
export async function holdKey(
  tx: Tx,
  reach: Pick<KeyQuery, 'organization'>,
  id: KeyId,
): Promise<ApiKey | null> {
  const row = await tx<KeyRow>('api_keys')
    .where({ id, organization_id: reach.organization })
    .forShare()
    .first()
  return row ? toKey(row) : null
}

/** The key that took this one's place, if one did. */
export async function findSuccessor(db: Db, id: KeyId): Promise<KeyId | null> {
  const row = await db<KeyRow>('api_keys').where({ rotated_from: id }).first('id')
  return row?.id ?? null
}

export interface KeyChange {
  readonly revokedAt?: Date
  readonly deactivatedAt?: Date | null
  readonly retiresAt?: Date
}

/** The key as it is after. @throws Error when there is none: whoever changes one has locked it */
export async function updateKey(db: Db, id: KeyId, change: KeyChange): Promise<ApiKey> {
  const columns = {
    revoked_at: change.revokedAt,
    deactivated_at: change.deactivatedAt,
    retires_at: change.retiresAt,
  }
  const [row] = await db('api_keys')
    .where({ id })
    .update(Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined)))
    .returning<KeyRow[]>('*')
  if (!row) throw new Error(`no key ${id} to change`)
  return toKey(row)
}

export async function deleteKeyRow(db: Db, id: KeyId): Promise<void> {
  await db('api_keys').where({ id }).delete()
}

/**
 * Keys of these organizations whose secrets are good but for a suspension; held against a change that is under
 * way, so that none is put back which is being revoked.
 */
export async function holdWorkingKeys(
  tx: Tx,
  organizations: readonly OrganizationId[],
  now: Date,
): Promise<ApiKey[]> {
  const rows = await tx<KeyRow>('api_keys')
    .whereRaw('organization_id = any(?)', [[...organizations]])
    .whereNull('revoked_at')
    .whereNull('deactivated_at')
    .whereRaw('coalesce(least(expires_at, retires_at), ?) >= ?', [now, now])
    .orderBy('id')
    .forShare()
  return rows.map(toKey)
}

/** The keys that this platform made for an organization, and those that took their place; the newest first. */
export async function listProvisionedKeys(
  db: Db,
  organization: OrganizationId,
  platform: PlatformId,
): Promise<ApiKey[]> {
  const { rows } = await db.raw<{ rows: KeyRow[] }>(
    `with recursive theirs as (
       select * from api_keys where organization_id = ? and created_by = ?
       union
       select k.* from api_keys k join theirs on k.rotated_from = theirs.id
     )
     select * from theirs order by created_at desc, id desc`,
    [organization, platform],
  )
  return rows.map(toKey)
}

/** The keys of an organization that this person made and nobody revoked, the newest first. Behind the tenant wall. */
export async function listKeysMadeBy(
  db: Db,
  organization: OrganizationId,
  person: PersonId,
): Promise<ApiKey[]> {
  const rows = await db<KeyRow>('api_keys')
    .where({ organization_id: organization, created_by: person })
    .whereNull('revoked_at')
    .orderBy([
      { column: 'created_at', order: 'desc' },
      { column: 'id', order: 'desc' },
    ])
  return rows.map(toKey)
}
