// What the sweep costs those who refresh their tokens meanwhile.
import { Agent } from 'node:http'
import type { Command } from 'commander'
import { openConfiguredDatabase } from '../src/base.ts'
import { loadConfig } from '../src/core/config.ts'
import { expiredCredentials } from '../src/credentials/credential-store.ts'
import { deadBefore } from '../src/db/sweep.ts'
import { expiredCodes } from '../src/oauth/code-store.ts'
import { expiredRefreshTokens } from '../src/oauth/retired-token-store.ts'
import { type Cleanup, withCleanup } from './cleanup.ts'
import { fillExpired } from './expired-rows.ts'
import { readWithin } from './options.ts'
import { hideProgress, showProgress } from './progress.ts'
import { type RefreshLoad, refreshFor } from './refresh-load.ts'
import { describeMachine } from './report.ts'
import { startServer } from './server-process.ts'
import { percentile, spreadOf } from './statistics.ts'
import { prepareSurroundings } from './surroundings.ts'

interface Options {
  readonly rows: number
  readonly rate: number
  readonly families: number
  readonly idle: number
  readonly sweeping: number
  readonly pairs?: number
  readonly json?: true
}

const help = `
Fills a database of its own with rows that have expired (refresh tokens, access tokens, codes); then apps refresh
their tokens at a steady rate, while by turns the server rests and sweeps, in its own process, until nothing
expired is left.

Database: the embedded PostgreSQL in a temporary folder; with DATABASE_URL, a database of the run's own on that
server, dropped at the end. Ten million rows take about 5 GB.
`

export function sweepCommand(program: Command): void {
  program
    .command('sweep')
    .description('compare /oauth/token while the server sweeps with what it is while it rests')
    .option('--rows <n>', 'expired rows', readWithin(1000, 100_000_000), 10_000_000)
    .option('--rate <n>', 'refreshes in a second, of all apps', readWithin(1, 10_000), 100)
    .option('--families <n>', 'apps that refresh', readWithin(1, 1000), 20)
    .option('--idle <s>', 'length of a slice without sweeping', readWithin(0.2, 600, 'fraction'), 5)
    .option('--sweeping <s>', 'length of a slice with it', readWithin(0.2, 600, 'fraction'), 10)
    .option(
      '--pairs <n>',
      'at most so many of both slices (default: until nothing expired is left)',
      readWithin(1, 10_000),
    )
    .option('--json', 'print one JSON value, and nothing else, on standard output')
    .addHelpText('after', help)
    .action(async (options: Options) => {
      const report = await withCleanup((cleanup) => run(options, cleanup)).finally(hideProgress)
      console.log(options.json ? JSON.stringify(report, null, 2) : textOf(report))
    })
}

type Report = Awaited<ReturnType<typeof run>>
type Kind = 'idle' | 'sweeping'

async function run(
  { rows, rate, families: count, idle, sweeping, pairs = Number.POSITIVE_INFINITY }: Options,
  cleanup: Cleanup,
) {
  const { signal } = cleanup
  const { env, database } = await prepareSurroundings(cleanup)
  const tell = (done: number) => showProgress(`filling: ${done} of ${rows} rows`)
  const families = await fillExpired({ env, rows, families: count, signal, tell })
  const machine = describeMachine()
  const server = await startServer('sweeping', { env, readyPath: '/readyz' }, cleanup)
  const agent = new Agent({ keepAlive: true, maxSockets: count })
  cleanup.add(() => agent.destroy())
  const load: RefreshLoad = {
    url: `http://localhost:${server.port}/oauth/token`,
    families,
    requestsPerSecond: rate,
    agent,
  }
  const countLeft = await openCounter(env, cleanup)
  await server.tell('rest')
  await refreshFor(load, idle, signal) // warm

  const slices: Record<Kind, number[][]> = { idle: [], sweeping: [] }
  const began = performance.now()
  let sweptSeconds = 0
  let left = rows
  const before = await countLeft()
  while (left > 0 && slices.sweeping.length < pairs) {
    showProgress(`pair ${slices.idle.length + 1}: ${left} of ${before} rows are left`)
    slices.idle.push(await refreshFor(load, idle, signal))
    await server.tell('sweep')
    const start = performance.now()
    const latencies = await refreshFor(load, sweeping, signal)
    await server.tell('rest')
    sweptSeconds += (performance.now() - start) / 1000
    left = await countLeft()
    // One in which the sweep came to its end was partly idle; but it is kept where it is the only one.
    if (left > 0 || slices.sweeping.length === 0) slices.sweeping.push(latencies)
    else slices.idle.pop()
  }
  const settings = { rows, rate, families: count, idle, sweeping, database }
  const figuresOf = (kind: Kind) => ({
    requests: slices[kind].flat().length,
    medianMs: round(percentile(slices[kind].flat(), 50)),
    p99Ms: round(percentile(slices[kind].flat(), 99)),
    slicesP99Ms: spreadOf(slices[kind].map((slice) => percentile(slice, 99))),
  })
  const figures = { idle: figuresOf('idle'), sweeping: figuresOf('sweeping') }
  const paired = slices.sweeping.map(
    (slice, at) => percentile(slice, 99) / percentile(slices.idle[at] ?? [], 99),
  )
  return {
    benchmark: 'sweep',
    ...machine,
    settings,
    pairs: slices.sweeping.length,
    seconds: round((performance.now() - began) / 1000),
    leftRows: left,
    sweptRowsPerSecond: Math.round((before - left) / sweptSeconds),
    figures,
    /** Of all requests while it swept, to all while it rested. */
    p99Ratio: round(figures.sweeping.p99Ms / figures.idle.p99Ms),
    pairedP99Ratio: spreadOf(paired),
  }
}

const round = (value: number) => Number(value.toPrecision(4))

/** How many expired rows there are; on a connection of its own, between two slices. */
async function openCounter(env: NodeJS.ProcessEnv, { add }: Cleanup): Promise<() => Promise<number>> {
  const opened = await openConfiguredDatabase(loadConfig(env), 'borrower')
  add(() => opened.close())
  const { knex } = opened.database
  return async () => {
    const before = await deadBefore(knex, new Date())
    let total = 0
    for (const sweep of [expiredRefreshTokens, expiredCredentials, expiredCodes])
      total += await sweep.count(knex, before)
    return total
  }
}

function textOf({ settings, figures, ...it }: Report): string {
  const line = (kind: Kind) => {
    const { requests, medianMs, p99Ms, slicesP99Ms } = figures[kind]
    const { p20, median, p80 } = slicesP99Ms
    return `${kind.padEnd(10)}${String(requests).padStart(9)} requests  median ${medianMs} ms  p99 ${p99Ms} ms  (of slices: ${median}, ${p20}..${p80})`
  }
  const { p20, median, p80 } = it.pairedP99Ratio
  return [
    `sweep: ${settings.rows.toLocaleString('en-US')} expired rows, ${settings.rate} refreshes a second of ${settings.families} apps, ${settings.database} PostgreSQL`,
    `${it.date}, Node.js ${it.node}, ${it.cores} × ${it.cpu}, load average ${it.loadAverage.toFixed(2)}`,
    '',
    line('idle'),
    line('sweeping'),
    '',
    `p99 ratio ${it.p99Ratio} (of pairs: ${median}, ${p20}..${p80}; ${it.pairs} pairs); ${it.sweptRowsPerSecond.toLocaleString('en-US')} rows a second swept; ${it.seconds} s in all`,
  ].join('\n')
}
