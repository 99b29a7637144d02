// Rows that have had their time, taken away in batches: what every table with an end has in common.
import { addSeconds, earlier } from '../lib/time.ts'
import type { Db, Tx } from './connect.ts'

export interface Batch {
  readonly rows: number
  /** True when there is nothing more to take, but for what somebody else holds at this moment. */
  readonly isLast: boolean
}

/** Takes one table's dead rows away. */
export interface Sweep {
  /** The table. */
  readonly name: string
  /** For one that has to look at living rows too: so long it rests, in seconds. Absent: never. */
  readonly restsSeconds?: number
  /**
   * Begins to take what was over before `before`. Each call of what it gives takes one batch of at most `limit`
   * rows (or looks at so many), and waits for nobody: a row that is held is left for the next time.
   */
  start(before: Date): (tx: Tx, limit: number) => Promise<Batch>
  /** How many rows it would take. */
  count(db: Db, before: Date): Promise<number>
}

/** By so much, in seconds, the clocks of two nodes may differ without one sweeping what is good on the other. */
const clockMarginSeconds = 60

/**
 * What ended before this is dead, by anybody's clock: the earlier of the house's and the database's, less a
 * margin. A node whose clock runs ahead sweeps no sooner than the others.
 */
export async function deadBefore(db: Db, now: Date): Promise<Date> {
  const { rows } = await db.raw<{ rows: { at: Date }[] }>('select clock_timestamp() as at')
  const [row] = rows
  if (!row) throw new Error('a clock that says nothing')
  return addSeconds(earlier(now, row.at), -clockMarginSeconds)
}

/**
 * Rows whose `expires_at` is over; the table has an index of that column.
 * @param keptSeconds how long past it a row is still good for something
 * @param column another one, a time or a day, that says when it was over
 */
export function expiredRows(table: string, keptSeconds = 0, column = 'expires_at'): Sweep {
  return {
    name: table,
    start: (before) => {
      const end = addSeconds(before, -keptSeconds)
      // What was taken stands in the index until a vacuum: each batch begins where the last one ended, or the
      // thousandth would walk over all that went before it.
      let from = '-infinity'
      return async (tx, limit) => {
        const { rows } = await tx.raw<{ rows: { taken: number; last: string | null }[] }>(
          `with taken as (
             delete from ?? where ctid = any (array(
               select ctid from ?? where ?? >= ?::timestamptz and ?? < ?::timestamptz
               order by ?? limit ? for update skip locked
             )) returning ??
           ) select count(*)::int as taken, max(??)::text as last from taken`,
          [table, table, column, from, column, end, column, limit, column, column],
        )
        const taken = rows[0]?.taken ?? 0
        from = rows[0]?.last ?? from
        return { rows: taken, isLast: taken < limit }
      }
    },
    count: async (db, before) => {
      const [row] = await db(table)
        .where(column, '<', addSeconds(before, -keptSeconds))
        .count<{ count: string }[]>('* as count')
      return Number(row?.count ?? 0)
    },
  }
}
