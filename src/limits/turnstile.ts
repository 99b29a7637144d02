// How often: requests counted per credential and per address, in memory or in Redis (decision 12).
import { Redis } from 'ioredis'
import {
  type RateLimiterAbstract,
  RateLimiterMemory,
  RateLimiterRedis,
  RateLimiterRes,
} from 'rate-limiter-flexible'
import { Problem } from '../core/problems.ts'
import { subscriberOf } from '../lib/network.ts'
import type { Secret } from '../lib/secret.ts'

export interface Window {
  readonly requests: number
  readonly seconds: number
}

/** What the rate-limit headers say. */
export interface Allowance {
  readonly limit: number
  readonly remaining: number
  /** Seconds until the window is over. */
  readonly resetSeconds: number
  /** When the window is over, in ms since 1970. */
  readonly resetsAt: number
}

export interface Verdict {
  readonly allowance: Allowance
  /** Seconds to wait; null for a request that may go on. */
  readonly retryAfter: number | null
}

export interface Turnstile {
  /** As `pass`, with the refusal as an answer; at once where nobody else has to be asked. */
  take(rateClass: string, who: string): Verdict | Promise<Verdict>
  /**
   * Counts one request of `who` in every window of the class; the addresses of one IPv6 network are one. `tell` hears
   * the allowance in any case: the widest window's, which a program plans by, or that of the window which refused, so
   * that nothing is left and the reset is the time to wait. What a narrow window refuses the wider ones do not count.
   * @throws Problem rate_limit_exceeded
   */
  pass(rateClass: string, who: string, tell: (allowance: Allowance) => void): Promise<void>
  /** Takes one counted request back: it turned out to be none of those that the class limits. */
  refund(rateClass: string, who: string): Promise<void>
  close(): Promise<void>
}

/**
 * A turnstile over named classes of windows. With Redis the count is common to all nodes; while Redis is
 * away each node counts in its own memory, so that no request fails for it.
 */
export function createTurnstile(
  classes: Readonly<Record<string, readonly Window[]>>,
  redisUrl: Secret | null,
): Turnstile {
  const redis = redisUrl ? connectRedis(redisUrl) : null
  const gates = new Map(
    Object.entries(classes).map(([name, windows]) => {
      const narrowFirst = [...windows].sort((a, b) => a.seconds - b.seconds)
      return [name, narrowFirst.map((window) => ({ window, limiter: createLimiter(name, window, redis) }))]
    }),
  )
  const gatesOf = (rateClass: string) => {
    const found = gates.get(rateClass)
    if (!found) throw new Error(`no rate class ${rateClass}`)
    return found
  }
  const take = async (rateClass: string, who: string): Promise<Verdict> => {
    let last: Verdict | null = null
    for (const { window, limiter } of gatesOf(rateClass)) {
      const { allowance, refused } = await count(limiter, window, subscriberOf(who))
      last = { allowance, retryAfter: refused ? allowance.resetSeconds : null }
      if (refused) break
    }
    if (!last) throw new Error(`the rate class ${rateClass} has no window`)
    return last
  }
  return {
    take,
    pass: async (rateClass, who, tell) => {
      const { allowance, retryAfter } = await take(rateClass, who)
      tell(allowance)
      if (retryAfter !== null) throw new Problem('rate_limit_exceeded', { retryAfter })
    },
    refund: async (rateClass, who) => {
      await Promise.all(gatesOf(rateClass).map(({ limiter }) => limiter.reward(subscriberOf(who))))
    },
    close: async () => {
      redis?.disconnect()
    },
  }
}

async function count(limiter: RateLimiterAbstract, window: Window, who: string) {
  try {
    return { allowance: toAllowance(await limiter.consume(who), window), refused: false }
  } catch (thrown) {
    if (thrown instanceof RateLimiterRes) return { allowance: toAllowance(thrown, window), refused: true }
    throw thrown
  }
}

function toAllowance(result: RateLimiterRes, window: Window): Allowance {
  return {
    limit: window.requests,
    remaining: Math.max(0, result.remainingPoints),
    resetSeconds: Math.max(1, Math.ceil(result.msBeforeNext / 1000)),
    // The limiters keep time by the machine's clock, as Redis does.
    resetsAt: Date.now() + result.msBeforeNext,
  }
}

function createLimiter(rateClass: string, window: Window, redis: Redis | null): RateLimiterAbstract {
  const options = {
    keyPrefix: `latchkey:${rateClass}:${window.seconds}`,
    points: window.requests,
    duration: window.seconds,
  }
  const memory = new RateLimiterMemory(options)
  return redis ? new RateLimiterRedis({ ...options, storeClient: redis, insuranceLimiter: memory }) : memory
}

function connectRedis(url: Secret): Redis {
  const redis = new Redis(url.reveal(), {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    connectTimeout: 2000,
  })
  // ioredis goes on trying by itself; without a listener each attempt's error would end the process.
  redis.on('error', () => {})
  return redis
}
