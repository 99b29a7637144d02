// What is shown once, until it is: the only file that knows `one_time_reveals`.
import type { PersonId } from '../core/ids.ts'
import type { Db, Tx } from '../db/connect.ts'
import { expiredRows } from '../db/sweep.ts'
import type { Digest } from '../lib/digest.ts'
import { daySeconds } from '../lib/time.ts'

/** So long past its time an attempt is remembered: a form that is sent again must not make a second thing. */
export const keptSeconds = daySeconds

/** False when the same attempt was made before, also by a request that is under way: it is waited for. */
export async function insertAttempt(
  tx: Tx,
  hash: Digest,
  person: PersonId,
  expiresAt: Date,
): Promise<boolean> {
  const rows = await tx('one_time_reveals')
    .insert({ hash, person_id: person, expires_at: expiresAt })
    .onConflict('hash')
    .ignore()
    .returning('hash')
  return rows.length === 1
}

export async function fillReveal(tx: Tx, hash: Digest, subject: string, sealed: Buffer): Promise<void> {
  await tx('one_time_reveals').where({ hash }).update({ subject_id: subject, sealed })
}

/** What there is to show, taken by this very call: the next one finds `sealed` gone. null for no such attempt. */
export async function takeReveal(
  db: Db,
  hash: Digest,
  person: PersonId,
  now: Date,
): Promise<{ readonly subject: string | null; readonly sealed: Buffer | null } | null> {
  const { rows } = await db.raw<{ rows: { subject_id: string | null; sealed: Buffer | null }[] }>(
    `with before as (
       select hash, subject_id, case when expires_at > ? then sealed end as sealed
       from one_time_reveals where hash = ? and person_id = ? for update
     )
     update one_time_reveals set sealed = null from before where one_time_reveals.hash = before.hash
     returning before.subject_id, before.sealed`,
    [now, hash, person],
  )
  const [row] = rows
  return row ? { subject: row.subject_id, sealed: row.sealed } : null
}

/** Attempts of a person that nobody will come back to. */
export async function deleteOldReveals(tx: Tx, person: PersonId, before: Date): Promise<void> {
  await tx('one_time_reveals').where({ person_id: person }).where('expires_at', '<', before).delete()
}

export const expiredReveals = expiredRows('one_time_reveals', keptSeconds)
