// The ledger at size: how fast events are sealed, and how fast every seal is verified.
import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { sealPending } from '../src/audit/seal.ts'
import { verifyLedger } from '../src/audit/verify.ts'
import { loadBase, openConfiguredDatabase } from '../src/base.ts'
import type { Db } from '../src/db/connect.ts'
import { migrate } from '../src/db/migrate.ts'
import { type Cleanup, withCleanup } from './cleanup.ts'
import { readWithin } from './options.ts'
import { hideProgress, showProgress } from './progress.ts'
import { describeMachine } from './report.ts'
import { RunFailed } from './run-failed.ts'
import { prepareSurroundings } from './surroundings.ts'

interface LedgerOptions {
  readonly rows: number
  readonly organizations: number
  readonly rounds: number
  readonly json?: true
}

const rowsAtOnce = 20_000

const help = `
Fills a ledger of its own with events such as the server writes, in rows spread over the organizations; seals
them all; then verifies the whole of it, in this process, as "npx latchkey audit verify" does.

Database: the embedded PostgreSQL in a temporary folder; with DATABASE_URL, a database of the run's own on
that server, dropped at the end.
`

export function ledgerCommand(program: Command): void {
  program
    .command('ledger')
    .description('measure how many rows of the ledger are sealed and verified in a second')
    .option('--rows <n>', 'events in it', readWithin(1, 100_000_000), 1_000_000)
    .option('--organizations <n>', 'chains that they are spread over', readWithin(1, 1_000_000), 10)
    .option('--rounds <n>', 'how often it is verified', readWithin(1, 100), 3)
    .option('--json', 'print one JSON value, and nothing else, on standard output')
    .addHelpText('after', help)
    .action(async (options: LedgerOptions) => {
      const report = await withCleanup((cleanup) => run(options, cleanup)).finally(hideProgress)
      console.log(options.json ? JSON.stringify(report, null, 2) : textOf(report))
    })
}

type Report = Awaited<ReturnType<typeof run>>
type Figures = Awaited<ReturnType<typeof timed>>

async function run({ rows, organizations, rounds }: LedgerOptions, cleanup: Cleanup) {
  showProgress('starting')
  const { env, database: kind } = await prepareSurroundings(cleanup)
  const { config } = loadBase({ ...env, NODE_ENV: 'test' })
  const opened = await openConfiguredDatabase(config, 'owner')
  cleanup.add(() => opened.close())
  await migrate(opened.address)
  const { knex } = opened.database
  await fill(knex, rows, organizations, cleanup.signal)

  showProgress(`sealing ${rows} rows`)
  const sealing = await timed(rows, () => sealPending(knex))
  const verifying = []
  for (let round = 1; round <= rounds; round += 1) {
    cleanup.signal.throwIfAborted()
    const verified = await timed(rows, async () => {
      const found = await verifyLedger(knex, {
        onProgress: (done) => showProgress(`verifying, round ${round} of ${rounds}: ${done} of ${rows} rows`),
      })
      if (found.faults.length > 0 || found.rows !== rows || found.chains.length !== organizations)
        throw new RunFailed('The ledger was not found whole.')
    })
    verifying.push(verified)
  }
  const settings = { rows, organizations, rounds, database: kind }
  return { benchmark: 'ledger', ...describeMachine(), settings, sealing, verifying }
}

/** In the organizations by turns, as an app's requests come; the request ids differ as they do in life. */
async function fill(db: Db, rows: number, organizations: number, signal: AbortSignal): Promise<void> {
  const some = randomBytes(8).toString('hex')
  for (let first = 1; first <= rows; first += rowsAtOnce) {
    signal.throwIfAborted()
    showProgress(`filling: ${first - 1} of ${rows} rows`)
    await db.raw(
      `with event as (
         insert into audit_events
           (organization_id, actor_kind, actor_id, on_behalf_of, action, target, address, request_id, details)
         select 'org_' || lpad((n % ?)::text, 24, '0'), 'app', 'app_' || substr(md5((n % 97)::text), 1, 24),
                'person_' || substr(md5((n % 997)::text), 1, 24), 'token.refreshed',
                'grant_' || substr(md5((n % 9973)::text), 1, 24), '192.0.2.' || n % 256,
                'req_' || substr(md5(?::text || n), 1, 26),
                jsonb_build_object('mode', 'live', 'scopes', array['read:bookings', 'write:bookings'])
         from generate_series(?::bigint, ?::bigint) n
         returning id
       ) insert into audit_unsealed select id from event`,
      [organizations, some, first, Math.min(first + rowsAtOnce - 1, rows)],
    )
  }
}

async function timed(rows: number, work: () => Promise<unknown>) {
  const cpu = process.cpuUsage()
  const began = performance.now()
  await work()
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return {
    seconds: Number(seconds.toFixed(2)),
    rowsPerSecond: Math.round(rows / seconds),
    /** This process's own, without PostgreSQL's: on a busy machine the steadier figure. */
    cpuMicrosPerRow: Number(((user + system) / rows).toFixed(2)),
  }
}

function textOf({ settings, sealing, verifying, ...machine }: Report): string {
  const { rows, organizations, database } = settings
  const line = (name: string, it: Figures) =>
    `${name.padEnd(18)}${it.seconds.toFixed(2).padStart(8)} s ${it.rowsPerSecond.toLocaleString('en-US').padStart(12)} rows/s  ${it.cpuMicrosPerRow} µs of CPU a row`
  return [
    `ledger: ${rows.toLocaleString('en-US')} rows in ${organizations} chains, ${database} PostgreSQL`,
    `${machine.date}, Node.js ${machine.node}, ${machine.cores} × ${machine.cpu}, load average ${machine.loadAverage.toFixed(2)}`,
    '',
    line('sealing', sealing),
    ...verifying.map((it, index) => line(`verifying, round ${index + 1}`, it)),
  ].join('\n')
}
