// Making keys through the front door, beside a Koa route that writes one row: slices of load in turn.
import type { Command } from 'commander'
import { openConfiguredDatabase } from '../src/base.ts'
import { loadConfig } from '../src/core/config.ts'
import { type DatabaseAddress, type Db, openDirect } from '../src/db/connect.ts'
import { migrate } from '../src/db/migrate.ts'
import { type Cleanup, withCleanup } from './cleanup.ts'
import { type CompareSettings, compare, type Variant } from './compare.ts'
import { keySchema, runCommand } from './credentials.ts'
import { watchDatabaseCpu } from './database-cpu.ts'
import { startDatabaseServer } from './database-server.ts'
import type { Target } from './load.ts'
import { addComparisonOptions, type ComparisonOptions, settingsOf } from './options.ts'
import { hideProgress, showProgress } from './progress.ts'
import { describeMachine, type Report, reportText } from './report.ts'
import { RunFailed } from './run-failed.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { prepareSurroundings } from './surroundings.ts'

/** The ledger's seals come within it. */
const settleMs = 700

const help = `
POST /api/v1/keys without an Idempotency-Key, by one key, beside a bare Koa route that reads the same body and writes
one row by a named statement into a table that is indexed as the table of keys is. Any answer but 201 fails the run,
and so does a key that is not whole at its end (its row, its credential, its entry in the ledger).

The ledger is sealed meanwhile, as always: that is in Latchkey's figures.

Database: the embedded PostgreSQL in a temporary folder; with DATABASE_URL, a database of the run's own on that
server, dropped at the end. A minute leaves half a million keys, some 700 MB.
`

export function createKeysCommand(program: Command): void {
  addComparisonOptions(program.command('create-keys'))
    .description('compare making a key by API with a bare Koa route that writes one row')
    .addHelpText('after', help)
    .action(async (options: ComparisonOptions) => {
      const settings = settingsOf(options, 'koa-insert', 2)
      const report = await withCleanup((cleanup) => run(settings, cleanup)).finally(hideProgress)
      console.log(options.json ? JSON.stringify(report, null, 2) : reportText(report))
    })
}

async function run(settings: CompareSettings, cleanup: Cleanup): Promise<Report> {
  const machine = describeMachine()
  showProgress('starting')
  const { kind, url } = await startDatabaseServer(cleanup)
  const { env } = await prepareSurroundings(cleanup, url)
  const server = await startServer('latchkey', { env, readyPath: '/readyz' }, cleanup)
  const opened = await openConfiguredDatabase(loadConfig(env), 'borrower')
  cleanup.add(() => opened.close())
  const variants = [await latchkeySide(server, env, cleanup), await koaSide(opened.address, env, cleanup)]
  const figures = await compare(variants, settings, cleanup, showProgress)
  const made = await requireWholeKeys(opened.database.knex)
  return {
    benchmark: 'create-keys',
    ...machine,
    settings: { ...settings, database: kind },
    variants: figures,
    notes: [`${made.toLocaleString('en-US')} keys were made, each whole.`],
  }
}

async function latchkeySide(
  server: ServerProcess,
  env: NodeJS.ProcessEnv,
  cleanup: Cleanup,
): Promise<Variant> {
  const { signal } = cleanup
  const commandEnv = { ...env, PORT: String(server.port) }
  await runCommand(['org', 'create', '--name', 'Bench', '--slug', 'bench'], commandEnv, signal)
  const scopes = ['keys:read', 'keys:write', 'read:bookings'].flatMap((scope) => ['--scope', scope])
  const create = ['key', 'create', '--org', 'bench', '--mode', 'live', ...scopes]
  const { secret } = keySchema.parse(await runCommand(create, commandEnv, signal))
  return {
    ...{ name: 'latchkey', title: 'POST /api/v1/keys', server, settleMs },
    target: target(server, '/api/v1/keys', { Authorization: `Bearer ${secret}` }),
    databaseCpuMicros: await watchDatabaseCpu(String(env['DATABASE_URL']), cleanup, 'latchkey'),
  }
}

async function koaSide(address: DatabaseAddress, env: NodeJS.ProcessEnv, cleanup: Cleanup): Promise<Variant> {
  await migrate(address) // it is done, unless the server was slower to begin
  const owner = openDirect(address)
  await owner.raw('create table bench_keys (like api_keys including all)').finally(() => owner.destroy())
  const applicationName = 'bench'
  const where =
    address.kind === 'url'
      ? { connectionString: address.url.reveal() }
      : { host: address.host, port: address.port, user: address.user, database: address.database }
  const connection = JSON.stringify({ ...where, application_name: applicationName })
  const options = { env: { ...env, BENCH_CONNECTION: connection }, readyPath: '/' }
  const server = await startServer('koa-insert', options, cleanup)
  return {
    ...{ name: 'koa-insert', title: 'bare Koa, one insert', server, settleMs },
    target: target(server, '/', {}),
    databaseCpuMicros: await watchDatabaseCpu(String(env['DATABASE_URL']), cleanup, applicationName),
  }
}

function target({ port }: ServerProcess, path: string, headers: Target['headers']): Target {
  const body = JSON.stringify({ name: 'Nightly export', scopes: ['read:bookings'] })
  return {
    url: `http://127.0.0.1:${port}${path}`,
    method: 'POST',
    status: 201,
    headers: { ...headers, 'Content-Type': 'application/json' },
    body,
  }
}

/** How many there are. @throws RunFailed where one lacks what belongs to it */
async function requireWholeKeys(db: Db): Promise<number> {
  const { rows } = await db.raw<{ rows: { made: number; whole: number }[] }>(
    `select count(*)::int as made, count(c.hash)::int as whole
     from api_keys k
     left join credentials c on c.key_id = k.id and c.hash = k.hash
       and exists (select from audit_events e where e.target = k.id and e.action = 'key.created'
         and e.organization_id = k.organization_id)`,
  )
  const { made, whole } = rows[0] ?? { made: 0, whole: -1 }
  if (made !== whole) throw new RunFailed(`Of ${made} keys ${made - whole} are not whole.`)
  return made
}
