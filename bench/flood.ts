// Whether those who ask with good keys notice somebody who guesses: keys of the right form that nobody has.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Command } from 'commander'
import { loadConfig } from '../src/core/config.ts'
import { loadProfile } from '../src/core/profile.ts'
import { createFormat } from '../src/credentials/format.ts'
import { queryDatabase } from '../test/support/database.ts'
import { type Cleanup, withCleanup } from './cleanup.ts'
import { type CompareSettings, compare, type SendSlice, type Variant } from './compare.ts'
import { startDatabaseServer } from './database-server.ts'
import { type LoadSettings, sendLoad } from './load.ts'
import { fillKeys } from './many-keys.ts'
import { addComparisonOptions, type ComparisonOptions, readWithin, settingsOf } from './options.ts'
import { hideProgress, showProgress } from './progress.ts'
import { describeMachine, headLines, ratioText, tableLines } from './report.ts'
import { startServer } from './server-process.ts'
import type { Load } from './slice.ts'
import { spreadOf } from './statistics.ts'
import { prepareSurroundings } from './surroundings.ts'
import { placeholder, type Target } from './target.ts'

interface Options extends ComparisonOptions {
  readonly pause: number
  readonly flooders: number
  readonly floodPause: number
}

/** Good ones: half of what the cache can keep. */
const keys = 500
const cacheEntries = 1000
const guesses = 100_000
/** PostgreSQL tells of what a connection did when a second has passed. */
const toldWithinMs = 2500

const help = `
The same requests by good keys, with and without a flood beside them: connections that ask with keys of the right
form that nobody has, ever others. Nobody asks as fast as the server can answer, so that latencies are not those of a
full queue: each connection waits between an answer and its next request.

The cache has place for twice the good keys, and a hundred times as many are guessed. Whether good ones were looked up
again is counted by PostgreSQL: rows of credentials that were found.
`

export function floodCommand(program: Command): void {
  addComparisonOptions(program.command('flood'))
    .description('compare good keys with good keys beside a flood of unknown ones')
    .option('--pause <ms>', 'of a good connection', readWithin(1, 1000), 8)
    .option('--flooders <n>', 'connections that guess', readWithin(1, 1000), 16)
    .option('--flood-pause <ms>', 'of a connection that guesses', readWithin(1, 1000), 8)
    .addHelpText('after', help)
    .action(async (options: Options) => {
      const settings = settingsOf(options, 'calm', 2)
      const report = await withCleanup((cleanup) => run(settings, options, cleanup)).finally(hideProgress)
      console.log(options.json ? JSON.stringify(report, null, 2) : textOf(report))
    })
}

type Report = Awaited<ReturnType<typeof run>>

async function run(settings: CompareSettings, options: Options, cleanup: Cleanup) {
  const machine = describeMachine()
  const { kind, url } = await startDatabaseServer(cleanup)
  const { env } = await prepareSurroundings(cleanup, url)
  const filling = { env, rows: keys, asked: keys, signal: cleanup.signal }
  const good = await fillKeys({ ...filling, tell: showProgress })
  const server = await startServer(
    'latchkey',
    { env: { ...env, CREDENTIAL_CACHE: String(cacheEntries) }, readyPath: '/readyz' },
    cleanup,
  )
  const me = (values: readonly string[], status: number, pauseMs: number): Target => ({
    ...{ url: `http://127.0.0.1:${server.port}/api/v1/me`, status, pauseMs, values },
    headers: { Authorization: `Bearer ${placeholder}` },
  })
  const target = me(good, 200, options.pause)
  const flood = me(guess(env), 401, options.floodPause)
  const floods: Load[] = []
  const beside: SendSlice = async (its, signal) => {
    const guessing: LoadSettings = { ...its, connections: options.flooders }
    const [load, guessed] = await Promise.all([
      sendLoad(target, its, signal),
      sendLoad(flood, guessing, signal),
    ])
    floods.push(guessed)
    return load
  }
  const variants: Variant[] = [
    { name: 'calm', title: 'good keys alone', server, target },
    { name: 'flooded', title: 'beside the flood', server, target: beside },
  ]
  const foundNow = async () => {
    await sleep(toldWithinMs)
    const [row] = await queryDatabase<{ found: string }>(String(env['DATABASE_URL']), found)
    return Number(row?.found)
  }
  // Every good key is in the cache after this.
  await sendLoad(target, { ...settings, seconds: 2 }, cleanup.signal)
  const before = await foundNow()
  const figures = await compare(variants, settings, cleanup, showProgress)
  const lookedUpAgain = (await foundNow()) - before
  return {
    benchmark: 'flood',
    ...machine,
    settings: { ...settings, database: kind },
    variants: figures,
    guessesPerSecond: spreadOf(floods.map((it) => it.requests / it.seconds)),
    guessMedianMs: spreadOf(floods.map((it) => it.latencyMedianMs)),
    guessed: floods.reduce((sum, it) => sum + it.requests, 0),
    lookedUpAgain,
  }
}

const found = `select coalesce(sum(idx_tup_fetch), 0) as found from pg_stat_user_tables where relname = 'credentials'`

function guess(env: NodeJS.ProcessEnv): string[] {
  const format = createFormat(loadProfile(loadConfig(env).profile, '').credentials.prefixes)
  return Array.from({ length: guesses }, () => format.write('api_key', 'live').reveal())
}

function textOf(report: Report): string {
  const { guessesPerSecond, guessMedianMs, guessed, lookedUpAgain } = report
  return [
    ...headLines(report, report.settings),
    '',
    ...tableLines([
      ['', 'requests/s', 'median ms', 'p99 ms', 'median ratio', 'p99 ratio', 'throughput ratio'],
      ...report.variants.map((it) => [
        it.title,
        it.requestsPerSecond.median.toFixed(0),
        it.latencyMedianMs.median.toFixed(2),
        it.latencyP99Ms.median.toFixed(2),
        ratioText(it.latencyMedianRatio),
        ratioText(it.latencyP99Ratio),
        ratioText(it.throughputRatio),
      ]),
    ]),
    '',
    `the flood: ${guessesPerSecond.median} a second, ${guessMedianMs.median} ms at the median, ${guessed} in all;`,
    `rows of good keys that were looked up meanwhile: ${lookedUpAgain} (${keys} keys, ${cacheEntries} places in the cache)`,
  ].join('\n')
}
