// One process and several: `GET /me` at WORKERS=1 and more, beside a bare Koa in as many processes.
import type { Command } from 'commander'
import { type Cleanup, withCleanup } from './cleanup.ts'
import { type CompareSettings, compare, type Figures, type Variant } from './compare.ts'
import { obtainCredentials } from './credentials.ts'
import { addComparisonOptions, type ComparisonOptions, readWithin, settingsOf } from './options.ts'
import { hideProgress, showProgress } from './progress.ts'
import { describeMachine, type Report, reportText } from './report.ts'
import { startServer } from './server-process.ts'
import { plainEnvironment, prepareSurroundings } from './surroundings.ts'

const variantCount = 4

const help = `
Variants: a bare Koa in one process and in several (node:cluster), GET /api/v1/me by API key at WORKERS=1 and at
several. Ratios of several are to one; that of /api/v1/me at one is to the bare Koa at one. CPU is the sum of a
server's processes, its primary among them.

The load generator shares the machine: on two cores with wrk beside them, two processes can't do twice as much.
With 32 connections dealt in turn each worker has as many.
`

interface WorkersOptions extends ComparisonOptions {
  readonly workers: number
}

export function workersCommand(program: Command): void {
  addComparisonOptions(program.command('workers'))
    .description('compare GET /api/v1/me and a bare Koa in one process and in several')
    .option('--workers <n>', 'how many several are', readWithin(2, 64), 2)
    .addHelpText('after', help)
    .action(async (options: WorkersOptions) => {
      const settings = settingsOf(options, 'koa-1', variantCount)
      const report = await withCleanup((cleanup) => run(settings, options.workers, cleanup)).finally(
        hideProgress,
      )
      console.log(options.json ? JSON.stringify(report, null, 2) : reportText(report))
    })
}

async function run(settings: CompareSettings, several: number, cleanup: Cleanup): Promise<Report> {
  const machine = describeMachine()
  showProgress('starting')
  const variants: Variant[] = []
  for (const workers of [1, several]) variants.push(await startKoa(workers, cleanup))
  for (const workers of [1, several]) variants.push(await startLatchkey(workers, cleanup))
  const figures = await compare(variants, settings, cleanup, showProgress)
  return {
    benchmark: 'workers',
    ...machine,
    settings: { ...settings, database: process.env['DATABASE_URL'] ? 'server' : 'embedded' },
    variants: figures,
    notes: [besideKoa(figures, several)],
  }
}

const named = (workers: number) => (workers === 1 ? 'one process' : `${workers} processes`)

async function startKoa(workers: number, cleanup: Cleanup): Promise<Variant> {
  const env = { ...plainEnvironment(), WORKERS: String(workers) }
  const server = await startServer('koa', { env, readyPath: '/' }, cleanup)
  return {
    name: `koa-${workers}`,
    title: `bare Koa, ${named(workers)}`,
    server,
    target: { url: `http://127.0.0.1:${server.port}/`, headers: {} },
    baseline: 'koa-1',
  }
}

async function startLatchkey(workers: number, cleanup: Cleanup): Promise<Variant> {
  const { env } = await prepareSurroundings(cleanup)
  const options = { env: { ...env, WORKERS: String(workers) }, readyPath: '/readyz' }
  const server = await startServer('latchkey', options, cleanup)
  const { apiKey } = await obtainCredentials(
    {
      env: { ...env, PORT: String(server.port) },
      publicUrl: `http://localhost:${server.port}`,
      scopes: ['read:bookings'],
    },
    cleanup.signal,
  )
  return {
    name: `me-${workers}`,
    title: `/api/v1/me, ${named(workers)}`,
    server,
    target: {
      url: `http://127.0.0.1:${server.port}/api/v1/me`,
      headers: { Authorization: `Bearer ${apiKey}` },
    },
    baseline: workers === 1 ? 'koa-1' : 'me-1',
  }
}

function besideKoa(figures: readonly Figures[], several: number): string {
  const of = (name: string) => figures.find((it) => it.name === name)
  const [ours, koa] = [of(`me-${several}`), of(`koa-${several}`)]
  if (!ours || !koa) throw new Error('a variant is missing')
  const throughput = ours.requestsPerSecond.median / koa.requestsPerSecond.median
  const cpu = ours.cpuMicros.median / koa.cpuMicros.median
  return `/api/v1/me to bare Koa, both in ${several} processes: throughput ${throughput.toFixed(2)}, CPU ${cpu.toFixed(2)} (of medians)`
}
