// The one-time link by which a person chooses a password: works once, for 30 minutes.
import { recordForEach } from '../audit/record.ts'
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
import type { EndElsewhere } from './session.ts'
import { type Admission, type Arrival, admit } from './sign-in.ts'

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

export interface SetUp extends Arrival {
  readonly token: string
  readonly password: string
}

/**
 * Spends the token and sets the password, both or neither. The person's other links and sessions end, here and
 * at the authorization server; somebody with a second factor is halfway in, everybody else signed in.
 * @returns null when the token is unknown, used or expired
 * @throws Problem invalid_parameter for a password that can't be taken; the token stays good
 */
export async function setUpPassword(
  db: Db,
  endElsewhere: EndElsewhere,
  { token, password, from, replaces }: SetUp,
  now: Date,
): Promise<Admission | null> {
  const mistake = passwordMistake(password)
  if (mistake) throw new Problem('invalid_parameter', { param: 'password', say: mistake })
  // Outside the transaction: a hash takes its turn, and a connection should not wait with it.
  const hash = await hashPassword(password)
  return await db.transaction(async (tx) => {
    const person = await findByOneTimeLink(tx, sha256(token), now)
    if (!person || !(await spendOneTimeLink(tx, sha256(token), now))) return null
    await setPasswordHash(tx, person.id, hash)
    await deleteLinksAndSessions(tx, person.id)
    await endElsewhere(tx, person.id)
    const by = { ...from, actor: { kind: 'person', id: person.id } } as const
    const entry = { by, action: 'person.set_up', target: person.id } as const
    await recordForEach(tx, await listOrganizationIds(tx, person.id), entry)
    return await admit(tx, person, { from, replaces }, now)
  })
}
