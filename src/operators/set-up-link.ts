// The one-time link by which a person chooses a password: works once, for 30 minutes.
import { recordForEach } from '../audit/record.ts'
import type { Origin } from '../core/attribution.ts'
import type { PersonId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Db } from '../db/connect.ts'
import { sha256 } from '../lib/digest.ts'
import { randomToken } from '../lib/random.ts'
import { Secret } from '../lib/secret.ts'
import { addSeconds, minuteSeconds } from '../lib/time.ts'
import { listOrganizationIds } from '../organizations/membership-store.ts'
import { hashPassword, passwordMistake } from './password.ts'
import {
  deleteLinksAndSessions,
  findByOneTimeLink,
  insertOneTimeLink,
  type Person,
  setPasswordHash,
  spendOneTimeLink,
} from './person-store.ts'

export const setUpLinkSeconds = 30 * minuteSeconds

/** A new token for the person; only its hash is kept. */
export async function createSetUpToken(db: Db, person: PersonId, now: Date): Promise<Secret> {
  const token = new Secret(randomToken())
  await insertOneTimeLink(db, sha256(token.reveal()), person, addSeconds(now, setUpLinkSeconds))
  return token
}

/** Where the token is used; the whole address is as secret as the token. */
export function setUpUrl(publicUrl: string, token: Secret): Secret {
  return new Secret(`${publicUrl}/setup?token=${token.reveal()}`)
}

/** Whom the token is for; null when it is unknown, used or expired. */
export function whoseSetUpToken(db: Db, token: string, now: Date): Promise<Person | null> {
  return findByOneTimeLink(db, sha256(token), now)
}

/**
 * Spends the token and sets the password, both or neither; the person's other links and sessions end.
 * @returns the person; null when the token is unknown, used or expired
 * @throws Problem invalid_parameter for a password that can't be taken; the token stays good
 */
export async function setUpPassword(
  db: Db,
  token: string,
  password: string,
  from: Origin,
  now: Date,
): Promise<PersonId | null> {
  const mistake = passwordMistake(password)
  if (mistake) throw new Problem('invalid_parameter', { param: 'password', say: mistake })
  // Outside the transaction: a hash takes its turn, and a connection should not wait with it.
  const hash = await hashPassword(password)
  return await db.transaction(async (tx) => {
    const person = await spendOneTimeLink(tx, sha256(token), now)
    if (!person) return null
    await setPasswordHash(tx, person, hash)
    await deleteLinksAndSessions(tx, person)
    const by = { ...from, actor: { kind: 'person', id: person } } as const
    const entry = { by, action: 'person.set_up', target: person } as const
    await recordForEach(tx, await listOrganizationIds(tx, person), entry)
    return person
  })
}
