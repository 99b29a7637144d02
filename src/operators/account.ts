// What a person changes of the own account: the name, the password.
import { recordForEach } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import type { PersonId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Db } from '../db/connect.ts'
import type { Secret } from '../lib/secret.ts'
import type { Turnstile } from '../limits/turnstile.ts'
import { listOrganizationIds } from '../organizations/membership-store.ts'
import { hashPassword, passwordMistake, verifyPassword } from './password.ts'
import { readPersonName } from './person-name.ts'
import { findPasswordHash, type Person, replacePasswordHash, updateName } from './person-store.ts'
import { type EndElsewhere, replaceSessions, type SessionOrigin } from './session.ts'
import { passwordTries, tryOnce } from './throttle.ts'

/**
 * Changes what the person is called; an empty text takes the name away.
 * @throws Problem invalid_parameter
 */
export async function renamePerson(db: Db, person: PersonId, typed: string, by: Attribution): Promise<void> {
  const name = typed.trim() === '' ? null : readPersonName(typed)
  await db.transaction(async (tx) => {
    const before = await updateName(tx, person, name)
    if (before === name) return
    const details = { from: before, to: name }
    const entry = { by, action: 'person.renamed', target: person, details } as const
    await recordForEach(tx, await listOrganizationIds(tx, person), entry)
  })
}

/**
 * Is it the person's password? Asked again before what matters, and counted as a sign-in is.
 * @returns the hash that it was verified against; null for a wrong one
 * @throws Problem rate_limit_exceeded, busy
 */
export function verifyOwnPassword(
  db: Db,
  turnstile: Turnstile,
  person: Person,
  password: string,
  address: string | null,
): Promise<string | null> {
  return tryOnce(turnstile, passwordTries(address, person.email), async () => {
    const hash = await findPasswordHash(db, person.id)
    return (await verifyPassword(hash, password)) ? hash : null
  })
}

/** @throws Problem invalid_parameter where it is wrong, rate_limit_exceeded, busy */
export async function requireOwnPassword(...asked: Parameters<typeof verifyOwnPassword>): Promise<string> {
  const hash = await verifyOwnPassword(...asked)
  if (hash === null) throw wrongPassword()
  return hash
}

const wrongPassword = () =>
  new Problem('invalid_parameter', { param: 'current_password', say: 'Your password is wrong.' })

export interface PasswordChange {
  readonly person: Person
  readonly currentPassword: string
  readonly newPassword: string
  readonly from: SessionOrigin
}

/**
 * Sets a new password. Every session of the person ends, here and at the authorization server; the browser
 * that asked goes on with a new one (SECURITY U7).
 * @throws Problem invalid_parameter with `param` current_password or password, rate_limit_exceeded, busy
 */
export async function changePassword(
  db: Db,
  turnstile: Turnstile,
  endElsewhere: EndElsewhere,
  { person, currentPassword, newPassword, from }: PasswordChange,
  now: Date,
): Promise<Secret> {
  const mistake = passwordMistake(newPassword)
  if (mistake) throw new Problem('invalid_parameter', { param: 'password', say: mistake })
  const before = await requireOwnPassword(db, turnstile, person, currentPassword, from.address)
  const hash = await hashPassword(newPassword)
  return db.transaction(async (tx) => {
    if (!(await replacePasswordHash(tx, person.id, before, hash))) throw wrongPassword()
    const session = await replaceSessions(tx, person.id, from, now)
    await endElsewhere(tx, person.id)
    const by = { ...from, actor: { kind: 'person', id: person.id } } as const
    const entry = { by, action: 'person.password_changed', target: person.id } as const
    await recordForEach(tx, await listOrganizationIds(tx, person.id), entry)
    return session
  })
}
