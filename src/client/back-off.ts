// When another try makes sense, and when.

const firstWait = 500
const longestWait = 8000
const passing = new Set([408, 429, 500, 502, 503, 504])

/** Is it an answer that may be another one the next time? */
export const isPassing = (status: number) => passing.has(status)

/**
 * Milliseconds to wait before another try: exponential back-off with full jitter, so that those who were refused at
 * once don't come again at once; and not less than the server asks for (Retry-After).
 * @param tries how many there were, 1 and more
 * @param random a number from 0 up to 1
 */
export function waitBefore(tries: number, retryAfter: number | undefined, random: number): number {
  const own = random * Math.min(longestWait, firstWait * 2 ** (tries - 1))
  // Not sooner than without it: "0", and the date of a server whose clock is behind ours, would be no wait at all.
  return Math.max(own, (retryAfter ?? 0) * 1000)
}

/**
 * The seconds of a header Retry-After, which is a number of seconds or a date (RFC 9110 section 10.2.3); undefined for
 * all else. `Date.parse` alone would take "1.5" and "-5" for days of 2001, which are over: no wait at all.
 * @param now milliseconds since 1970
 */
export function readRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined
  if (/^\s*\d+\s*$/.test(header)) return Number(header)
  const date = /^\s*[A-Z][a-z]{2,8},? .*\d\d:\d\d:\d\d/.test(header) ? Date.parse(header) : Number.NaN
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - now) / 1000))
}
