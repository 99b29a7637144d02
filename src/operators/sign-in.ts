// Signing in: the small interface that an outside sign-in (OIDC) can fill one day, and the local one.
import { recordForEach } from '../audit/record.ts'
import type { Origin } from '../core/attribution.ts'
import type { PersonId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Db, Tx } from '../db/connect.ts'
import type { Background } from '../lib/background.ts'
import { sha256 } from '../lib/digest.ts'
import { randomToken } from '../lib/random.ts'
import { Secret } from '../lib/secret.ts'
import { addSeconds, type Clock, minuteSeconds } from '../lib/time.ts'
import type { Turnstile } from '../limits/turnstile.ts'
import { listOrganizationIds } from '../organizations/membership-store.ts'
import { isEmail } from './email.ts'
import { hashPassword, isHashOutdated, verifyPassword } from './password.ts'
import { findPersonToSignIn, holdPassword, type Person, replacePasswordHash } from './person-store.ts'
import { acceptCode, type FactorKeys, secondFactorOf } from './second-factor.ts'
import { type SessionOrigin, startSession } from './session.ts'
import { deleteSession, deleteStep, findStep, insertStep, lockStep } from './session-store.ts'
import { codeTries, passwordTries, tryOnce } from './throttle.ts'

/** The browser that somebody signs in with. */
export interface Arrival {
  readonly from: SessionOrigin
  /** The session that it holds already, which the new one takes the place of. */
  readonly replaces: string | null
}

export interface Credentials extends Arrival {
  readonly email: string
  readonly password: string
}

/** Let in, or halfway. */
export type Admission =
  | { readonly kind: 'signed_in'; readonly person: Person; readonly session: Secret }
  /** `step` is for the browser to come back with, together with a code. */
  | { readonly kind: 'code_needed'; readonly step: Secret }

/** `refused` stands for every reason: which it was is nobody's business. */
export type SignInResult = Admission | { readonly kind: 'refused' }

/**
 * How people sign in. Pages know these three answers and nothing of passwords: an outside sign-in (OIDC) takes
 * this one's place by ending in one of them, too. It admits whom its provider names, by `admit`, so that
 * sessions, second factors and the ledger stay as they are.
 */
export interface SignIn {
  /** @throws Problem rate_limit_exceeded, busy */
  withPassword(credentials: Credentials): Promise<SignInResult>
  /**
   * The second half: the code for a step. `too_late` when the step is unknown, used or too old; a step
   * survives wrong codes.
   * @throws Problem rate_limit_exceeded
   */
  withCode(
    step: string,
    code: string,
    arrival: Arrival,
  ): Promise<SignInResult | { readonly kind: 'too_late' }>
  /** Whose code is waited for; null when the step is unknown, used or too old. */
  whoseStep(step: string): Promise<Person | null>
}

/** So long a browser may take from the password to the code. */
export const stepSeconds = 5 * minuteSeconds

export interface LocalSignInParts {
  readonly db: Db
  readonly turnstile: Turnstile
  readonly factorKeys: FactorKeys
  readonly background: Background
  readonly clock: Clock
}

/** Local accounts with a password. */
export function createLocalSignIn(parts: LocalSignInParts): SignIn {
  const { db, turnstile, factorKeys, background, clock } = parts

  const withPassword = async ({
    email,
    password,
    from,
    replaces,
  }: Credentials): Promise<SignInResult | null> => {
    const found = await findPersonToSignIn(db, email)
    const matches = await verifyPassword(found?.passwordHash ?? null, password)
    if (!found?.passwordHash || !matches) {
      // Not waited for: it would tell who is known (SECURITY U3).
      if (found) background.run(() => recordFailure(db, found.person.id, from, 'password'))
      return null
    }
    const hash = await renewHash(db, found.person.id, found.passwordHash, password)
    return db.transaction(async (tx) => {
      // Changed or disabled since it was verified: then this password opens nothing any more.
      if (!(await holdPassword(tx, found.person.id, hash))) return null
      return await admit(tx, found.person, { from, replaces }, clock())
    })
  }

  return {
    withPassword: async (credentials) => {
      const { email, from } = credentials
      if (!isEmail(email)) return { kind: 'refused' }
      const tries = passwordTries(from.address, email)
      return (await tryOnce(turnstile, tries, () => withPassword(credentials))) ?? { kind: 'refused' }
    },
    whoseStep: (step) => findStep(db, sha256(step), clock()),
    withCode: async (step, code, { from, replaces }) => {
      const hash = sha256(step)
      const waiting = await findStep(db, hash, clock())
      if (!waiting) return { kind: 'too_late' }
      const finish = (): Promise<SignInResult | { readonly kind: 'too_late' } | null> =>
        db.transaction(async (tx) => {
          const person = await lockStep(tx, hash, clock())
          if (!person) return { kind: 'too_late' }
          const by = { ...from, actor: { kind: 'person', id: person.id } } as const
          const accepted = await acceptCode(tx, factorKeys, { person: person.id, code, by }, clock())
          if (!accepted) return null
          await deleteStep(tx, hash)
          return await enter(tx, person, { from, replaces }, clock(), { second_factor: accepted })
        })
      const result = await tryOnce(turnstile, codeTries(from.address, waiting.id), finish)
      if (result) return result
      await recordFailure(db, waiting.id, from, 'second_factor')
      return { kind: 'refused' }
    },
  }
}

/**
 * Lets in somebody whose first factor was right: to a session, or to the step before it where a second factor
 * is asked for. In the transaction that saw the first factor to be right.
 */
export async function admit(tx: Tx, person: Person, arrival: Arrival, now: Date): Promise<Admission> {
  const factor = await secondFactorOf(tx, person.id)
  if (factor.state === 'off') return await enter(tx, person, arrival, now, {})
  const step = new Secret(randomToken())
  await insertStep(tx, sha256(step.reveal()), person.id, now, addSeconds(now, stepSeconds))
  return { kind: 'code_needed', step }
}

async function enter(
  tx: Tx,
  person: Person,
  { from, replaces }: Arrival,
  now: Date,
  details: Readonly<Record<string, unknown>>,
): Promise<Admission> {
  if (replaces !== null) await deleteSession(tx, sha256(replaces))
  return { kind: 'signed_in', person, session: await startSession(tx, person.id, from, now, details) }
}

/** The hash that is the person's now: made anew when the parameters have risen since (SECURITY U1). */
async function renewHash(db: Db, person: PersonId, hash: string, password: string): Promise<string> {
  if (!isHashOutdated(hash)) return hash
  try {
    const renewed = await hashPassword(password)
    return (await replacePasswordHash(db, person, hash, renewed)) ? renewed : hash
  } catch (thrown) {
    if (thrown instanceof Problem && thrown.code === 'busy') return hash // at another sign-in, then
    throw thrown
  }
}

async function recordFailure(
  db: Db,
  person: PersonId,
  from: Origin,
  factor: 'password' | 'second_factor',
): Promise<void> {
  await db.transaction(async (tx) => {
    // Whoever tried, it was perhaps not the person: so the server tells it.
    const by = { address: from.address, requestId: from.requestId, actor: { kind: 'server' } } as const
    const details = { factor }
    const entry = { by, action: 'person.sign_in_failed', target: person, details } as const
    await recordForEach(tx, await listOrganizationIds(tx, person), entry)
  })
}
