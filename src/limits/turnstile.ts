// How often: requests counted per credential, organization and address, in named classes of windows. This file says
// who counts: Redis, the processes together by way of the database, or this process alone (decision 25).
import { Problem } from '../core/problems.ts'
import type { Log } from '../core/telemetry.ts'
import { subscriberOf } from '../lib/network.ts'
import type { Secret } from '../lib/secret.ts'
import { createRedisCounts } from './redis-counts.ts'
import { createSharedCounts, type SharedCountsParts } from './shared-counts.ts'
import { createTallies } from './tallies.ts'
import type { Allowance, RateClass, Verdict, Window } from './tally.ts'

export type { Allowance, Verdict, Window } from './tally.ts'

export interface Turnstile {
  /**
   * Counts one request of `who` in every window of the class; the addresses of one IPv6 network are one. What one
   * window refuses counts in none. The answer is there at once, with no promise, where memory decides.
   */
  take(rateClass: string, who: string): Verdict | Promise<Verdict>
  /**
   * As `take`; `tell` hears the allowance in any case.
   * @throws Problem rate_limit_exceeded
   */
  pass(rateClass: string, who: string, tell: (allowance: Allowance) => void): Promise<void>
  /** Takes one counted request back: it turned out to be none of those that the class limits. */
  refund(rateClass: string, who: string): Promise<void>
  close(): Promise<void>
}

export interface TurnstileParts {
  /** With it all processes count together, exactly; while it is away each counts by itself. */
  readonly redisUrl: Secret | null
  /** Without Redis: how processes hear of each other; null for one that is alone with its limits. */
  readonly shared: SharedCountsParts | null
  readonly log: Log
}

/** A turnstile over named classes of windows. No request fails because a count can't be had. */
export function createTurnstile(
  classes: Readonly<Record<string, readonly Window[]>>,
  { redisUrl, shared, log }: TurnstileParts,
): Turnstile {
  const rateClasses = new Map(
    Object.entries(classes).map(([name, windows]): [string, RateClass] => {
      const narrowFirst = [...windows].sort((a, b) => a.seconds - b.seconds)
      return [name, { name, windows: narrowFirst }]
    }),
  )
  const classOf = (name: string) => {
    const found = rateClasses.get(name)
    if (!found) throw new Error(`no rate class ${name}`)
    return found
  }
  const tallies = createTallies()
  const counts = redisUrl
    ? createRedisCounts(redisUrl, tallies, log)
    : shared
      ? createSharedCounts(shared, tallies, log)
      : tallies
  const take = (rateClass: string, who: string) => counts.take(classOf(rateClass), subscriberOf(who))

  return {
    take,
    pass: async (rateClass, who, tell) => {
      const { allowance, retryAfter } = await take(rateClass, who)
      tell(allowance)
      if (retryAfter !== null) throw new Problem('rate_limit_exceeded', { retryAfter })
    },
    refund: async (rateClass, who) => {
      await counts.giveBack(classOf(rateClass), subscriberOf(who))
    },
    close: async () => {
      await counts.close()
      tallies.close()
    },
  }
}
