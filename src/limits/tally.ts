// What one subject (a credential, an organization, an address) has counted in the windows of one class, and what
// that means for its next request. Pure: the time is told, and nothing here knows who else counts.
import { secondMs } from '../lib/time.ts'

export interface Window {
  readonly requests: number
  readonly seconds: number
}

/** A named class of requests, its windows from the narrowest to the widest. */
export interface RateClass {
  readonly name: string
  readonly windows: readonly Window[]
}

/** What the rate-limit headers say. */
export interface Allowance {
  readonly limit: number
  readonly remaining: number
  /** Seconds until the window is over: a second at least. */
  readonly resetSeconds: number
  /** When the window is over, in ms since 1970. */
  readonly resetsAt: number
}

export interface Verdict {
  /** The widest window's, which a program plans by, or that of the window which refused. */
  readonly allowance: Allowance
  /** Seconds to wait; null: the request may go on, and was counted. */
  readonly retryAfter: number | null
}

export interface WindowCount {
  /** Requests in the window, as far as this process knows; not more than its limit, unless several processes count. */
  count: number
  /** When the window is over, in ms since 1970 by this machine's clock. */
  endsAt: number
  /** How many of them no other process has been told of. */
  untold: number
}

export interface Tally {
  readonly rateClass: RateClass
  readonly who: string
  /** One for each window of the class, in the same order. */
  readonly counts: readonly WindowCount[]
  /** When the sums of all processes were heard last, in ms since 1970; 0 for never. */
  heardAt: number
  /** Nobody will find it again: it was over, or had to make room. */
  isForgotten: boolean
}

export function newTally(rateClass: RateClass, who: string, now: number): Tally {
  const counts = rateClass.windows.map(({ seconds }) => ({
    count: 0,
    endsAt: now + seconds * secondMs,
    untold: 0,
  }))
  return { rateClass, who, counts, heardAt: 0, isForgotten: false }
}

/** True when nothing in it counts any more. */
export function isOver({ rateClass, counts }: Tally, now: number): boolean {
  for (const [index, window] of rateClass.windows.entries()) {
    const count = counts[index]
    if (count && !isWindowOver(count, window, now)) return false
  }
  return true
}

/** Begins the windows anew that are over. */
export function renew({ rateClass, counts }: Tally, now: number): void {
  for (let index = 0; index < counts.length; index += 1) {
    const [count, window] = [counts[index], rateClass.windows[index]]
    if (count && window && isWindowOver(count, window, now)) {
      count.count = 0
      count.untold = 0
      count.endsAt = now + window.seconds * secondMs
    }
  }
}

/** A clock that was set back must not make a window longer than it is. */
function isWindowOver({ endsAt }: WindowCount, { seconds }: Window, now: number): boolean {
  return endsAt <= now || endsAt - now > seconds * secondMs
}

/** Counts one request, where every window has room for it; what one of them refuses counts in none. */
export function takeFrom(tally: Tally, now: number): Verdict {
  renew(tally, now)
  const { rateClass, counts } = tally
  for (let index = 0; index < counts.length; index += 1) {
    const [count, window] = [counts[index], rateClass.windows[index]]
    if (count && window && count.count >= window.requests) return refusal(window, count, now)
  }
  for (const count of counts) {
    count.count += 1
    count.untold += 1
  }
  return { allowance: allowanceOf(tally, counts.length - 1, now), retryAfter: null }
}

/** Takes one counted request back. */
export function giveBack(tally: Tally, now: number): void {
  renew(tally, now)
  for (const count of tally.counts) {
    if (count.count === 0) continue
    count.count -= 1
    count.untold -= 1
  }
}

/** Has any window no room left? To be asked of a renewed tally. */
export function isFull({ rateClass, counts }: Tally): boolean {
  return counts.some(({ count }, index) => count >= (rateClass.windows[index]?.requests ?? 0))
}

/** The verdict of somebody else who has counted: by the window of this index refused, or null for not at all. */
export function verdictOf(tally: Tally, refusedBy: number | null, now: number): Verdict {
  const [count, window] = [tally.counts[refusedBy ?? 0], tally.rateClass.windows[refusedBy ?? 0]]
  if (refusedBy !== null && count && window) return refusal(window, count, now)
  return { allowance: allowanceOf(tally, tally.counts.length - 1, now), retryAfter: null }
}

function refusal(window: Window, { endsAt }: WindowCount, now: number): Verdict {
  const resetSeconds = secondsUntil(endsAt, now)
  const allowance = { limit: window.requests, remaining: 0, resetSeconds, resetsAt: endsAt }
  return { allowance, retryAfter: resetSeconds }
}

function allowanceOf({ rateClass, counts }: Tally, index: number, now: number): Allowance {
  const [count, window] = [counts[index], rateClass.windows[index]]
  if (!count || !window) throw new Error(`the rate class ${rateClass.name} has no windows`)
  return {
    limit: window.requests,
    remaining: Math.max(0, window.requests - count.count),
    resetSeconds: secondsUntil(count.endsAt, now),
    resetsAt: count.endsAt,
  }
}

function secondsUntil(at: number, now: number): number {
  return Math.max(1, Math.ceil((at - now) / secondMs))
}
