// Making keys through the front door, beside a Koa route that writes one row: slices of load in turn.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { openConfiguredDatabase } from '../src/base.ts'
import { loadConfig } from '../src/core/config.ts'
import { type DatabaseAddress, type Db, openDirect } from '../src/db/connect.ts'
import { migrate } from '../src/db/migrate.ts'
import { type Cleanup, withCleanup } from './cleanup.ts'
import { keySchema, runCommand } from './credentials.ts'
import { type DatabaseCpu, databaseCpu, usedBetween } from './database-cpu.ts'
import { type LoadSettings, sendLoad, type Target } from './load.ts'
import { addComparisonOptions, type ComparisonOptions } from './options.ts'
import { hideProgress, showProgress } from './progress.ts'
import { describeMachine } from './report.ts'
import { RunFailed } from './run-failed.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { percentile, type Spread, spreadOf } from './statistics.ts'
import { prepareSurroundings } from './surroundings.ts'
import { hasWrk, sendLoadByWrk, type WrkLoad } from './wrk.ts'

/** What the requests that the end of a slice cut off may still cost, in ms; the ledger's seals come within it too. */
const settleMs = 700
const names = ['latchkey', 'koa-insert'] as const
type Name = (typeof names)[number]

interface Slice {
  readonly keysPerSecond: number
  /** Of the server's process, per key. */
  readonly cpuMicros: number
  /** Of the server's connections in PostgreSQL, per key; NaN where it is out of sight. */
  readonly databaseMicros: number
  readonly latencyMedianMs: number
  readonly latencyP99Ms: number
}

interface Side {
  readonly server: ServerProcess
  readonly target: Target
  /** What its connections are called, at the beginning. */
  readonly applicationName: string
  readonly slices: Slice[]
}

const help = `
POST /api/v1/keys without an Idempotency-Key, by one key, beside a bare Koa route that reads the same body and writes
one row by a named statement into a table that is indexed as the table of keys is. Any answer but 201 fails the run,
and so does a key that is not whole at its end (its row, its credential, its entry in the ledger).

Load by wrk where it is installed, else by autocannon, which takes some 20 µs of the machine for each request.
The ledger is sealed meanwhile, as always: that is in Latchkey's figures.

Database: the embedded PostgreSQL in a temporary folder; with DATABASE_URL, a database of the run's own on that
server, dropped at the end. A minute leaves half a million keys, some 700 MB.
`

export function createKeysCommand(program: Command): void {
  addComparisonOptions(program.command('create-keys'))
    .description('compare making a key by API with a bare Koa route that writes one row')
    .addHelpText('after', help)
    .action(async (options: ComparisonOptions) => {
      const report = await withCleanup((cleanup) => run(options, cleanup)).finally(hideProgress)
      console.log(options.json ? JSON.stringify(report, null, 2) : textOf(report))
    })
}

type Report = Awaited<ReturnType<typeof run>>

async function run({ rounds, seconds, connections, warmUp }: ComparisonOptions, cleanup: Cleanup) {
  const machine = describeMachine()
  showProgress('starting')
  const { env, database } = await prepareSurroundings(cleanup)
  const server = await startServer('latchkey', { env, readyPath: '/readyz' }, cleanup)
  const opened = await openConfiguredDatabase(loadConfig(env), 'borrower')
  cleanup.add(() => opened.close())
  const { knex } = opened.database
  const sides: Record<Name, Side> = {
    latchkey: await latchkeySide(server, env, cleanup),
    'koa-insert': await koaSide(opened.address, env, cleanup),
  }
  const cpu = await databaseCpu(knex)
  const generator = (await hasWrk()) ? 'wrk' : 'autocannon'
  const settings = { seconds: Math.ceil(seconds), connections }
  for (let round = 1 - warmUp; round <= rounds; round += 1) {
    showProgress(round < 1 ? 'warming up' : `round ${round} of ${rounds}`)
    for (const name of names) {
      const slice = await measure(sides[name], settings, generator, cpu, cleanup.signal)
      if (round >= 1) sides[name].slices.push(slice)
    }
  }
  const spread = (name: Name, of: keyof Slice) => spreadOf(sides[name].slices.map((slice) => slice[of]))
  const ratio = (of: keyof Slice) =>
    spreadOf(
      sides.latchkey.slices.map(
        (slice, round) => slice[of] / (sides['koa-insert'].slices[round]?.[of] ?? Number.NaN),
      ),
    )
  const figuresOf = (name: Name) => ({
    keysPerSecond: spread(name, 'keysPerSecond'),
    cpuMicros: spread(name, 'cpuMicros'),
    databaseMicros: cpu && spread(name, 'databaseMicros'),
    latencyMedianMs: spread(name, 'latencyMedianMs'),
    latencyP99Ms: spread(name, 'latencyP99Ms'),
  })
  return {
    benchmark: 'create-keys',
    ...machine,
    settings: { ...settings, rounds, warmUp, generator, database },
    figures: { latchkey: figuresOf('latchkey'), 'koa-insert': figuresOf('koa-insert') },
    ratios: {
      keysPerSecond: ratio('keysPerSecond'),
      cpuMicros: ratio('cpuMicros'),
      databaseMicros: cpu && ratio('databaseMicros'),
    },
    keysMade: await requireWholeKeys(knex),
  }
}

