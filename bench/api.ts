// The API's hot path: `GET /me` by each kind of credential, beside the floors that it stands on.
import type { Command } from 'commander'
import { type Cleanup, withCleanup } from './cleanup.ts'
import { type CompareSettings, compare, type Variant } from './compare.ts'
import { obtainCredentials } from './credentials.ts'
import type { Target } from './load.ts'
import { addComparisonOptions, type ComparisonOptions, settingsOf } from './options.ts'
import { hideProgress, showProgress } from './progress.ts'
import { describeMachine, type Report, reportText } from './report.ts'
import { startServer } from './server-process.ts'
import { plainEnvironment, prepareSurroundings, type Surroundings } from './surroundings.ts'

const variantCount = 7

const help = `
Variants: GET /api/v1/me by API key and by OAuth access token; the forward-auth check /verify of the same request;
two kinds of garbage in the place of a key (no prefix of ours; a wrong checksum); a bare Koa and a bare node:http
that answer a small JSON body. Any answer but 200 fails the run; to garbage, any but 401.

Database: the embedded PostgreSQL in a temporary folder; with DATABASE_URL, a database of the run's own on
that server, dropped at the end. Rate limits are counted as always, but never full. Log lines (level info)
are written to the null device.

Reading the figures:
  - Ratios to the bare Koa of the same round, not times: machines are shared and noisy. Below the table the check of
    a proxy and garbage are held against /api/v1/me by API key, too.
  - CPU is the server process's own, per request, without PostgreSQL's: steadier than throughput.
  - The load generator shares the machine: wrk needs a few µs per request, autocannon some 20. Where it was the
    limit, the table says so: the floors can do more than it shows, and throughput ratios to them look too good.
  - wrk tells answers above 399 from the others, and nothing finer; which status it is, is seen before each slice.
  - All servers, the floors too, have the flag of V8 that bin/latchkey.js sets: a bare Koa that is idle while others are
    asked loses a third of its speed for good without it, and a ratio to that would flatter. Node.js flags of the
    bench itself reach the servers as well.

npm prints two lines before a script's output: use "npm run --silent bench -- api --json" for the value alone.
`

export function apiCommand(program: Command): void {
  addComparisonOptions(program.command('api'))
    .description('compare GET /api/v1/me by API key and by OAuth token with bare Koa and bare node:http')
    .addHelpText('after', help)
    .action(async (options: ComparisonOptions) => {
      const report = await withCleanup((cleanup) =>
        run(settingsOf(options, 'koa', variantCount), cleanup),
      ).finally(hideProgress)
      console.log(options.json ? JSON.stringify(report, null, 2) : reportText(report))
    })
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
  const at = `http://127.0.0.1:${server.port}`
  const me = (name: string, title: string, credential: string, status = 200): Variant => ({
    ...{ name, title, server },
    target: { url: `${at}/api/v1/me`, headers: { Authorization: `Bearer ${credential}` }, status },
  })
  const verify: Target = {
    url: `${at}/verify`,
    headers: {
      Authorization: `Bearer ${apiKey}`,
      'X-Forwarded-Method': 'GET',
      'X-Forwarded-Uri': '/api/v1/me',
    },
  }
  const beside = 'me-key'
  return [
    me(beside, '/api/v1/me by API key', apiKey),
    me('me-token', '/api/v1/me by OAuth token', accessToken),
    { name: 'verify', title: '/verify (forward-auth)', server, target: verify, beside },
    { ...me('garbage-prefix', 'garbage: no prefix of ours', `xx_${apiKey.slice(3)}`, 401), beside },
    { ...me('garbage-checksum', 'garbage: a wrong checksum', withWrongChecksum(apiKey), 401), beside },
  ]
}

function withWrongChecksum(key: string): string {
  return key.slice(0, -1) + (key.endsWith('a') ? 'b' : 'a')
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
