// What several processes without Redis have counted together. Unlogged: a crash of PostgreSQL empties the table, and
// a count costs no flush to disk.
import type { Database } from '../db/connect.ts'
import { expiredRows } from '../db/sweep.ts'

export interface Told {
  /** A digest of whose window it is: no address is kept, and it is never too long. No two of one call are alike. */
  readonly name: string
  /** Requests since the last time; fewer than none were given back. */
  readonly delta: number
  /** How long the window is, should it begin now. */
  readonly windowMs: number
}

export interface Heard {
  readonly name: string
  /** All that was told in this window, by whomever. */
  readonly count: number
  readonly msLeft: number
}

// In the order of names: two processes that tell of the same ones wait for each other, and never in a circle.
const exchange = {
  name: 'exchange-rate-counts',
  text: `insert into rate_counts as known (name, count, expires_at)
           select name, delta, now() + window_ms * interval '1 millisecond'
           from unnest($1::text[], $2::int[], $3::float8[]) as told (name, delta, window_ms)
           order by name
         on conflict (name) do update set
           count = greatest(0, case when known.expires_at <= now() then 0 else known.count end + excluded.count),
           expires_at = case when known.expires_at <= now() then excluded.expires_at else known.expires_at end
         returning name, greatest(0, count) as count,
           (extract(epoch from expires_at - now()) * 1000)::float8 as "msLeft"`,
}

/** Adds what is told to what is known, in one statement on the primary key, and answers with the sums. */
export function exchangeCounts(database: Database, told: readonly Told[]): Promise<readonly Heard[]> {
  return database.run<Heard>(exchange, [
    told.map(({ name }) => name),
    told.map(({ delta }) => delta),
    told.map(({ windowMs }) => windowMs),
  ])
}

export const expiredCounts = expiredRows('rate_counts')
