// What an import writes: many keys in one statement, and how far the file has been read. Beside key-store.ts the
// only file that writes to `api_keys`, and the only one that knows `key_imports`.
import type { KeyId, OrganizationId } from '../core/ids.ts'
import type { Db, Tx } from '../db/connect.ts'
import type { Digest } from '../lib/digest.ts'
import { type ApiKey, madeByImport } from './key.ts'

const hex = (hash: Digest) => hash.toString('hex')
/** Empty for none: the types of an array's elements leave no room for a null. */
const timeText = (at: Date | null) => at?.toISOString() ?? ''

/**
 * Writes the keys whose hashes are not there yet, and gives the ids of those that it wrote. Sorted by hash, so that
 * of two imports of the same keys the second waits for the first, and neither for ever.
 */
export async function insertImportedKeys(tx: Tx, keys: readonly ApiKey[]): Promise<ReadonlySet<KeyId>> {
  if (keys.length === 0) return new Set()
  const sorted = keys
    .map((key) => ({ key, text: hex(key.hash) }))
    .sort((a, b) => (a.text < b.text ? -1 : 1))
    .map(({ key }) => key)
  const { rows } = await tx.raw<{ rows: { id: KeyId }[] }>(
    `insert into api_keys (id, organization_id, mode, name, scopes, prefix, last_four, hash, created_by, created_at,
       expires_at, deactivated_at, revoked_at)
     select id, organization_id, mode, name, string_to_array(scopes, ' '), prefix, last_four, hash, ?, created_at,
       nullif(expires_at, '')::timestamptz, nullif(deactivated_at, '')::timestamptz,
       nullif(revoked_at, '')::timestamptz
     from unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::bytea[],
         ?::timestamptz[], ?::text[], ?::text[], ?::text[])
       as given (id, organization_id, mode, name, scopes, prefix, last_four, hash, created_at, expires_at,
         deactivated_at, revoked_at)
     on conflict (hash) do nothing
     returning id`,
    [
      madeByImport,
      sorted.map((it) => it.id),
      sorted.map((it) => it.organization),
      sorted.map((it) => it.mode),
      sorted.map((it) => it.name),
      // An array of arrays would come out as one: so the scopes travel as a text.
      sorted.map((it) => it.scopes.join(' ')),
      sorted.map((it) => it.prefix),
      sorted.map((it) => it.lastFour),
      sorted.map((it) => it.hash),
      sorted.map((it) => it.createdAt),
      sorted.map((it) => timeText(it.expiresAt)),
      sorted.map((it) => timeText(it.deactivatedAt)),
      sorted.map((it) => timeText(it.revokedAt)),
    ],
  )
  return new Set(rows.map((row) => row.id))
}

/** Whose keys these hashes are, by their hexadecimal digits; index api_keys_hash_key. */
export async function findHashOwners(
  db: Db,
  hashes: readonly Digest[],
): Promise<ReadonlyMap<string, OrganizationId>> {
  if (hashes.length === 0) return new Map()
  const { rows } = await db.raw<{ rows: { hash: string; organization_id: OrganizationId }[] }>(
    "select encode(hash, 'hex') as hash, organization_id from api_keys where hash = any(?::bytea[])",
    [[...hashes]],
  )
  return new Map(rows.map((row) => [row.hash, row.organization_id]))
}

/** Takes back keys that were written in this transaction. */
export async function takeBackImported(tx: Tx, ids: readonly KeyId[]): Promise<void> {
  await tx.raw('delete from api_keys where id = any(?)', [[...ids]])
}

/** How many lines of a file are done, and what became of them. */
export interface ImportProgress {
  readonly lines: number
  readonly imported: number
  readonly already: number
  readonly bad: number
}

interface ProgressRow {
  readonly id: Digest
  readonly lines: string
  readonly imported: string
  readonly already: string
  readonly bad: string
}

/** Of an import that was interrupted; null for one that was not, or never begun. */
export async function findImport(db: Db, id: Digest): Promise<ImportProgress | null> {
  const row = await db<ProgressRow>('key_imports').where({ id }).first('lines', 'imported', 'already', 'bad')
  if (!row) return null
  const [lines, imported, already, bad] = [row.lines, row.imported, row.already, row.bad].map(Number)
  return { lines: lines ?? 0, imported: imported ?? 0, already: already ?? 0, bad: bad ?? 0 }
}

/** False when another import of the same file has come between. */
export async function moveImport(
  tx: Tx,
  id: Digest,
  from: ImportProgress | null,
  to: ImportProgress,
): Promise<boolean> {
  if (from) {
    const changed = await tx('key_imports')
      .where({ id, lines: from.lines })
      .update({ ...to, updated_at: tx.fn.now() })
    return changed === 1
  }
  const made = await tx('key_imports')
    .insert({ id, ...to })
    .onConflict('id')
    .ignore()
    .returning('id')
  return made.length === 1
}

/** The import has come to its end: the same file again begins at its first line. */
export async function endImport(db: Db, id: Digest): Promise<void> {
  await db('key_imports').where({ id }).delete()
}

/** Imports that nobody has gone on with for so many days. */
export async function forgetOldImports(db: Db, days: number): Promise<void> {
  await db('key_imports').whereRaw("updated_at < now() - ? * interval '1 day'", [days]).delete()
}
