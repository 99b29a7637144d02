// Second factors of people: the only file that knows `second_factors` and `recovery_codes`.
import type { PersonId } from '../core/ids.ts'
import type { Db, Tx } from '../db/connect.ts'
import type { Digest } from '../lib/digest.ts'

export interface StoredFactor {
  readonly sealed: Buffer
  readonly createdAt: Date
  /** null until a first code has shown that the person's app has the secret. */
  readonly confirmedAt: Date | null
}

interface FactorRow {
  readonly sealed: Buffer
  readonly created_at: Date
  readonly confirmed_at: Date | null
}

/** Begins anew where one was begun; false where one is in use, which is left as it is. */
export async function insertPendingFactor(
  tx: Tx,
  person: PersonId,
  sealed: Buffer,
  now: Date,
): Promise<boolean> {
  const rows = await tx('second_factors')
    .insert({ person_id: person, sealed, created_at: now })
    .onConflict('person_id')
    .merge(['sealed', 'created_at'])
    .whereNull('second_factors.confirmed_at')
    .returning('person_id')
  return rows.length === 1
}

export async function findFactor(db: Db, person: PersonId): Promise<StoredFactor | null> {
  const row: FactorRow | undefined = await db('second_factors').where({ person_id: person }).first()
  return row ? { sealed: row.sealed, createdAt: row.created_at, confirmedAt: row.confirmed_at } : null
}

/** Takes the secret that was begun into use; false when another was begun since, or one is in use. */
export async function confirmFactor(
  tx: Tx,
  person: PersonId,
  sealed: Buffer,
  step: number,
  now: Date,
): Promise<boolean> {
  const changed = await tx('second_factors')
    .where({ person_id: person, sealed, confirmed_at: null })
    .update({ confirmed_at: now, last_step: step })
  return changed === 1
}

/** Takes the code of a time step; false for one that was taken already, and for those before it. */
export async function spendStep(tx: Tx, person: PersonId, step: number): Promise<boolean> {
  const changed = await tx('second_factors')
    .where({ person_id: person })
    .whereNotNull('confirmed_at')
    .where('last_step', '<', step)
    .update({ last_step: step })
  return changed === 1
}

export async function replaceSeal(tx: Tx, person: PersonId, before: Buffer, sealed: Buffer): Promise<void> {
  await tx('second_factors').where({ person_id: person, sealed: before }).update({ sealed })
}

export interface SealedFactor {
  readonly person: PersonId
  readonly sealed: Buffer
}

/** In the order of the persons' ids, those behind `after`. */
export async function listSealed(db: Db, after: string, limit: number): Promise<SealedFactor[]> {
  const rows: { person_id: PersonId; sealed: Buffer }[] = await db('second_factors')
    .where('person_id', '>', after)
    .orderBy('person_id')
    .limit(limit)
    .select('person_id', 'sealed')
  return rows.map(({ person_id: person, sealed }) => ({ person, sealed }))
}

/** With its recovery codes. False when there was none in use. */
export async function deleteFactor(tx: Tx, person: PersonId): Promise<boolean> {
  const factors: { confirmed_at: Date | null }[] = await tx('second_factors')
    .where({ person_id: person })
    .delete()
    .returning('confirmed_at')
  await tx('recovery_codes').where({ person_id: person }).delete()
  return factors.some((factor) => factor.confirmed_at !== null)
}

/** The new ones are the only ones. */
export async function replaceRecoveryCodes(
  tx: Tx,
  person: PersonId,
  hashes: readonly Digest[],
): Promise<void> {
  await tx('recovery_codes').where({ person_id: person }).delete()
  await tx('recovery_codes').insert(hashes.map((hash) => ({ hash, person_id: person })))
}

/** One statement: of two that come with the same code one is told true. */
export async function spendRecoveryCode(tx: Tx, person: PersonId, hash: Digest, now: Date): Promise<boolean> {
  const changed = await tx('recovery_codes')
    .where({ hash, person_id: person, used_at: null })
    .update({ used_at: now })
  return changed === 1
}

/** How many are left. */
export async function countRecoveryCodes(db: Db, person: PersonId): Promise<number> {
  const [row] = await db('recovery_codes')
    .where({ person_id: person, used_at: null })
    .count<{ count: string }[]>('* as count')
  return Number(row?.count ?? 0)
}
