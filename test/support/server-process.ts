// The server and its commands as processes of their own, as a user runs them: a directory, an environment,
// what they print, how they end. No promises of its own.
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ClientId, isClientId } from '../../src/core/ids.ts'
import { birthOf, isStillAlive } from '../../src/db/embedded-processes.ts'
import { packageRoot } from '../../src/lib/package-root.ts'
import { afterwards, areaOf, makeBase } from '../db/embedded-fixture.ts'
import { freePort } from './port.ts'

export type Variables = Readonly<Record<string, string>>

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Result extends Ended {
  readonly stdout: string
  readonly stderr: string
}

export interface ServerProcess {
  readonly url: string
  readonly port: number
  readonly pid: number
  readonly home: string
  readonly ended: Promise<Ended>
  readonly stdout: () => string
  readonly stderr: () => string
  /** Sends a signal, waits for the end, and says how long that took. */
  stop(signal?: NodeJS.Signals): Promise<Ended & { readonly ms: number }>
  /** As `stop`, to the whole process group, as a terminal does on Ctrl-C. */
  stopGroup(signal: NodeJS.Signals): Promise<Ended & { readonly ms: number }>
  /** A request to the API with a key. */
  api(path: string, key: string, init?: RequestInit): Promise<Response>
}

const program = join(packageRoot, 'bin/latchkey.js')
const readyWithinMs = 90_000
const endsWithinMs = 90_000
// What a start prints last, in development and in production.
const readyMark = /Stop with Ctrl-C|"msg":"ready"/

/** A directory of the test's own to run in; its data directory is `data`. */
export function makeHome(t: TestContext): Promise<string> {
  return makeBase(t)
}

/** Runs a command to its end. */
export async function runCommand(
  home: string,
  args: readonly string[],
  env: Variables = {},
): Promise<Result> {
  const child = spawn(process.execPath, [program, ...args], { cwd: home, env: environment(env) })
  const output = collect(child)
  const late = setTimeout(() => child.kill('SIGKILL'), endsWithinMs)
  const ended = await endOf(child)
  clearTimeout(late)
  return { ...ended, stdout: output.stdout(), stderr: output.stderr() }
}

/** Runs a command that must succeed, and reads the one JSON value that it prints. */
export async function runJson<T>(home: string, args: readonly string[], env: Variables = {}): Promise<T> {
  const { code, stdout, stderr } = await runCommand(home, [...args, '--json'], env)
  assert.equal(code, 0, `latchkey ${args.join(' ')}: ${stderr}`)
  return JSON.parse(stdout) as T // its fields are asserted by whoever uses them
}

export interface ServerOptions {
  readonly home: string
  readonly env?: Variables
  /** Start it by `npm start`, as the README says, instead of directly. */
  readonly byNpm?: boolean
}

/** Spawns a server; does not wait for it. It is killed at the end of the test if it still runs. */
export async function spawnServer(t: TestContext, { home, env = {}, byNpm = false }: ServerOptions) {
  const port = Number(env['PORT'] ?? (await freePort()))
  const [command, args, cwd] = byNpm
    ? (['npm', ['start', '--silent'], packageRoot] as const)
    : ([process.execPath, [program, 'serve'], home] as const)
  const child = spawn(command, args, {
    cwd,
    env: environment({ PORT: String(port), DATA_DIR: join(home, 'data'), ...env }),
    detached: true, // the leader of a process group, so that the group can be signalled without us
  })
  const output = collect(child)
  const ended = endOf(child)
  const pid = child.pid ?? 0
  let isOver = false
  void ended.then(() => {
    isOver = true
  })
  afterwards(t, async () => {
    if (isOver) return
    process.kill(-pid, 'SIGKILL')
    await ended
  })
  const stop = async (to: number, signal: NodeJS.Signals) => {
    const startedAt = performance.now()
    process.kill(to, signal)
    const how = await ended
    return { ...how, ms: performance.now() - startedAt }
  }
  const url = `http://localhost:${port}`
  const server: ServerProcess = {
    ...output,
    url,
    port,
    pid,
    home,
    ended,
    stop: (signal = 'SIGINT') => stop(pid, signal),
    stopGroup: (signal) => stop(-pid, signal),
    api: (path, key, init = {}) =>
      fetch(`${url}/api/v1${path}`, {
        ...init,
        headers: { Authorization: `Bearer ${key}`, ...init.headers },
      }),
  }
  return server
}

