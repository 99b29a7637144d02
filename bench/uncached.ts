// What a check costs when nothing is kept in memory, beside a Koa route that does one look-up per request.
import type { Command } from 'commander'
import { type Cleanup, withCleanup } from './cleanup.ts'
import { type CompareSettings, compare, type Variant } from './compare.ts'
import { watchDatabaseCpu } from './database-cpu.ts'
import { startDatabaseServer } from './database-server.ts'
import { fillKeys } from './many-keys.ts'
import { addComparisonOptions, type ComparisonOptions, readWithin, settingsOf } from './options.ts'
import { hideProgress, showProgress } from './progress.ts'
import { describeMachine, type Report, reportText } from './report.ts'
import { startServer } from './server-process.ts'
import { plainEnvironment, prepareSurroundings } from './surroundings.ts'
import { placeholder, type Target } from './target.ts'

interface Options extends ComparisonOptions {
  readonly keys: number
  readonly asked: number
}

const help = `
Variants: GET /api/v1/me with CREDENTIAL_CACHE=0, which keeps nothing in memory; a bare Koa that looks the SHA-256 of
the key up by one named statement on a pool of ten, and answers what it found. Both on one database, by keys that lie
all over the table. CPU of PostgreSQL is that of the processes behind their connections, where they can be seen.

Latchkey does more: mode, scope, limit, headers, log line. Each key's last use is written every few seconds, of all
keys together: more of them asked (--asked) is more to write.
`

export function uncachedCommand(program: Command): void {
  addComparisonOptions(program.command('uncached'))
    .description('compare GET /api/v1/me without its cache with a Koa that does one look-up per request')
    .option('--keys <n>', 'keys in the table', readWithin(1000, 100_000_000), 1_000_000)
    .option('--asked <n>', 'keys to ask with, in turn', readWithin(1, 1_000_000), 1000)
    .addHelpText('after', help)
    .action(async (options: Options) => {
      const settings = settingsOf(options, 'koa-lookup', 2)
      const report = await withCleanup((cleanup) => run(settings, options, cleanup)).finally(hideProgress)
      console.log(options.json ? JSON.stringify(report, null, 2) : reportText(report))
    })
}

async function run(settings: CompareSettings, { keys, asked }: Options, cleanup: Cleanup): Promise<Report> {
  const machine = describeMachine()
  const { kind, url } = await startDatabaseServer(cleanup)
  const { env } = await prepareSurroundings(cleanup, url)
  const wanted = { env, rows: keys, asked: Math.min(asked, keys), signal: cleanup.signal, tell: showProgress }
  const values = await fillKeys(wanted)
  const latchkey = await startServer(
    'latchkey',
    { env: { ...env, CREDENTIAL_CACHE: '0' }, readyPath: '/readyz' },
    cleanup,
  )
  const address = String(env['DATABASE_URL'])
  const koa = await startServer(
    'koa-lookup',
    { env: { ...plainEnvironment(), DATABASE_URL: address }, readyPath: '/' },
    cleanup,
  )
  const databaseCpuMicros = await watchDatabaseCpu(address, cleanup)
  const target = (port: number, path: string): Target => ({
    ...{ url: `http://127.0.0.1:${port}${path}`, values },
    headers: { Authorization: `Bearer ${placeholder}` },
  })
  const variants: Variant[] = [
    {
      ...{ name: 'me-uncached', title: '/api/v1/me, nothing cached', databaseCpuMicros },
      ...{ server: latchkey, target: target(latchkey.port, '/api/v1/me') },
    },
    {
      ...{ name: 'koa-lookup', title: 'bare Koa with one look-up', databaseCpuMicros },
      ...{ server: koa, target: target(koa.port, '/look-up') },
    },
  ]
  return {
    benchmark: 'uncached',
    ...machine,
    settings: { ...settings, database: kind },
    variants: await compare(variants, settings, cleanup, showProgress),
    notes: [`${keys} keys in the table, ${values.length} of them asked with.`],
  }
}
