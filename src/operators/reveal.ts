// A text that a person may look at once, on the page after the form that made it. Until then it is kept sealed
// under a token that their browser holds: who reads the database can't open it.
import type { PersonId } from '../core/ids.ts'
import type { Db } from '../db/connect.ts'
import { deriveKey, sha256 } from '../lib/digest.ts'
import { randomToken } from '../lib/random.ts'
import { seal, unseal } from '../lib/seal.ts'
import { Secret } from '../lib/secret.ts'
import { addSeconds, minuteSeconds } from '../lib/time.ts'
import { insertReveal, takeReveal } from './reveal-store.ts'

export const revealSeconds = 10 * minuteSeconds

export interface Revealed {
  /** What the text belongs to, such as an invitation's id. */
  readonly subject: string
  readonly text: Secret
}

/** Keeps the text for 10 minutes. @returns the token that opens it, once */
export async function hideForOnce(
  db: Db,
  person: PersonId,
  { subject, text }: Revealed,
  now: Date,
): Promise<Secret> {
  const token = randomToken()
  const hidden = {
    hash: sha256(token),
    person,
    subject,
    sealed: seal(sealKey(token), text.reveal()),
    expiresAt: addSeconds(now, revealSeconds),
  }
  await insertReveal(db, hidden, now)
  return new Secret(token)
}

/** The text, and it is gone; null for another's token, one that was used, or one that is too old. */
export async function revealOnce(
  db: Db,
  person: PersonId,
  token: string,
  now: Date,
): Promise<Revealed | null> {
  const hidden = await takeReveal(db, sha256(token), person, now)
  const text = hidden && unseal(sealKey(token), hidden.sealed)
  return text ? { subject: hidden.subject, text: new Secret(text) } : null
}

const sealKey = (token: string) => deriveKey(token, 'latchkey one-time reveal v1')
