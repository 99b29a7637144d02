// latchkey sweep: takes away what has expired, as the server does every minute by itself.
import type { Command } from 'commander'
import type { Db } from '../db/connect.ts'
import { deadBefore, type Sweep } from '../db/sweep.ts'
import { secondMs } from '../lib/time.ts'
import { sweepRound } from '../sweeping/sweep.ts'
import { sweepsOf } from '../sweeping/sweeps.ts'
import { createTally } from '../sweeping/tally.ts'
import { count, createProgress } from './progress.ts'
import { answer, table, withDatabase } from './session.ts'

export function sweepCommands(program: Command): void {
  program
    .command('sweep')
    .description('take away what has expired, as the server does every minute by itself')
    .option('--dry-run', 'count what would be taken, and take nothing')
    .action(async ({ dryRun = false }: { readonly dryRun?: boolean }, command: Command) => {
      const isJson = command.optsWithGlobals()['json'] === true
      const { rows, seconds } = await withDatabase(async ({ profile, opened: { database } }) => {
        const began = performance.now()
        const found = await countDead(database.knex, sweepsOf(profile))
        const taken = dryRun ? found : await sweep(database.knex, sweepsOf(profile), sum(found), isJson)
        // A table of which nothing was taken is told too.
        const all = Object.keys(found).map((name) => [name, taken[name] ?? 0] as const)
        return { rows: Object.fromEntries(all), seconds: (performance.now() - began) / secondMs }
      })
      const total = sum(rows)
      const lines = Object.entries(rows).map(([name, number]) => [name, count(number)])
      const text = dryRun
        ? `${count(total)} rows would be taken away.`
        : `Took ${count(total)} rows away in ${seconds.toFixed(1)} s.`
      answer(
        command,
        { dry_run: dryRun, rows, total, seconds },
        `${table([['TABLE', 'ROWS'], ...lines], '')}\n\n${text}`,
      )
    })
}

async function countDead(db: Db, sweeps: readonly Sweep[]): Promise<Readonly<Record<string, number>>> {
  const before = await deadBefore(db, new Date())
  const tally = createTally()
  for (const sweep of sweeps) tally.add({ sweep, rows: await sweep.count(db, before) })
  return tally.rows
}

/** Where a server is at it, waits for its turn. */
async function sweep(
  db: Db,
  sweeps: readonly Sweep[],
  expected: number,
  isQuiet: boolean,
): Promise<Readonly<Record<string, number>>> {
  const progress = createProgress('Sweeping', isQuiet)
  const tally = createTally()
  const { signal } = new AbortController()
  try {
    const round = { db, sweeps, now: new Date(), signal }
    await sweepRound(
      {
        ...round,
        tell: (swept) => {
          tally.add(swept)
          progress.tell(tally.total, Math.max(expected, tally.total))
        },
      },
      'wait',
    )
  } finally {
    progress.end()
  }
  return tally.rows
}

const sum = (rows: Readonly<Record<string, number>>) => Object.values(rows).reduce((a, b) => a + b, 0)
