// Signing in: the small interface that an outside sign-in (OIDC) can fill one day, and the local one.
import type { Origin } from '../core/attribution.ts'
import type { Db } from '../db/connect.ts'
import { sha256 } from '../lib/digest.ts'
import type { Turnstile } from '../limits/turnstile.ts'
import { isEmail } from './email.ts'
import { verifyPassword } from './password.ts'
import { findPersonToSignIn, type Person } from './person-store.ts'

export interface Credentials {
  readonly email: string
  readonly password: string
  readonly from: Origin
}

/** null for every reason to refuse: which it was is nobody's business. @throws Problem rate_limit_exceeded, busy */
export type SignIn = (credentials: Credentials) => Promise<Person | null>

/** Wrong passwords that one account and one address may send (SECURITY U4). */
export const signInRateClasses = {
  'sign-in-account': [{ requests: 10, seconds: 900 }],
  'sign-in-address': [{ requests: 50, seconds: 900 }],
} as const

/** Local accounts with a password. */
export function createLocalSignIn(db: Db, turnstile: Turnstile): SignIn {
  return async ({ email, password, from }) => {
    if (!isEmail(email)) return null
    // Counted before the password is looked at, and given back if it was right: a hundred guesses sent at
    // once must not all slip past the count.
    // The address first: what it is refused for leaves no trace of the accounts that it names.
    const tries = [
      ['sign-in-address', from.address ?? ''],
      ['sign-in-account', sha256(email.toLowerCase()).toString('base64')],
    ] as const
    for (const [rateClass, who] of tries) await turnstile.pass(rateClass, who, () => {})
    const found = await findPersonToSignIn(db, email)
    const matches = await verifyPassword(found?.passwordHash ?? null, password)
    if (!matches || !found) return null
    for (const [rateClass, who] of tries) await turnstile.refund(rateClass, who)
    return found.person
  }
}
