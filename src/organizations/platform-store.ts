// Platforms: partners whose backends provision organizations of their customers. The only file that knows
// the table `platforms`.
import type { PlatformId } from '../core/ids.ts'
import type { Db, Tx } from '../db/connect.ts'
import type { Digest } from '../lib/digest.ts'

export interface Platform {
  readonly id: PlatformId
  readonly name: string
  /** The most that a key which it provisions may do. */
  readonly scopes: readonly string[]
  readonly prefix: string
  readonly lastFour: string
  /** What its key is known by, for putting its credential back. */
  readonly hash: Digest
  readonly createdAt: Date
  readonly suspendedAt: Date | null
}

interface PlatformRow {
  readonly id: PlatformId
  readonly name: string
  readonly scopes: readonly string[]
  readonly prefix: string
  readonly last_four: string
  readonly hash: Digest
  readonly created_at: Date
  readonly suspended_at: Date | null
}

const toPlatform = (row: PlatformRow): Platform => ({
  id: row.id,
  name: row.name,
  scopes: row.scopes,
  prefix: row.prefix,
  lastFour: row.last_four,
  hash: row.hash,
  createdAt: row.created_at,
  suspendedAt: row.suspended_at,
})

export async function insertPlatform(db: Db, it: Platform): Promise<void> {
  await db('platforms').insert({
    id: it.id,
    name: it.name,
    scopes: it.scopes,
    prefix: it.prefix,
    last_four: it.lastFour,
    hash: it.hash,
    created_at: it.createdAt,
  })
}

export async function findPlatform(db: Db, id: PlatformId): Promise<Platform | null> {
  const row = await db<PlatformRow>('platforms').where({ id }).first()
  return row ? toPlatform(row) : null
}

/**
 * Locked until the transaction ends; not against foreign keys, which a change of one of its organizations may
 * have to look at while we wait for that organization.
 */
export async function lockPlatform(tx: Tx, id: PlatformId): Promise<Platform | null> {
  const row = await tx<PlatformRow>('platforms').where({ id }).forNoKeyUpdate().first()
  return row ? toPlatform(row) : null
}

/** Held against a suspension that is under way: to be asked first by what provisions. */
export async function holdPlatform(tx: Tx, id: PlatformId): Promise<Platform | null> {
  const row = await tx<PlatformRow>('platforms').where({ id }).forShare().first()
  return row ? toPlatform(row) : null
}

/** Oldest first. */
export async function listPlatforms(db: Db): Promise<Platform[]> {
  return (await db<PlatformRow>('platforms').orderBy('created_at')).map(toPlatform)
}

export async function setPlatformSuspended(tx: Tx, id: PlatformId, at: Date | null): Promise<void> {
  await tx('platforms').where({ id }).update({ suspended_at: at })
}

export async function setPlatformKey(
  tx: Tx,
  id: PlatformId,
  key: Pick<Platform, 'hash' | 'lastFour' | 'prefix'>,
): Promise<void> {
  await tx('platforms').where({ id }).update({ hash: key.hash, last_four: key.lastFour, prefix: key.prefix })
}
