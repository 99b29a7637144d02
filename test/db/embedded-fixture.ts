// What the tests of the embedded PostgreSQL share: directories that vanish afterwards, owners in processes
// of their own, and looks at processes. No promises of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import type { EmbeddedPostgres } from '../../src/db/embedded.ts'

export const isRoot = process.getuid?.() === 0
const module = join(import.meta.dirname, '../../src/db/embedded.ts')

const pending = new WeakMap<TestContext, (() => unknown)[]>()

/** Like `t.after`, but the last said is the first done: PostgreSQL is stopped before its directory goes. */
export function afterwards(t: TestContext, step: () => unknown): void {
  const steps = pending.get(t) ?? []
  if (steps.push(step) > 1) return
  pending.set(t, steps)
  t.after(async () => {
    for (const it of steps.reverse()) await it()
  })
}

/** A directory that others can pass through, whatever the umask; a data directory in it is removed with its cluster. */
export async function makeBase(t: TestContext, mode = 0o755): Promise<string> {
  const base = await realpath(await mkdtemp(join(tmpdir(), 'latchkey-test-')))
  await chmod(base, mode)
  afterwards(t, async () => {
    await removeArea(join(base, 'data'))
    await remove(base)
  })
  return base
}

/** Where a root-only data directory's cluster lies; null when it lies in it. */
export async function areaOf(dataDirectory: string): Promise<string | null> {
  const text = await readFile(join(dataDirectory, 'postgres-location.txt'), 'utf8').catch(() => '')
  return text.split('\n')[0] || null
}

export async function removeArea(dataDirectory: string): Promise<void> {
  const area = await areaOf(dataDirectory)
  if (area) await remove(area)
}

/** A PostgreSQL whose owner was killed may still be writing its last lines. */
function remove(directory: string): Promise<void> {
  return rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
}

export async function query(it: Pick<EmbeddedPostgres, 'connection'>, sql: string): Promise<unknown[]> {
  const client = new pg.Client(it.connection)
  await client.connect()
  try {
    return (await client.query<unknown[]>({ text: sql, rowMode: 'array' })).rows.flat()
  } finally {
    await client.end()
  }
}

export async function postmasterPid(it: Pick<EmbeddedPostgres, 'directory'>): Promise<number> {
  return Number((await readFile(join(it.directory, 'postmaster.pid'), 'utf8')).split('\n')[0])
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

export async function isGoneWithin(pid: number, ms: number): Promise<boolean> {
  for (const end = Date.now() + ms; isAlive(pid) && Date.now() < end; ) await sleep(10)
  return !isAlive(pid)
}

type Answer =
  | ({ kind: 'started' } & Omit<EmbeddedPostgres, 'stop'>)
  | { kind: 'refused'; name: string; message: string }

export interface OtherProcess {
  readonly child: ChildProcess
  readonly answer: Promise<Answer>
  kill(): Promise<void>
}

/** A process of its own that starts or borrows; it stays for `holdMs` (then stops PostgreSQL), or until it is killed. */
export function runElsewhere(
  t: TestContext,
  act: 'startEmbedded' | 'borrowEmbedded',
  dataDirectory: string,
  { from = module, holdMs = 600_000 } = {},
): OtherProcess {
  const code = `import(${JSON.stringify(pathToFileURL(from).href)}).then((m) => m.${act}({ dataDirectory: ${JSON.stringify(dataDirectory)} })).then(
    (it) => { console.log(JSON.stringify({ kind: 'started', ...it })); setTimeout(() => it.stop(), ${holdMs}) },
    (e) => console.log(JSON.stringify({ kind: 'refused', name: e.name, message: e.message })))`
  const stdio = ['ignore', 'pipe', 'inherit'] as const
  const child = spawn(process.execPath, ['--import', import.meta.resolve('tsx'), '-e', code], {
    stdio: [...stdio],
  })
  const answer = once(child.stdout ?? child, 'data').then(([line]) => JSON.parse(String(line)) as Answer)
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  afterwards(t, kill)
  return { child, answer, kill }
}

export async function started(other: OtherProcess): Promise<Extract<Answer, { kind: 'started' }>> {
  const answer = await other.answer
  if (answer.kind === 'refused') throw new Error(`${basename(module)}: ${answer.message}`)
  return answer
}
