// Days in UTC: what is counted by day is counted by these, wherever whoever looks at it may sit.
import { daySeconds, secondMs } from './time.ts'

/** A day in UTC: 2026-11-26. */
export type Day = `${string}-${string}-${string}`

export const dayMs = daySeconds * secondMs

/** The day of a moment, in ms since 1970. */
export function dayOf(at: number): Day {
  const [year = '', month = '', day = ''] = new Date(at).toISOString().slice(0, 10).split('-')
  return `${year}-${month}-${day}`
}

/** The first moment of a day, in ms since 1970. */
export function startOf(day: Day): number {
  return Date.parse(`${day}T00:00:00Z`)
}

/** This many days up to the day of `now`, which is the last. */
export function lastDays(count: number, now: Date): readonly Day[] {
  return Array.from({ length: count }, (_, index) => dayOf(now.getTime() - (count - 1 - index) * dayMs))
}
