// What is shown once: the only file that knows the table `one_time_reveals`.
import type { PersonId } from '../core/ids.ts'
import type { Db } from '../db/connect.ts'
import type { Digest } from '../lib/digest.ts'

export interface HiddenText {
  readonly hash: Digest
  readonly person: PersonId
  readonly subject: string
  readonly sealed: Buffer
  readonly expiresAt: Date
}

/** What the person has not looked at in time goes with it. */
export async function insertReveal(db: Db, it: HiddenText, now: Date): Promise<void> {
  await db('one_time_reveals').where({ person_id: it.person }).where('expires_at', '<=', now).delete()
  await db('one_time_reveals').insert({
    hash: it.hash,
    person_id: it.person,
    subject_id: it.subject,
    sealed: it.sealed,
    created_at: now,
    expires_at: it.expiresAt,
  })
}

/** One statement: of two that come for it, one has it, the other null. */
export async function takeReveal(
  db: Db,
  hash: Digest,
  person: PersonId,
  now: Date,
): Promise<{ readonly subject: string; readonly sealed: Buffer } | null> {
  const [row] = await db('one_time_reveals')
    .where({ hash, person_id: person })
    .where('expires_at', '>', now)
    .delete()
    .returning<{ subject_id: string; sealed: Buffer }[]>(['subject_id', 'sealed'])
  return row ? { subject: row.subject_id, sealed: row.sealed } : null
}