async function latchkeySide(
  server: ServerProcess,
  env: NodeJS.ProcessEnv,
  { signal }: Cleanup,
): Promise<Side> {
  const commandEnv = { ...env, PORT: String(server.port) }
  await runCommand(['org', 'create', '--name', 'Bench', '--slug', 'bench'], commandEnv, signal)
  const scopes = ['keys:read', 'keys:write', 'read:bookings'].flatMap((scope) => ['--scope', scope])
  const create = ['key', 'create', '--org', 'bench', '--mode', 'live', ...scopes]
  const { secret } = keySchema.parse(await runCommand(create, commandEnv, signal))
  return {
    server,
    target: target(server, '/api/v1/keys', { Authorization: `Bearer ${secret}` }),
    applicationName: 'latchkey',
    slices: [],
  }
}

async function koaSide(address: DatabaseAddress, env: NodeJS.ProcessEnv, cleanup: Cleanup): Promise<Side> {
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
  return { server, target: target(server, '/', {}), applicationName, slices: [] }
}

function target({ port }: ServerProcess, path: string, headers: Target['headers']): Target {
  const body = JSON.stringify({ name: 'Nightly export', scopes: ['read:bookings'] })
  return {
    url: `http://127.0.0.1:${port}${path}`,
    headers: { ...headers, 'Content-Type': 'application/json' },
    body,
  }
}

async function measure(
  { server, target, applicationName }: Side,
  settings: LoadSettings,
  generator: 'wrk' | 'autocannon',
  cpu: DatabaseCpu | null,
  signal: AbortSignal,
): Promise<Slice> {
  const inDatabase = await cpu?.(applicationName)
  const before = await server.cpuMicros()
  const load =
    generator === 'wrk'
      ? await sendLoadByWrk(target, settings, signal)
      : await byAutocannon(target, settings, signal)
  await sleep(settleMs)
  const used = (await server.cpuMicros()) - before
  const usedInDatabase = cpu && inDatabase ? usedBetween(inDatabase, await cpu(applicationName)) : Number.NaN
  return {
    keysPerSecond: load.requests / load.seconds,
    cpuMicros: used / load.requests,
    databaseMicros: usedInDatabase / load.requests,
    latencyMedianMs: load.latencyMedianMs,
    latencyP99Ms: load.latencyP99Ms,
  }
}

async function byAutocannon(target: Target, settings: LoadSettings, signal: AbortSignal): Promise<WrkLoad> {
  const { latenciesMs, seconds } = await sendLoad(target, settings, signal)
  return {
    requests: latenciesMs.length,
    seconds,
    latencyMedianMs: percentile(latenciesMs, 50),
    latencyP99Ms: percentile(latenciesMs, 99),
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

function textOf({ settings, figures, ratios, keysMade, ...it }: Report): string {
  const text = (spread: Spread | null, digits: number) =>
    spread
      ? `${spread.median.toFixed(digits)} (${spread.p20.toFixed(digits)}..${spread.p80.toFixed(digits)})`
      : 'out of sight'
  const row = (title: string, cells: readonly string[]) =>
    title.padEnd(24) + cells.map((cell) => cell.padStart(26)).join('')
  const rowOf = (title: string, name: Name) => {
    const { keysPerSecond, cpuMicros, databaseMicros, latencyMedianMs, latencyP99Ms } = figures[name]
    const latency = `${latencyMedianMs.median.toFixed(1)}, ${latencyP99Ms.median.toFixed(1)}`
    return row(title, [text(keysPerSecond, 0), text(cpuMicros, 1), text(databaseMicros, 1), latency])
  }
  return [
    `create-keys: ${settings.rounds} rounds of ${settings.seconds} s, ${settings.connections} connections by ${settings.generator}, ${settings.database} PostgreSQL`,
    `${it.date}, Node.js ${it.node}, ${it.cores} × ${it.cpu}, load average ${it.loadAverage.toFixed(2)}`,
    '',
    row('', ['keys/s', 'CPU µs', 'CPU µs in PostgreSQL', 'median, p99 ms']),
    rowOf('POST /api/v1/keys', 'latchkey'),
    rowOf('bare Koa, one insert', 'koa-insert'),
    row('ratio', [text(ratios.keysPerSecond, 2), text(ratios.cpuMicros, 2), text(ratios.databaseMicros, 2)]),
    '',
    `medians (p20..p80), ratios of the same round; ${keysMade.toLocaleString('en-US')} keys were made, each whole`,
  ].join('\n')
}
