// The log of PostgreSQL's programs: begun anew by each of them, and read when one refuses.
import { open, readFile, rm, statfs } from 'node:fs/promises'
import { StartupError } from '../lib/startup-error.ts'
import type { Place } from './embedded-place.ts'
import { type GuardedProcess, spawnGuarded } from './embedded-processes.ts'

/** Spawns a program as the place's runner, which writes into a new, empty log: that bounds it. */
export async function spawnLogged(
  { log, runner }: Place,
  directory: string,
  command: readonly string[],
): Promise<GuardedProcess> {
  await rm(log, { force: true })
  const file = await open(log, 'wx', 0o600)
  try {
    return await spawnGuarded(command, { runner, directory, log: file.fd })
  } finally {
    await file.close()
  }
}

/** The log so far; empty when there is none. */
export async function readLog({ log }: Place): Promise<string> {
  return readFile(log, 'utf8').catch(() => '')
}

/** Tells what PostgreSQL said last about its refusal, and where to read more. */
export async function refusal(place: Place, what: string): Promise<StartupError> {
  const log = await readLog(place)
  if (/No space left on device/.test(log) || (await isFull(place.area))) return diskFull(place.area)
  if (/could not look up effective user ID/.test(log)) return namelessUser(place)
  const lines = log.trim().split('\n')
  const line =
    lines.findLast((it) => /\b(FATAL|PANIC): /.test(it)) ?? lines.findLast((it) => /error: /.test(it))
  const said = /(?:FATAL|PANIC|error): +(.*)/.exec(line ?? '')?.[1] ?? lines.at(-1)
  return new StartupError(
    `${what}${said && `: ${said}`}. Mend that and start again; its log is ${place.log}.`,
  )
}

// On a full disk the log may lack the very line that says so.
async function isFull(directory: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize < 1_048_576
}

/** @param path a file or directory on the disk in question */
export function diskFull(path: string): StartupError {
  return new StartupError(`The disk that holds ${path} is full: free some space there and start again.`)
}

// Containers are often run as a number that has no name, and initdb insists on one.
function namelessUser({ runner }: Place): StartupError {
  const uid = runner?.uid ?? process.getuid?.()
  return new StartupError(
    `PostgreSQL needs a name for the user id ${uid}: add one to /etc/passwd, start Latchkey as another user, ` +
      'or set DATABASE_URL.',
  )
}
