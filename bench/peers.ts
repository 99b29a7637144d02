// Latchkey beside what a vendor would take instead: the same questions, in one interleaved run, on one PostgreSQL.
import type { Command } from 'commander'
import { type Cleanup, withCleanup } from './cleanup.ts'
import { type CompareSettings, compare, type Figures } from './compare.ts'
import { nameOf, type Question, questions, variantsOf } from './contender.ts'
import { startDatabaseServer } from './database-server.ts'
import { installPeers, readVersions } from './install-peers.ts'
import { startLatchkey } from './latchkey-contender.ts'
import { addComparisonOptions, type ComparisonOptions, settingsOf } from './options.ts'
import { startBetterAuth, startOAuth2Server, startPlainEngine } from './peer-contenders.ts'
import { fairness } from './peers-fairness.ts'
import { hideProgress, showProgress } from './progress.ts'
import { describeMachine, headLines, ratioText, tableLines } from './report.ts'
import type { Spread } from './statistics.ts'

const help = `
Questions: verify an API key; introspect an access token; refresh; create an API key. Contenders: Latchkey;
better-auth with its api-key and oauth-provider plugins, once with its keys in the database and once in memory;
the bare oidc-provider with a plain knex adapter; @node-oauth/oauth2-server. What differs between them is printed
below the table.

The peers are installed at the first run, by npm ci --prefix bench/peers.

Database: a database for each on the server that DATABASE_URL names, dropped at the end; else on one embedded
PostgreSQL. Refreshes are sent by the bench itself, since each is made of the answer before it; the rest by --load.
`

const asked: Readonly<Record<Question, string>> = {
  verify: 'verify an API key',
  introspect: 'introspect an access token',
  refresh: 'refresh',
  create: 'create an API key',
}
/** Cells of the table that are measured. */
const cells = 14

export function peersCommand(program: Command): void {
  addComparisonOptions(program.command('peers'))
    .description('compare Latchkey with better-auth, oidc-provider and @node-oauth/oauth2-server')
    .addHelpText('after', help)
    .action(async (options: ComparisonOptions) => {
      const settings = settingsOf(options, 'latchkey', cells)
      const report = await withCleanup((cleanup) => run(settings, cleanup)).finally(hideProgress)
      console.log(options.json ? JSON.stringify(report, null, 2) : textOf(report))
    })
}

type Report = Awaited<ReturnType<typeof run>>

interface Cell {
  readonly contender: string
  readonly title: string
  readonly figures: Figures
  /** So many times as many requests a second, of the same round. */
  readonly latchkeyIsTimes: Spread
  /** To the slowest of those that answer this question, by their medians. */
  readonly timesTheSlowest: number
}

async function run(settings: CompareSettings, cleanup: Cleanup) {
  const machine = describeMachine()
  await installPeers(cleanup.signal)
  showProgress('starting')
  const { kind, url } = await startDatabaseServer(cleanup)
  const { connections } = settings
  const contenders = [
    await startLatchkey(url, connections, cleanup),
    await startBetterAuth('database', url, connections, cleanup),
    await startBetterAuth('secondary', url, connections, cleanup),
    await startPlainEngine(url, connections, cleanup),
    await startOAuth2Server(url, connections, cleanup),
  ]
  const figures = await compare(
    questions.flatMap((question) =>
      variantsOf(question, contenders).map((it) => ({ ...it, baseline: nameOf(question, 'latchkey') })),
    ),
    settings,
    cleanup,
    showProgress,
  )
  return {
    benchmark: 'peers',
    ...machine,
    settings: { ...settings, database: kind },
    versions: await readVersions(),
    questions: questions.map((question) => {
      const cellsOf = contenders.flatMap(({ name, title }) => {
        const found = figures.find((it) => it.name === nameOf(question, name))
        return found ? [{ contender: name, title, figures: found }] : []
      })
      const slowest = Math.min(...cellsOf.map((it) => it.figures.requestsPerSecond.median))
      return {
        question,
        cells: cellsOf.map(
          (it): Cell => ({
            ...it,
            latchkeyIsTimes: inverse(it.figures.throughputRatio),
            timesTheSlowest: it.figures.requestsPerSecond.median / slowest,
          }),
        ),
        without: contenders.flatMap(({ title, asks }) => {
          const why = asks[question]
          return typeof why === 'string' ? [{ title, why }] : []
        }),
      }
    }),
    fairness,
  }
}

const inverse = ({ p20, median, p80 }: Spread): Spread => ({
  ...{ p20: 1 / p80, median: 1 / median, p80: 1 / p20 },
})

function textOf(report: Report): string {
  const versions = Object.entries(report.versions).map(([name, version]) => `${name} ${version}`)
  return [
    ...headLines(report, report.settings),
    versions.join(', '),
    ...report.questions.flatMap(({ question, cells: rows, without }) => [
      '',
      ...tableLines([
        [asked[question], ...head],
        ...rows.map(rowOf),
        ...without.map(({ title }) => [title, ...head.map(() => '–')]),
      ]),
      ...without.map(({ title, why }) => `  – ${title}: ${why}`),
    ]),
    '',
    'quiet = 80th percentile of throughput; CPU of the process, and of PostgreSQL for it, per request; ratios are medians',
    'of paired ratios of throughput (p20..p80).',
    '',
    'What differs:',
    ...report.fairness.map((note) => `- ${note}`),
  ].join('\n')
}

const head = [
  ...['requests/s', 'quiet', 'CPU µs', 'PostgreSQL µs', 'median ms', 'p99 ms'],
  ...['Latchkey is … times', '× the slowest', 'generator'],
]

function rowOf({ title, figures: it, latchkeyIsTimes, timesTheSlowest }: Cell): string[] {
  return [
    title,
    it.requestsPerSecond.median.toFixed(0),
    it.requestsPerSecond.p80.toFixed(0),
    it.cpuMicros.median.toFixed(1),
    it.databaseCpuMicros?.median.toFixed(1) ?? '–',
    it.latencyMedianMs.median.toFixed(2),
    it.latencyP99Ms.median.toFixed(2),
    ratioText(latchkeyIsTimes),
    timesTheSlowest.toFixed(1),
    `${(it.generatorShare.median * 100).toFixed(0)} %`,
  ]
}
