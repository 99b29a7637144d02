// Many credentials in one question: how many a second, when all are in memory.
import type { Command } from 'commander'
import { type Cleanup, withCleanup } from './cleanup.ts'
import { type CompareSettings, compare, type Figures, type Variant } from './compare.ts'
import { introspectionOf, json } from './contender.ts'
import { startDatabaseServer } from './database-server.ts'
import { startLatchkey } from './latchkey-contender.ts'
import { addComparisonOptions, type ComparisonOptions, settingsOf } from './options.ts'
import { hideProgress, showProgress } from './progress.ts'
import { describeMachine, headLines, tableLines } from './report.ts'

const help = `
Variants: POST /verify/batch with 1,000 credentials and with 100; POST /oauth/introspect with one. API keys, all in
the cache. Credentials a second of one core are those for which the server's process used a second of CPU time.
`

/** A question of a thousand is some ms of work: more of them at once only wait for each other. */
const connections = 4
/** Credentials in one question. */
const counts = [1000, 100]

export function batchCommand(program: Command): void {
  addComparisonOptions(program.command('batch'), connections)
    .description('measure POST /verify/batch')
    .addHelpText('after', help)
    .action(async (options: ComparisonOptions) => {
      const settings = settingsOf(options, 'one', counts.length + 1)
      const report = await withCleanup((cleanup) => run(settings, cleanup)).finally(hideProgress)
      console.log(options.json ? JSON.stringify(report, null, 2) : textOf(report))
    })
}

type Report = Awaited<ReturnType<typeof run>>

async function run(settings: CompareSettings, cleanup: Cleanup) {
  const machine = describeMachine()
  showProgress('starting')
  const { kind, url } = await startDatabaseServer(cleanup)
  const { server, at, keysAuthorization, keys } = await startLatchkey(url, 1, cleanup)
  const batches = counts.map((count): Variant & { count: number } => ({
    ...{ name: `batch-${count}`, title: `/verify/batch of ${count}`, server, count },
    target: {
      ...{ url: `${at}/verify/batch`, method: 'POST', mustSay: '"active":true' },
      headers: { ...json, Authorization: keysAuthorization },
      body: JSON.stringify({ credentials: keys.slice(0, count) }),
    },
  }))
  const one = introspectionOf(`${at}/oauth/introspect`, keysAuthorization, keys)
  const variants = [
    ...batches,
    { name: 'one', title: '/oauth/introspect of one', server, count: 1, target: one },
  ]
  const figures = await compare(variants, settings, cleanup, showProgress)
  return {
    benchmark: 'batch',
    ...machine,
    settings: { ...settings, database: kind },
    variants: figures.map((it, at) => withCredentials(it, variants[at]?.count ?? 0)),
  }
}

function withCredentials(it: Figures, count: number) {
  return {
    ...it,
    credentialsPerSecond: Math.round(it.requestsPerSecond.median * count),
    credentialsPerSecondOfACore: Math.round((1e6 / it.cpuMicros.median) * count),
  }
}

function textOf(report: Report): string {
  const number = (value: number) => value.toLocaleString('en-US')
  return [
    ...headLines(report, report.settings),
    '',
    ...tableLines([
      ['', 'requests/s', 'CPU µs', 'median ms', 'p99 ms', 'credentials/s', 'of one core', 'generator'],
      ...report.variants.map((it) => [
        it.title,
        it.requestsPerSecond.median.toFixed(0),
        it.cpuMicros.median.toFixed(1),
        it.latencyMedianMs.median.toFixed(2),
        it.latencyP99Ms.median.toFixed(2),
        number(it.credentialsPerSecond),
        number(it.credentialsPerSecondOfACore),
        `${(it.generatorShare.median * 100).toFixed(0)} %`,
      ]),
    ]),
  ].join('\n')
}