/** Starts a server and waits until it says that it is ready. */
export async function startServer(t: TestContext, options: ServerOptions): Promise<ServerProcess> {
  const server = await spawnServer(t, options)
  await ready(server)
  return server
}

export async function ready(server: ServerProcess): Promise<void> {
  const told = await until(() => readyMark.test(server.stdout()), server.ended, readyWithinMs)
  assert.ok(told, `the server did not start:\n${server.stdout()}${server.stderr()}`)
}

/** Waits until something is so: false when the process has ended before, or the time is over. */
async function until(isSo: () => boolean, ended: Promise<Ended>, withinMs: number): Promise<boolean> {
  let isOver = false
  void ended.then(() => {
    isOver = true
  })
  for (const end = Date.now() + withinMs; !isSo(); await sleep(10))
    if (isOver || Date.now() > end) return isSo()
  return true
}

/** The text that a banner prints behind a label, or the first match of a pattern in it. */
export function printed(server: ServerProcess, pattern: RegExp): string {
  const [, text] = pattern.exec(server.stdout()) ?? []
  assert.ok(text !== undefined, `no ${pattern} in\n${server.stdout()}`)
  return text
}

export const demoKey = (server: ServerProcess) => printed(server, /\b(bz_test_\w+)/)
export const setUpLink = (server: ServerProcess) => printed(server, /(http\S+\/setup\?token=\S+)/)

export function clientId(server: ServerProcess): ClientId {
  const id = printed(server, /client_id (\S+)/)
  assert.ok(isClientId(id), id)
  return id
}

interface Process {
  readonly pid: number
  readonly birth: string
}

/** PostgreSQL's processes of a data directory, and whoever looks after them. */
export async function databaseProcesses(home: string): Promise<Process[]> {
  const area = (await areaOf(join(home, 'data'))) ?? join(home, 'data')
  const all = allProcesses()
  const named = all.filter(({ command }) => command.includes('postgres') && command.includes(area))
  // A backend's title says nothing of the directory: it is known by its parent.
  const pids = new Set(named.map(({ pid }) => pid))
  const children = all.filter(({ parent }) => pids.has(parent))
  return [...named, ...children].flatMap(({ pid }) => {
    const birth = birthOf(pid)
    return birth === null ? [] : [{ pid, birth }]
  })
}

/** The workers of a server. */
export function workersOf({ pid: primary }: ServerProcess): Process[] {
  const workers = allProcesses().filter(
    ({ parent, command }) => parent === primary && command.includes(program),
  )
  return workers.flatMap(({ pid }) => {
    const birth = birthOf(pid)
    return birth === null ? [] : [{ pid, birth }]
  })
}

interface Listed {
  readonly pid: number
  readonly parent: number
  readonly command: string
}

/** From /proc where there is one: a bare machine has no `ps`. */
function allProcesses(): Listed[] {
  if (existsSync('/proc/self/stat')) {
    return readdirSync('/proc').flatMap((name) =>
      /^\d+$/.test(name) ? (readProcess(Number(name)) ?? []) : [],
    )
  }
  return execFileSync('ps', ['-ww', '-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' })
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .map((row) => ({ pid: Number(row?.[1]), parent: Number(row?.[2]), command: row?.[3] ?? '' }))
}

function readProcess(pid: number): Listed | null {
  try {
    // The name in parentheses may hold anything; what follows the last one is: state, parent.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    return { pid, parent: Number(parent), command }
  } catch {
    return null // it has ended since it was listed
  }
}

export const survivors = (processes: readonly Process[]) =>
  processes.filter(({ pid, birth }) => isStillAlive(pid, birth))

/** No PostgreSQL is left of those that were, nor a new one. */
export async function assertNoDatabase(home: string, before: readonly Process[] = []): Promise<void> {
  assert.deepEqual([...survivors(before), ...(await databaseProcesses(home))], [])
}

function collect(child: ChildProcess): { stdout: () => string; stderr: () => string } {
  const told = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8')
    child[name]?.on('data', (text: string) => {
      told[name] += text
    })
  }
  return { stdout: () => told.stdout, stderr: () => told.stderr }
}

/** When it has ended and all that it printed has been read. */
function endOf(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
}

// None of ours: a start with nothing set is a start with nothing set.
function environment(env: Variables): Variables {
  const ours = ['PATH', 'HOME', 'TMPDIR'].flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return { ...Object.fromEntries(ours), ...env }
}
