// A server under test: a fresh process of its own that tells the CPU time it has used.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../test/support/port.ts'
import type { Cleanup } from './cleanup.ts'
import { RunFailed } from './run-failed.ts'

export interface ServerProcess {
  readonly name: ServerName
  readonly port: number
  /** User and system time since its start, in µs, of all its threads. */
  cpuMicros(): Promise<number>
  /** In bytes, after full collections: so it is the last thing to ask. */
  memory(): Promise<{ readonly heapUsed: number; readonly rss: number }>
  /** Says something to it that it answers with the same word when it is done. */
  tell(word: string): Promise<void>
}

/** A file in servers/, or a peer's own in peers/. */
export type ServerName =
  | ('latchkey' | 'sweeping' | 'koa' | 'koa-insert' | 'koa-lookup' | 'node' | 'plain-engine')
  | 'peers/better-auth'
  | 'peers/oauth2-server'

export interface ServerOptions {
  /** PORT is added to it. */
  readonly env: NodeJS.ProcessEnv
  /** What answers 200 as soon as it is ready. */
  readonly readyPath: string
  /** Of Node.js, beside those of this process; the floors and the peers have those that Latchkey is started with, too. */
  readonly flags?: readonly string[]
}

/** As bin/long-life.js has it: a server that is asked by turns has idle gaps, and would be slower after one. */
const usualFlags = ['--retain-maps-for-n-gc=1000000']

const readyWithinMs = 60_000
const answerWithinMs = 5_000
const stopWithinMs = 15_000
const keptStderr = 4_000

/** Starts it, with the Node.js flags of this process, and waits until it is ready. */
export async function startServer(
  name: ServerName,
  options: ServerOptions,
  { add, signal }: Cleanup,
): Promise<ServerProcess> {
  const port = await freePort()
  signal.throwIfAborted()
  const child = fork(fileURLToPath(new URL(fileOf(name), import.meta.url)), {
    env: { ...options.env, PORT: String(port) },
    execArgv: [...process.execArgv, ...(options.flags ?? usualFlags)],
    // Logging is a duty, and its lines are made and written; nobody spends CPU on reading them.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Not in the terminal's group: at Ctrl-C it is stopped by us, once.
    detached: true,
  })
  add(() => stop(child))
  const said = keepStderr(child)
  const failIfGone = () => {
    if (isRunning(child)) return
    throw new RunFailed(`The ${name} server has ended (${child.signalCode ?? child.exitCode}). ${said()}`)
  }

  const deadline = Date.now() + readyWithinMs
  while (!(await isReady(`http://127.0.0.1:${port}${options.readyPath}`))) {
    signal.throwIfAborted()
    failIfGone()
    if (Date.now() > deadline) throw new RunFailed(`The ${name} server was not ready in 60 s. ${said()}`)
    await sleep(50)
  }
  return {
    name,
    port,
    cpuMicros: async () => {
      failIfGone()
      const answer = once(child, 'message', { signal: AbortSignal.timeout(answerWithinMs) })
      child.send('cpu', () => {}) // what could not be sent is not answered either
      const [usage] = (await answer.catch((cause: unknown) => {
        failIfGone()
        throw new RunFailed(`The ${name} server did not tell its CPU time in 5 s.`, { cause })
      })) as [NodeJS.CpuUsage]
      return usage.user + usage.system
    },
    memory: async () => {
      failIfGone()
      const answer = once(child, 'message', { signal: AbortSignal.timeout(readyWithinMs) })
      child.send('memory')
      const [usage] = (await answer) as [NodeJS.MemoryUsage]
      return usage
    },
    tell: async (word) => {
      failIfGone()
      const answer = once(child, 'message', { signal: AbortSignal.timeout(readyWithinMs) })
      child.send(word)
      const [said] = await answer
      if (said !== word) throw new RunFailed(`The ${name} server did not do "${word}".`)
    },
  }
}

const fileOf = (name: ServerName) => (name.startsWith('peers/') ? `${name}.mjs` : `servers/${name}.ts`)

async function isReady(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(answerWithinMs) }).catch(() => null)
  await response?.arrayBuffer()
  return response?.ok ?? false
}

function keepStderr(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    text = (text + chunk).slice(-keptStderr)
  })
  return () => text.trim()
}

async function stop(child: ChildProcess): Promise<void> {
  if (!isRunning(child)) return
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  const impatience = setTimeout(() => child.kill('SIGKILL'), stopWithinMs)
  await exit
  clearTimeout(impatience)
}

const isRunning = (child: ChildProcess) => child.exitCode === null && child.signalCode === null
