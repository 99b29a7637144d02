// The sweeper in the server: a round every minute, by one of all the processes that share the database.
import type { Metrics } from '../core/metrics.ts'
import type { Log } from '../core/telemetry.ts'
import type { Db } from '../db/connect.ts'
import type { Sweep } from '../db/sweep.ts'
import { type Clock, minuteSeconds, secondMs } from '../lib/time.ts'
import { sweepRound } from './sweep.ts'
import { createTally } from './tally.ts'

export interface Sweeper {
  /** Stops after the batch that is under way. */
  close(): Promise<void>
}

export interface SweeperParts {
  readonly db: Db
  readonly sweeps: readonly Sweep[]
  readonly clock: Clock
  readonly log: Log
  readonly metrics: Pick<Metrics, 'sweptRows'>
  readonly everyMs?: number
}

/** A database that fails is asked again at the next round. */
export function createSweeper(parts: SweeperParts): Sweeper {
  const { db, sweeps, clock, log, metrics, everyMs = minuteSeconds * secondMs } = parts
  const stop = new AbortController()
  const rested = new Map<Sweep, number>()
  let isFailing = false
  let sweeping: Promise<void> | null = null

  const isDue = (sweep: Sweep) => performance.now() >= (rested.get(sweep) ?? 0)

  const round = async () => {
    const began = performance.now()
    const tally = createTally()
    const due = sweeps.filter(isDue)
    const tell = tally.add
    try {
      const isOurs = await sweepRound({ db, sweeps: due, now: clock(), signal: stop.signal, tell }, 'leave')
      if (isOurs && !stop.signal.aborted) {
        for (const sweep of due) rested.set(sweep, performance.now() + (sweep.restsSeconds ?? 0) * secondMs)
      }
      if (isFailing) log.info('expired rows are swept again')
      isFailing = false
    } catch (cause) {
      // Once, not every minute for as long as a database is away.
      if (!isFailing) log.warn({ err: cause }, 'expired rows could not be swept; it is tried again')
      isFailing = true
    }
    for (const [table, rows] of Object.entries(tally.rows)) metrics.sweptRows.inc({ table }, rows)
    const seconds = Number(((performance.now() - began) / secondMs).toFixed(1))
    if (tally.total > 0) log.info({ rows: tally.rows, seconds }, 'swept expired rows')
  }

  const timer = setInterval(() => {
    sweeping ??= round().finally(() => {
      sweeping = null
    })
  }, everyMs).unref()

  return {
    close: async () => {
      stop.abort()
      clearInterval(timer)
      await sweeping
    },
  }
}
