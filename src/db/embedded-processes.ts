// Processes: whether one still lives, which one it is, and how to spawn one that cannot outlive us.
// Knows no PostgreSQL.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { type Runner, spawnIdentity } from './embedded-runner.ts'

const onLinux = process.platform === 'linux'
const hidden = 'hidden'

/** When a process began, as a text that no later process of the same pid has; null when it is gone or a zombie. */
export function birthOf(pid: number): string | null {
  try {
    return onLinux ? birthFromProc(pid) : birthFromPs(pid)
  } catch {
    return isSignallable(pid) ? hidden : null
  }
}

/** Whether the process that bore this pid at `birth` still lives; one we may not look at counts as living. */
export function isStillAlive(pid: number, birth: string): boolean {
  const now = birthOf(pid)
  return now === birth || now === hidden
}

/** The command line of a process, words joined by one space; empty when it is gone. */
export function commandLineOf(pid: number): string {
  try {
    if (onLinux) return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).trim()
  } catch {
    return ''
  }
}

function birthFromProc(pid: number): string | null {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in parentheses may itself hold spaces and parentheses: what follows the last one is regular.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' ? null : `${fields[19]}.${bootId()}`
}

function birthFromPs(pid: number): string | null {
  const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
  const line = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], {
    encoding: 'utf8',
    env,
  }).trim()
  return line.startsWith('Z') ? null : line.replace(/^\S+\s+/, '').replaceAll(/[^0-9A-Za-z]+/g, '.')
}

// Start times count from the boot, so that without it two boots could give one pid the same birth.
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8)
  } catch {
    return ''
  }
}

function isSignallable(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (cause) {
    return cause instanceof Error && 'code' in cause && cause.code === 'EPERM'
  }
}

export interface GuardedProcess {
  readonly pid: number
  /** Resolves when it has ended, with its code or the name of the signal. */
  readonly ended: Promise<number | NodeJS.Signals>
  hasEnded(): boolean
  signal(name: NodeJS.Signals): void
  /** Whether it keeps this process's event loop alive (it does at first). */
  hold(doesHold: boolean): void
}

// The shell becomes the command itself, so that our child's pid is the command's. Before that it leaves
// behind a guard, nobody's child, who reads a pipe from us: a line relieves it, an end without a line
// means that we are gone (kill -9 included) and it interrupts the command. The command itself must not
// hold that pipe. The guard is no child of the command, since PostgreSQL takes the death of a child it
// does not know for a crash.
const guardScript = `
exec 3<&0
( ( read -r _ <&3 || kill -s INT $$ ) >/dev/null 2>&1 & )
exec "$@" </dev/null 3<&-
`

/**
 * Spawns a command in a session of its own (no Ctrl-C of the terminal reaches it), which is interrupted
 * (SIGINT) when this process ends in whatever way. Its output goes to the file descriptor `log`.
 * @throws the system's error when it can't be spawned
 */
export async function spawnGuarded(
  command: readonly string[],
  options: { readonly runner: Runner | null; readonly directory: string; readonly log: number },
): Promise<GuardedProcess> {
  const child = spawn('/bin/sh', ['-c', guardScript, 'sh', ...command], {
    ...spawnIdentity(options.runner),
    cwd: options.directory,
    stdio: ['pipe', options.log, options.log],
    detached: true,
  })
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'SIGKILL'))
  })
  // A guard that is gone already makes the relieving line fail, and nothing is lost by that.
  child.stdin?.on('error', () => {})
  void ended.then(() => child.stdin?.end('\n'))
  await once(child, 'spawn')
  return {
    pid: child.pid ?? 0,
    ended,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    signal: (name) => void child.kill(name),
    hold: (doesHold) => {
      if (doesHold) child.ref()
      else child.unref()
      if (child.stdin instanceof Socket && !doesHold) child.stdin.unref()
    },
  }
}
