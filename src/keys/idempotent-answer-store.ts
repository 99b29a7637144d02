// Answers that are kept for who asks again: the only file that knows `idempotent_answers`.
import type { Tx } from '../db/connect.ts'
import { expiredRows } from '../db/sweep.ts'
import type { Digest } from '../lib/digest.ts'

/** What an answer is kept under. */
export interface AnswerKey {
  /** The id of the credential's owner. */
  readonly owner: string
  /** Of the Idempotency-Key. */
  readonly key: Digest
}

export interface KeptAnswer {
  readonly request: Digest
  /** null in the transaction that is about to write it; nobody else sees it so. */
  readonly sealed: Buffer | null
}

/**
 * Takes the place for an answer. Of any number that come at once one is told null, and the others wait for its
 * transaction: they are given its answer, or one of them the place when it came to nothing. The place of an
 * answer that has expired is free.
 */
export async function takePlace(
  tx: Tx,
  { owner, key }: AnswerKey,
  request: Digest,
  expiresAt: Date,
  now: Date,
): Promise<KeptAnswer | null> {
  // Where the update's condition does not hold, its row is locked all the same: it is there to be read below.
  const { rows: taken } = await tx.raw<{ rows: object[] }>(
    `insert into idempotent_answers as kept (owner_id, key_hash, request_hash, expires_at)
     values (?, ?, ?, ?)
     on conflict (owner_id, key_hash) do update
       set request_hash = excluded.request_hash, sealed = null, expires_at = excluded.expires_at
       where kept.expires_at <= ?
     returning 1`,
    [owner, key, request, expiresAt, now],
  )
  if (taken.length > 0) return null
  const row: { request_hash: Digest; sealed: Buffer | null } | undefined = await tx('idempotent_answers')
    .where({ owner_id: owner, key_hash: key })
    .first('request_hash', 'sealed')
  if (!row) throw new Error('a kept answer that is locked and not there')
  return { request: row.request_hash, sealed: row.sealed }
}

export async function keepAnswer(tx: Tx, { owner, key }: AnswerKey, sealed: Buffer): Promise<void> {
  await tx('idempotent_answers').where({ owner_id: owner, key_hash: key }).update({ sealed })
}

/** Removes some that have expired: more than one call adds, so that they never pile up. */
export async function dropExpiredAnswers(tx: Tx, now: Date): Promise<void> {
  await tx.raw(
    `delete from idempotent_answers where (owner_id, key_hash) in (
       select owner_id, key_hash from idempotent_answers where expires_at <= ?
       order by expires_at limit 10 for update skip locked
     )`,
    [now],
  )
}

/** What is left of them where an owner asks no more. */
export const expiredAnswers = expiredRows('idempotent_answers')
