// The running PostgreSQL of a cluster: started, waited for, stopped; and one that a dead owner left
// running, ended. Only for the cluster's owner.
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { StartupError } from '../lib/startup-error.ts'
import type { Binaries } from './embedded-binaries.ts'
import { readLog, refusal, spawnLogged } from './embedded-log.ts'
import type { Place } from './embedded-place.ts'
import { birthOf, commandLineOf, type GuardedProcess, isStillAlive } from './embedded-processes.ts'

const pollMs = 10
// Replaying the log after a crash takes as long as there is log: at most some ten seconds per gigabyte.
const readyWithinMs = 120_000
const memoryFreeWithinMs = 3_000

export interface Postmaster {
  /** Ends it, quickly and orderly if it can; resolves when it is gone (at most 7 s, commonly 0.1 s). */
  stop(): Promise<void>
}

/**
 * Starts PostgreSQL on a cluster; resolves when it takes connections on the socket in `host`.
 * @throws StartupError with PostgreSQL's own last word when it refuses
 */
export async function startPostmaster(
  place: Place,
  binaries: Binaries,
  socket: { readonly host: string; readonly port: number },
  connections: number,
): Promise<Postmaster> {
  const deadline = Date.now() + memoryFreeWithinMs
  const command = [binaries.postgres, '-D', place.cluster, ...settings(socket, connections)]
  for (;;) {
    const child = await spawnLogged(place, place.cluster, command)
    if (await isReady(child, place)) {
      child.hold(false)
      return { stop: () => stopChild(child) }
    }
    // The backends of a postmaster that was killed need a moment to notice it, and hold its memory until then.
    const isHeld = /pre-existing shared memory block/.test(await readLog(place))
    if (!isHeld || Date.now() > deadline) throw await refusal(place, 'PostgreSQL did not start')
    await sleep(100)
  }
}

/** Ends the postmaster of an owner that died, if it is still there, so that the cluster can be started anew. */
export async function stopOrphan({ cluster }: Place): Promise<void> {
  const file = join(cluster, 'postmaster.pid')
  const pid = (await readPidFile(file))?.pid
  const birth = pid === undefined ? null : birthOf(pid)
  if (pid === undefined || birth === null) return
  if (!commandLineOf(pid).includes(`/postgres -D ${cluster}`)) {
    // The pid is another program's by now, which PostgreSQL may mistake for a rival. Without the file it
    // still finds out, by its shared memory, when a part of it runs.
    await rm(file, { force: true })
    return
  }
  const isGone = () => !isStillAlive(pid, birth)
  for (const [signal, withinMs] of [
    ['SIGINT', 5_000],
    ['SIGQUIT', 3_000],
    ['SIGKILL', 2_000],
  ] as const) {
    signalIfThere(pid, signal)
    if (await waitFor(isGone, withinMs)) return
  }
  throw new StartupError(
    `A PostgreSQL that was left running on ${cluster} (pid ${pid}) does not end: end it and start again.`,
  )
}

// What a start says, rather than the cluster's own file, is renewed with each Latchkey.
function settings(
  { host, port }: { readonly host: string; readonly port: number },
  connections: number,
): string[] {
  const values = {
    listen_addresses: '',
    unix_socket_directories: `"${host.replaceAll('"', '""')}"`,
    port: String(port),
    max_connections: String(connections),
    shared_buffers: '128MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_line_prefix: '%m [%p] ',
    // What goes wrong with a statement is told to who sent it, and logged there; here it would only pile up.
    log_min_messages: 'log',
    log_checkpoints: 'off',
  }
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

async function isReady(child: GuardedProcess, { cluster }: Place): Promise<boolean> {
  const file = join(cluster, 'postmaster.pid')
  const deadline = Date.now() + readyWithinMs
  while (!child.hasEnded()) {
    const told = await readPidFile(file)
    if (told?.pid === child.pid && told.state === 'ready') return true
    if (Date.now() > deadline) {
      await stopChild(child)
      return false
    }
    await sleep(pollMs)
  }
  return false
}

/** Lines 1 and 8 of PostgreSQL's lock file (pidfile.h); null when there is none. */
async function readPidFile(file: string): Promise<{ pid: number; state: string } | null> {
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n')
  const pid = Number(lines[0])
  return Number.isInteger(pid) && pid > 0 ? { pid, state: lines[7]?.trim() ?? '' } : null
}

// Fast shutdown first. The harder ones lose nothing that was committed: the next start replays the log.
async function stopChild(child: GuardedProcess): Promise<void> {
  child.hold(true)
  for (const [signal, withinMs] of [
    ['SIGINT', 5_000],
    ['SIGQUIT', 1_000],
    ['SIGKILL', 1_000],
  ] as const) {
    if (child.hasEnded()) return
    child.signal(signal)
    const late = new AbortController()
    await Promise.race([child.ended, sleep(withinMs, null, { signal: late.signal }).catch(() => {})])
    late.abort()
  }
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended in between.
  }
}

async function waitFor(isTrue: () => boolean, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs
  while (!isTrue()) {
    if (Date.now() > deadline) return false
    await sleep(pollMs)
  }
  return true
}
