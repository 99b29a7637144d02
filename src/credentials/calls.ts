// How many calls were made on a day.
import type { Day } from '../lib/day.ts'
import { daySeconds } from '../lib/time.ts'

export interface DayCalls {
  readonly day: Day
  readonly calls: number
  /** Those of them that a limit refused. */
  readonly limited: number
}

/** Both days among them. */
export interface Days {
  readonly from: Day
  readonly to: Day
}

/** So long the calls of a day are kept: a year can be laid beside the year before. */
export const keptCallsSeconds = 400 * daySeconds

/** As a table has them. */
export interface CallsRow {
  readonly day: Day
  readonly calls: string
  readonly limited: string
}

export const toDayCalls = ({ day, calls, limited }: CallsRow): DayCalls => ({
  day,
  calls: Number(calls),
  limited: Number(limited),
})
