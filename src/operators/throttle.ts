// How often somebody may try (SECURITY U4): counted before a try is looked at, given back if it was right.
import type { PersonId } from '../core/ids.ts'
import { sha256 } from '../lib/digest.ts'
import type { Turnstile } from '../limits/turnstile.ts'

/** Wrong passwords and codes, and mails asked for, that one account and one address may send. */
export const signInRateClasses = {
  'sign-in-account': [{ requests: 10, seconds: 900 }],
  'sign-in-address': [{ requests: 50, seconds: 900 }],
  // Of a million codes three are good at any time: these leave somebody who has the password 1 chance in 6,000
  // a day.
  'second-factor-account': [
    { requests: 10, seconds: 900 },
    { requests: 50, seconds: 86_400 },
  ],
  'reset-account': [{ requests: 3, seconds: 900 }],
  'reset-address': [{ requests: 20, seconds: 900 }],
} as const

export type Try = readonly [rateClass: keyof typeof signInRateClasses, who: string]

/** The address first: what it is refused for leaves no trace of the accounts that it names. */
export const passwordTries = (address: string | null, email: string): readonly Try[] => [
  ['sign-in-address', address ?? ''],
  ['sign-in-account', accountOf(email)],
]

export const codeTries = (address: string | null, person: PersonId): readonly Try[] => [
  ['sign-in-address', address ?? ''],
  ['second-factor-account', person],
]

export const resetTries = (address: string | null, email: string): readonly Try[] => [
  ['reset-address', address ?? ''],
  ['reset-account', accountOf(email)],
]

/** An account by the address that is typed, whether it is there or not; no address is kept. */
const accountOf = (email: string) => sha256(email.toLowerCase()).toString('base64')

/** @throws Problem rate_limit_exceeded */
export async function countTries(turnstile: Turnstile, tries: readonly Try[]): Promise<void> {
  for (const [rateClass, who] of tries) await turnstile.pass(rateClass, who, () => {})
}

/**
 * Makes one attempt. A hundred guesses sent at once must not all slip past the count, so it is counted first;
 * given back is what was right, and what was never looked at because something failed.
 * @param attempt answers null for a wrong guess
 * @throws Problem rate_limit_exceeded, and whatever `attempt` throws
 */
export async function tryOnce<T>(
  turnstile: Turnstile,
  tries: readonly Try[],
  attempt: () => Promise<T | null>,
): Promise<T | null> {
  await countTries(turnstile, tries)
  let isWrong = false
  try {
    const result = await attempt()
    isWrong = result === null
    return result
  } finally {
    if (!isWrong) for (const [rateClass, who] of tries) await turnstile.refund(rateClass, who)
  }
}
