// The API's hot path: `GET /me` by each kind of credential, beside the floors that it stands on.
import type { Command } from 'commander'
import { type Cleanup, withCleanup } from './cleanup.ts'
import { type CompareSettings, compare, type Variant } from './compare.ts'
import { obtainCredentials } from './credentials.ts'
import { addComparisonOptions, type ComparisonOptions } from './options.ts'
import { hideProgress, showProgress } from './progress.ts'
import { describeMachine, type Report, reportText } from './report.ts'
import { RunFailed } from './run-failed.ts'
import { startServer } from './server-process.ts'
import { plainEnvironment, prepareSurroundings, type Surroundings } from './surroundings.ts'

/** Well within the hour that an access token lasts. */
const longestRunSeconds = 2400
const variantCount = 4

const help = `
Variants: GET /api/v1/me by API key and by OAuth access token, a bare Koa and a bare node:http that answer
a small JSON body. Any answer but 200 fails the run.

Database: the embedded PostgreSQL in a temporary folder; with DATABASE_URL, a database of the run's own on
that server, dropped at the end. Rate limits are counted as always, but never full. Log lines (level info)
are written to the null device.

Reading the figures:
  - Ratios to the bare Koa of the same round, not times: machines are shared and noisy.
  - CPU is the server process's own, per request, without PostgreSQL's: steadier than throughput.
  - The load generator (autocannon, one thread) needs some 20 µs per request itself. Where it was the limit,
    the table says so: the floors can do more than it shows, and throughput ratios to them look too good.
  - All figures are of fresh processes. A Node.js process that has lived through idle garbage collections
    may be slower for good (PERFORMANCE.md); Node.js flags of the bench itself, as in
    "node --retain-maps-for-n-gc=1000000 --import tsx bench/main.ts api", reach the servers too.

npm prints two lines before a script's output: use "npm run --silent bench -- api --json" for the value alone.
`

export function apiCommand(program: Command): void {
  addComparisonOptions(program.command('api'))
    .description('compare GET /api/v1/me by API key and by OAuth token with bare Koa and bare node:http')
    .addHelpText('after', help)
    .action(async (options: ComparisonOptions) => {
      const report = await withCleanup((cleanup) => run(settingsOf(options), cleanup)).finally(hideProgress)
      console.log(options.json ? JSON.stringify(report, null, 2) : reportText(report))
    })
}

function settingsOf({ rounds, seconds, connections, warmUp }: ComparisonOptions): CompareSettings {
  const total = (rounds + warmUp) * seconds * variantCount
  if (total > longestRunSeconds) {
    throw new RunFailed(
      `That would take ${Math.ceil(total / 60)} minutes; a run may take ${longestRunSeconds / 60}.`,
    )
  }
  return { rounds, seconds, connections, warmUpRounds: warmUp, baseline: 'koa' }
}

async function run(settings: CompareSettings, cleanup: Cleanup): Promise<Report> {
  const machine = describeMachine()
  showProgress('starting')
  const surroundings = await prepareSurroundings(cleanup)
  const variants = [...(await startLatchkey(surroundings, cleanup)), ...(await startFloors(cleanup))]
  const figures = await compare(variants, settings, cleanup, showProgress)
  return {
    benchmark: 'api',
    ...machine,
    settings: { ...settings, database: surroundings.database },
    variants: figures,
  }
}

async function startLatchkey({ env }: Surroundings, cleanup: Cleanup): Promise<Variant[]> {
  const server = await startServer('latchkey', { env, readyPath: '/readyz' }, cleanup)
  const { apiKey, accessToken } = await obtainCredentials(
    {
      env: { ...env, PORT: String(server.port) },
      publicUrl: `http://localhost:${server.port}`,
      scopes: ['read:bookings', 'read:customers'],
    },
    cleanup.signal,
  )
  const variant = (name: string, title: string, credential: string): Variant => ({
    ...{ name, title, server },
    target: {
      url: `http://127.0.0.1:${server.port}/api/v1/me`,
      headers: { Authorization: `Bearer ${credential}` },
    },
  })
  return [
    variant('me-key', '/api/v1/me by API key', apiKey),
    variant('me-token', '/api/v1/me by OAuth token', accessToken),
  ]
}

async function startFloors(cleanup: Cleanup): Promise<Variant[]> {
  const options = { env: plainEnvironment(), readyPath: '/' }
  const koa = await startServer('koa', options, cleanup)
  const node = await startServer('node', options, cleanup)
  const target = (port: number) => ({ url: `http://127.0.0.1:${port}/`, headers: {} })
  return [
    { name: 'koa', title: 'bare Koa', server: koa, target: target(koa.port) },
    { name: 'node', title: 'bare node:http', server: node, target: target(node.port) },
  ]
}
