// What it costs to count a request against its limits: in memory, by way of PostgreSQL, in Redis; and by the library
// that could do it in our place.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Command } from 'commander'
import { Redis } from 'ioredis'
import { RateLimiterMemory, RateLimiterRedis } from 'rate-limiter-flexible'
import { loadBase, openConfiguredDatabase } from '../src/base.ts'
import { createLog } from '../src/core/telemetry.ts'
import { migrate } from '../src/db/migrate.ts'
import { Secret } from '../src/lib/secret.ts'
import { exchangeCounts, type Told } from '../src/limits/rate-count-store.ts'
import { createTallies } from '../src/limits/tallies.ts'
import { createTurnstile, type Verdict } from '../src/limits/turnstile.ts'
import { type Cleanup, withCleanup } from './cleanup.ts'
import { readWithin } from './options.ts'
import { hideProgress, showProgress } from './progress.ts'
import { describeMachine } from './report.ts'
import { RunFailed } from './run-failed.ts'
import { spreadOf } from './statistics.ts'
import { prepareSurroundings } from './surroundings.ts'

interface Options {
  readonly rounds: number
  readonly seconds: number
  readonly credentials: number
  readonly json?: true
}

interface Variant {
  readonly name: string
  readonly count: (who: string) => unknown
  /** CPU seconds of whoever else counts, since it started. */
  readonly elsewhere?: () => Promise<number>
}

const windows = [
  { requests: 1_000_000_000, seconds: 1 },
  { requests: 1_000_000_000, seconds: 60 },
]
/** Requests at the same time: each counts once in a turn. */
const atOnce = 32

const help = `
Counts requests of some thousand credentials in two windows that are never full, in slices by turns: 32 requests in
each turn of the event loop. "CPU" is this process's own, "elsewhere" what Redis used for each.

Database: the embedded PostgreSQL in a temporary folder; with DATABASE_URL, a database of the run's own on that
server, dropped at the end. Redis: the one that REDIS_URL names; without it those lines are left out.
`

export function limitsCommand(program: Command): void {
  program
    .command('limits')
    .description('measure what counting a request costs: in memory, by PostgreSQL, in Redis')
    .option('--rounds <n>', 'slices of each variant', readWithin(1, 1000), 8)
    .option('--seconds <s>', 'length of a slice', readWithin(0.1, 60, 'fraction'), 0.3)
    .option('--credentials <n>', 'that are counted', readWithin(1, 1_000_000), 5000)
    .option('--json', 'print one JSON value, and nothing else, on standard output')
    .addHelpText('after', help)
    .action(async (options: Options) => {
      const report = await withCleanup((cleanup) => run(options, cleanup)).finally(hideProgress)
      console.log(options.json ? JSON.stringify(report, null, 2) : textOf(report))
    })
}

type Report = Awaited<ReturnType<typeof run>>

async function run({ rounds, seconds, credentials }: Options, cleanup: Cleanup) {
  const machine = describeMachine()
  showProgress('starting')
  const ids = Array.from({ length: credentials }, (_, index) => `key_${String(index).padStart(24, '0')}`)
  const shared = await sharedVariant(cleanup)
  const variants = [...memoryVariants(cleanup), shared.variant, ...(await redisVariants(cleanup))]
  const slices = new Map(variants.map(({ name }) => [name, [] as Awaited<ReturnType<typeof slice>>[]]))
  for (let round = 0; round <= rounds; round += 1) {
    for (const variant of variants) {
      cleanup.signal.throwIfAborted()
      showProgress(`round ${round} of ${rounds}: ${variant.name}`)
      const figures = await slice(variant, ids, seconds)
      if (round > 0) slices.get(variant.name)?.push(figures) // the first one warms up
    }
  }
  return {
    benchmark: 'limits',
    ...machine,
    settings: { rounds, seconds, credentials },
    variants: [...slices].map(([name, all]) => ({
      name,
      cpuMicros: spreadOf(all.map((it) => it.cpuMicros)),
      perSecond: spreadOf(all.map((it) => it.perSecond)),
      elsewhereMicros:
        all[0]?.elsewhereMicros === null ? null : spreadOf(all.map((it) => it.elsewhereMicros ?? 0)),
    })),
    exchanges: shared.exchanges(),
    bytesPerSubject: bytesPerSubject(),
  }
}

async function slice({ count, elsewhere }: Variant, ids: readonly string[], seconds: number) {
  let at = 0
  let counted = 0
  const before = (await elsewhere?.()) ?? null
  const cpu = process.cpuUsage()
  const began = performance.now()
  const end = began + seconds * 1000
  const next = () => {
    at = (at + 1) % ids.length
    return ids[at] ?? ''
  }
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (performance.now() < end) {
        const verdict = count(next())
        if (verdict instanceof Promise) await verdict
        counted += 1
        await new Promise((resolve) => setImmediate(resolve))
      }
    }),
  )
  const { user, system } = process.cpuUsage(cpu)
  const elapsed = (performance.now() - began) / 1000
  const after = (await elsewhere?.()) ?? null
  return {
    cpuMicros: (user + system) / counted,
    perSecond: counted / elapsed,
    elsewhereMicros: before === null || after === null ? null : ((after - before) * 1e6) / counted,
  }
}

