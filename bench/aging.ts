// A process that has run for long beside a fresh one: the same server twice, one of them aged.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Command, Option } from 'commander'
import { type Cleanup, withCleanup } from './cleanup.ts'
import { type CompareSettings, compare, type Variant } from './compare.ts'
import { obtainCredentials } from './credentials.ts'
import { addComparisonOptions, type ComparisonOptions, readWithin, settingsOf } from './options.ts'
import { hideProgress, showProgress } from './progress.ts'
import { describeMachine, type Report, reportText } from './report.ts'
import { RunFailed } from './run-failed.ts'
import { type ServerProcess, startServer } from './server-process.ts'
import { plainEnvironment, prepareSurroundings } from './surroundings.ts'

const kinds = ['node', 'koa', 'latchkey'] as const
type Kind = (typeof kinds)[number]

const help = `
Each of bare node:http, bare Koa and GET /api/v1/me twice: fresh, and aged after the warm-up, by six full garbage
collections with nothing going on between them, or by --idle seconds of nothing, in which Node.js collects by itself.
Ratios are aged to fresh. All processes have the flags of --node-flags, such as
    --node-flags=--retain-maps-for-n-gc=1000000,--no-memory-reducer
The servers here have no other flags: also what bin/latchkey.js sets is to be said.

Memory is what is in use after the run. With --bodies each Latchkey has first been sent so many JSON bodies of 100 names
that never come again: objects of so many shapes, which flags that keep shapes might keep.
`

interface AgingOptions extends ComparisonOptions {
  readonly idle: number
  readonly nodeFlags: string
  readonly bodies: number
  readonly only?: Kind
}

export function agingCommand(program: Command): void {
  addComparisonOptions(program.command('aging'))
    .description('compare a process that has seen idle garbage collections with a fresh one')
    .option('--idle <seconds>', 'age by so long a gap instead of by collections', readWithin(0, 3600), 0)
    .option('--node-flags <flags>', 'flags of Node.js for all servers, by commas', '')
    .option('--bodies <n>', 'JSON bodies sent before', readWithin(0, 10_000_000), 0)
    .addOption(new Option('--only <server>', 'one of the servers alone').choices(kinds))
    .addHelpText('after', help)
    .action(async (options: AgingOptions) => {
      const settings = settingsOf(options, 'node', kinds.length * 2)
      const report = await withCleanup((cleanup) => run(settings, options, cleanup)).finally(hideProgress)
      console.log(options.json ? JSON.stringify(report, null, 2) : reportText(report))
    })
}

async function run(settings: CompareSettings, options: AgingOptions, cleanup: Cleanup): Promise<Report> {
  const machine = describeMachine()
  const flags = options.nodeFlags.split(',').filter((flag) => flag !== '')
  showProgress('starting')
  const pairs = []
  for (const kind of options.only ? [options.only] : kinds) pairs.push(await startPair(kind, flags, cleanup))
  showProgress('bodies')
  for (const { target } of pairs.flat()) await sendBodies(target, options.bodies, cleanup)
  const variants = pairs.flat()
  // Old age takes from a process what it has learned: so it learns first.
  await compare(variants, { ...settings, rounds: 1 }, cleanup, showProgress)
  showProgress('aging')
  await Promise.all(pairs.map(([, { server }]) => age(server, options.idle, cleanup)))
  const figures = await compare(variants, settings, cleanup, showProgress)
  return {
    benchmark: 'aging',
    ...machine,
    nodeFlags: [...machine.nodeFlags, ...flags],
    settings: { ...settings, database: process.env['DATABASE_URL'] ? 'server' : 'embedded' },
    variants: figures,
    notes: [
      ...(await Promise.all(variants.map(memoryOf))),

      `aged by ${options.idle > 0 ? `${options.idle} s of nothing` : 'six collections'}; flags: ${flags.join(' ') || 'none'}`,
    ],
  }
}

async function memoryOf({ title, server }: Variant): Promise<string> {
  const { heapUsed, rss } = await server.memory()
  const inMiB = (bytes: number) => (bytes / 2 ** 20).toFixed(1)
  return `${title}: ${inMiB(heapUsed)} MiB of heap in use, ${inMiB(rss)} MiB resident`
}

const bodiesAtOnce = 16
const namesInBody = 100

/** To an operation that takes a body, where the target has one. */
async function sendBodies(target: Variant['target'], count: number, { signal }: Cleanup): Promise<void> {
  if (typeof target === 'function' || !target.url.endsWith('/me')) return
  const url = target.url.replace(/me$/, 'bookings')
  const headers = { ...target.headers, 'Content-Type': 'application/json' }
  let sent = 0
  const lane = async () => {
    while (sent < count) {
      signal.throwIfAborted()
      sent += 1
      const names = Array.from({ length: namesInBody }, () => [randomBytes(6).toString('hex'), 1])
      const body = JSON.stringify(Object.fromEntries(names))
      const answer = await fetch(url, { method: 'POST', headers, body })
      await answer.arrayBuffer()
      if (answer.status >= 500 || [401, 403, 404, 429].includes(answer.status))
        throw new RunFailed(`${url} answered ${answer.status}: the body was not read.`)
    }
  }
  await Promise.all(Array.from({ length: bodiesAtOnce }, lane))
}

async function age(server: ServerProcess, idleSeconds: number, { signal }: Cleanup): Promise<void> {
  if (idleSeconds > 0) await sleep(idleSeconds * 1000, undefined, { signal })
  else await server.tell('age')
}

async function startPair(
  kind: Kind,
  flags: readonly string[],
  cleanup: Cleanup,
): Promise<[Variant, Variant]> {
  const start = kind === 'latchkey' ? startLatchkey : startFloor
  const fresh = await start(kind, flags, cleanup)
  const aged = await start(kind, flags, cleanup)
  return [
    { ...fresh, name: kind, title: `${fresh.title}, fresh`, baseline: kind },
    { ...aged, name: `${kind}-aged`, title: `${aged.title}, aged`, baseline: kind },
  ]
}

async function startFloor(kind: Kind, flags: readonly string[], cleanup: Cleanup): Promise<Variant> {
  const server = await startServer(kind, { env: plainEnvironment(), readyPath: '/', flags }, cleanup)
  const title = kind === 'koa' ? 'bare Koa' : 'bare node:http'
  return { name: kind, title, server, target: { url: `http://127.0.0.1:${server.port}/`, headers: {} } }
}

async function startLatchkey(kind: Kind, flags: readonly string[], cleanup: Cleanup): Promise<Variant> {
  const { env } = await prepareSurroundings(cleanup)
  const server = await startServer(kind, { env, readyPath: '/readyz', flags }, cleanup)
  const { apiKey } = await obtainCredentials(
    {
      env: { ...env, PORT: String(server.port) },
      publicUrl: `http://localhost:${server.port}`,
      scopes: ['read:bookings', 'write:bookings'],
    },
    cleanup.signal,
  )
  return {
    name: kind,
    title: '/api/v1/me',
    server,
    target: {
      url: `http://127.0.0.1:${server.port}/api/v1/me`,
      headers: { Authorization: `Bearer ${apiKey}` },
    },
  }
}
