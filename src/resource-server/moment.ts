// Moments on two clocks at once. The monotonic one goes on evenly while the process is stopped, and stands still while
// the machine sleeps; the wall clock goes on then, and may be set. What is good until a moment is good while neither of
// them has reached it.

export interface Moment {
  /** Milliseconds of this process's monotonic clock. */
  readonly monotonic: number
  /** Milliseconds since 1970. */
  readonly wall: number
}

export function now(): Moment {
  return { monotonic: performance.now(), wall: Date.now() }
}

/** @param milliseconds may be negative, or Infinity */
export function later({ monotonic, wall }: Moment, milliseconds: number): Moment {
  return { monotonic: monotonic + milliseconds, wall: wall + milliseconds }
}

export function isBefore(at: Moment, end: Moment): boolean {
  return at.monotonic < end.monotonic && at.wall < end.wall
}

/** Long before everything. */
export const never: Moment = { monotonic: -Infinity, wall: -Infinity }
