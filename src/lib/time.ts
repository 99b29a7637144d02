// The clock that the house goes by, and its units.

/** Where "now" comes from; a test puts another in its place. */
export type Clock = () => Date

export const systemClock: Clock = () => new Date()

/** The same as a number, ms since 1970, for what asks at each request. */
export type Milliseconds = () => number

/** The clock by numbers. The system's own makes no Date for it. */
export function millisecondsOf(clock: Clock): Milliseconds {
  return clock === systemClock ? () => Date.now() : () => clock().getTime()
}

export const secondMs = 1000
export const minuteSeconds = 60
export const hourSeconds = 3600
export const daySeconds = 86_400

/** `at`, moved by `seconds`. */
export function addSeconds(at: Date, seconds: number): Date {
  return new Date(at.getTime() + seconds * secondMs)
}

/** Whole seconds since 1970, as JSON Web Tokens and RFC 7662 count them. */
export function epochSeconds(at: Date): number {
  return Math.floor(at.getTime() / secondMs)
}

/** The one that comes first. */
export function earlier(left: Date, right: Date): Date {
  return new Date(Math.min(left.getTime(), right.getTime()))
}
