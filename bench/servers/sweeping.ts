// Latchkey itself, with a sweeper that the bench starts and stops instead of the clock: in the same process, as the
// server's own is.
import { loadBase, openConfiguredDatabase } from '../../src/base.ts'
import { createMetrics } from '../../src/core/metrics.ts'
import { createLog } from '../../src/core/telemetry.ts'
import type { Database } from '../../src/db/connect.ts'
import { underLock } from '../../src/db/lock.ts'
import { systemClock } from '../../src/lib/time.ts'
import { createSweeper, type Sweeper } from '../../src/sweeping/sweeper.ts'
import { sweepsOf } from '../../src/sweeping/sweeps.ts'

const { config, profile } = loadBase(process.env)
let database: Database | null = null
/** Stops what goes on now. */
let change: () => Promise<void> = async () => {}

/** Holds the lock, so that the server's own sweeper leaves it to us. */
async function rest({ knex }: Database): Promise<() => Promise<void>> {
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  let held: Promise<void> = Promise.resolve()
  await new Promise<void>((resolve) => {
    held = underLock(knex, 'sweeping', () => {
      resolve()
      return released
    })
  })
  return () => {
    release()
    return held
  }
}

async function sweep({ knex: db }: Database): Promise<() => Promise<void>> {
  const parts = { db, sweeps: sweepsOf(profile), clock: systemClock, log: createLog('silent') }
  const sweeper: Sweeper = createSweeper({ ...parts, metrics: createMetrics(), everyMs: 10 })
  return () => sweeper.close()
}

process.on('message', async (asked) => {
  if (asked !== 'sweep' && asked !== 'rest') return
  database ??= (await openConfiguredDatabase(config, 'borrower')).database
  await change()
  change = await (asked === 'sweep' ? sweep : rest)(database)
  process.send?.(asked)
})

// What holds the lock would hold the process too.
process.once('SIGTERM', async () => {
  await change()
  await database?.close()
})

// Not awaited: it has served when it has stopped.
void import('./latchkey.ts')