const log = createLog('silent')
const classes = { api: windows }

function memoryVariants({ add }: Cleanup): Variant[] {
  const turnstile = createTurnstile(classes, { redisUrl: null, shared: null, log })
  add(() => turnstile.close())
  const [narrow, wide] = windows.map(
    ({ requests, seconds }) =>
      new RateLimiterMemory({ keyPrefix: String(seconds), points: requests, duration: seconds }),
  )
  return [
    { name: 'nothing is counted', count: () => null },
    { name: 'memory', count: (who): Verdict | Promise<Verdict> => turnstile.take('api', who) },
    {
      name: 'memory, by the library',
      count: async (who) => {
        await narrow?.consume(who)
        await wide?.consume(who)
      },
    },
  ]
}

/** As one of two processes; the other has nothing to tell. */
async function sharedVariant(cleanup: Cleanup) {
  const { env } = await prepareSurroundings(cleanup)
  const { config } = loadBase({ ...env, NODE_ENV: 'test' })
  const opened = await openConfiguredDatabase(config, 'owner')
  cleanup.add(() => opened.close())
  await migrate(opened.address)
  let statements = 0
  let counters = 0
  const exchange = (told: readonly Told[]) => {
    statements += 1
    counters += told.length
    return exchangeCounts(opened.database, told)
  }
  const turnstile = createTurnstile(classes, { redisUrl: null, shared: { nodes: () => 2, exchange }, log })
  cleanup.add(() => turnstile.close())
  const variant: Variant = { name: 'shared by PostgreSQL', count: (who) => turnstile.take('api', who) }
  return { variant, exchanges: () => ({ statements, counters }) }
}

/** @throws RunFailed where Redis does not answer */
async function redisVariants({ add }: Cleanup): Promise<Variant[]> {
  const url = process.env['REDIS_URL']
  if (!url) return []
  const probe = new Redis(url, { lazyConnect: true, retryStrategy: () => null, connectTimeout: 5000 })
  probe.on('error', () => {}) // it is thrown as well
  await probe.connect().catch((cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new RunFailed(`The Redis that REDIS_URL names does not answer: ${why}`)
  })
  probe.disconnect()
  const turnstile = createTurnstile(classes, { redisUrl: new Secret(url), shared: null, log })
  const plain = new Redis(url)
  const pipelined = new Redis(url, { enableAutoPipelining: true })
  add(async () => {
    await turnstile.close()
    plain.disconnect()
    pipelined.disconnect()
  })
  const elsewhere = async () => {
    const info = await plain.info('cpu')
    const of = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1] ?? 0)
    return of('used_cpu_user') + of('used_cpu_sys')
  }
  const byLibrary = (name: string, storeClient: Redis): Variant => {
    const [narrow, wide] = windows.map(
      ({ requests, seconds }) =>
        new RateLimiterRedis({
          storeClient,
          keyPrefix: `bench:${seconds}`,
          points: requests,
          duration: seconds,
        }),
    )
    return {
      name,
      elsewhere,
      count: async (who) => {
        await narrow?.consume(who)
        await wide?.consume(who)
      },
    }
  }
  return [
    { name: 'Redis, gathered', elsewhere, count: (who) => turnstile.take('api', who) },
    byLibrary('Redis, by the library', plain),
    byLibrary('the same, pipelined', pipelined),
  ]
}

/** Of two windows each, after a full collection. */
function bytesPerSubject() {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('gc')
  if (typeof collect !== 'function') throw new Error('no gc')
  const subjects = 200_000
  const heap = () => {
    collect()
    return process.memoryUsage().heapUsed
  }
  const before = heap()
  const tallies = createTallies(subjects)
  const rateClass = { name: 'api', windows }
  for (let index = 0; index < subjects; index += 1) tallies.take(rateClass, `key_${index}`)
  const bytes = Math.round((heap() - before) / subjects)
  tallies.close()
  return tallies.size() === subjects ? bytes : null
}

function textOf({ settings, variants, exchanges, bytesPerSubject: bytes, ...machine }: Report): string {
  const figure = (value: number, digits: number) => value.toFixed(digits).padStart(10)
  return [
    `limits: ${settings.rounds} slices of ${settings.seconds} s, ${settings.credentials} credentials, two windows`,
    `${machine.date}, Node.js ${machine.node}, ${machine.cores} × ${machine.cpu}, load average ${machine.loadAverage.toFixed(2)}`,
    '',
    `${''.padEnd(26)}${'CPU µs'.padStart(10)}${'elsewhere'.padStart(10)}${'a second'.padStart(12)}`,
    ...variants.map(
      ({ name, cpuMicros, elsewhereMicros, perSecond }) =>
        name.padEnd(26) +
        figure(cpuMicros.p20, 2) +
        (elsewhereMicros ? figure(elsewhereMicros.p20, 2) : '-'.padStart(10)) +
        Math.round(perSecond.p80).toLocaleString('en-US').padStart(12),
    ),
    '',
    `Shared by PostgreSQL: ${exchanges.statements} statements, ${exchanges.counters} counters told.`,
    `In memory: ${bytes} bytes for each credential.`,
  ].join('\n')
}
