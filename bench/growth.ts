// Whether a check becomes slower as the table grows: the same, uncached, on three databases.
import type { Command } from 'commander'
import { type Cleanup, withCleanup } from './cleanup.ts'
import { type CompareSettings, compare, type Figures, type Variant } from './compare.ts'
import { watchDatabaseCpu } from './database-cpu.ts'
import { startDatabaseServer } from './database-server.ts'
import { fillKeys } from './many-keys.ts'
import { addComparisonOptions, type ComparisonOptions, readWithin, settingsOf } from './options.ts'
import { hideProgress, showProgress } from './progress.ts'
import { describeMachine, headLines, ratioText, tableLines } from './report.ts'
import { startServer } from './server-process.ts'
import { prepareSurroundings } from './surroundings.ts'
import { placeholder } from './target.ts'

interface Options extends ComparisonOptions {
  readonly largest: boolean
  readonly asked: number
}

const sizes = [1000, 1_000_000, 10_000_000]

const help = `
Each is a Latchkey of its own with CREDENTIAL_CACHE=0 on a database of its own, filled with so many keys, and asked
GET /api/v1/me by keys that lie all over the table. Ratios are to the smallest, of the same round.

Ten million keys take about 6 GB of disk and some minutes to fill; --no-largest leaves them out.
`

export function growthCommand(program: Command): void {
  addComparisonOptions(program.command('growth'))
    .description('compare an uncached check at 1 thousand, 1 million and 10 million keys')
    .option('--no-largest', 'leave the 10 million out')
    .option('--asked <n>', 'keys to ask with, in turn (at most all)', readWithin(1, 1_000_000), 10_000)
    .addHelpText('after', help)
    .action(async (options: Options) => {
      const wanted = options.largest ? sizes : sizes.slice(0, -1)
      const settings = settingsOf(options, nameOf(sizes[0] ?? 0), wanted.length)
      const report = await withCleanup((cleanup) => run(settings, wanted, options.asked, cleanup)).finally(
        hideProgress,
      )
      console.log(options.json ? JSON.stringify(report, null, 2) : textOf(report))
    })
}

type Report = Awaited<ReturnType<typeof run>>

const nameOf = (size: number) => `keys-${size}`

async function run(settings: CompareSettings, wanted: readonly number[], asked: number, cleanup: Cleanup) {
  const machine = describeMachine()
  const { kind, url } = await startDatabaseServer(cleanup)
  const variants: Variant[] = []
  for (const size of wanted) variants.push(await startSide(size, asked, url, cleanup))
  return {
    benchmark: 'growth',
    ...machine,
    settings: { ...settings, database: kind, asked },
    variants: await compare(variants, settings, cleanup, showProgress),
  }
}

async function startSide(size: number, asked: number, url: string, cleanup: Cleanup): Promise<Variant> {
  const { env } = await prepareSurroundings(cleanup, url)
  const filling = { env, rows: size, asked: Math.min(asked, size), signal: cleanup.signal }
  const values = await fillKeys({ ...filling, tell: showProgress })
  const options = { env: { ...env, CREDENTIAL_CACHE: '0' }, readyPath: '/readyz' }
  const server = await startServer('latchkey', options, cleanup)
  return {
    ...{ name: nameOf(size), title: `${size.toLocaleString('en-US')} keys`, server },
    databaseCpuMicros: await watchDatabaseCpu(String(env['DATABASE_URL']), cleanup),
    target: {
      ...{ url: `http://127.0.0.1:${server.port}/api/v1/me`, values },
      headers: { Authorization: `Bearer ${placeholder}` },
    },
  }
}

function textOf(report: Report): string {
  return [
    ...headLines(report, report.settings),
    '',
    ...tableLines([head, ...report.variants.map(rowOf)]),
    '',
    'ratios are medians of paired ratios (p20..p80) to the smallest; CPU per request',
  ].join('\n')
}

const head = [
  ...['', 'requests/s', 'median ms', 'p99 ms', 'CPU µs', 'PostgreSQL µs'],
  ...['throughput ratio', 'median ratio', 'p99 ratio'],
]

function rowOf(it: Figures): string[] {
  return [
    it.title,
    it.requestsPerSecond.median.toFixed(0),
    it.latencyMedianMs.median.toFixed(2),
    it.latencyP99Ms.median.toFixed(2),
    it.cpuMicros.median.toFixed(1),
    it.databaseCpuMicros?.median.toFixed(1) ?? '–',
    ratioText(it.throughputRatio),
    ratioText(it.latencyMedianRatio),
    ratioText(it.latencyP99Ratio),
  ]
}
