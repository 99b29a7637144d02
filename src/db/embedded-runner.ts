// Who runs PostgreSQL (it refuses root), and what that user can reach. Never changes anyone's rights.
import type { Stats } from 'node:fs'
import { readdir, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** The user a root process hands PostgreSQL to. */
export interface Runner {
  readonly uid: number
  readonly gid: number
}

const nobodyId = process.platform === 'darwin' ? 4_294_967_294 : 65_534
export const nobody: Runner = { uid: nobodyId, gid: nobodyId }

export function isRoot(): boolean {
  return process.getuid?.() === 0
}

/**
 * What `spawn` needs to run PostgreSQL's programs as the runner (null: as ourselves). The environment is
 * ours to say in full: PGDATA, PGOPTIONS and their like must not reach them.
 */
export function spawnIdentity(runner: Runner | null): { uid?: number; gid?: number; env: NodeJS.ProcessEnv } {
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
  // spawn takes signed ids, and macOS's nobody is -2.
  return runner ? { uid: runner.uid | 0, gid: runner.gid | 0, env } : { env }
}

const read = 4
const enter = 1

function may(it: Stats, runner: Runner, rights: number): boolean {
  const shift = it.uid === runner.uid ? 6 : it.gid === runner.gid ? 3 : 0
  return ((it.mode >> shift) & rights) === rights
}

/** The first directory on the way from the root into `directory` that the runner can't enter, or null. */
export async function findBarrier(directory: string, runner: Runner): Promise<string | null> {
  const way = [await realpath(directory)]
  for (let at = way[0] ?? '/'; at !== dirname(at); at = dirname(at)) way.unshift(dirname(at))
  for (const step of way) if (!may(await stat(step), runner, enter)) return step
  return null
}

/** Whether the runner can read every file below a directory, and run those in a `bin`; the way to it aside. */
export async function canReadTree(directory: string, runner: Runner): Promise<boolean> {
  if (!may(await stat(directory), runner, read | enter)) return false
  const entries = await readdir(directory, { withFileTypes: true })
  const needed = basename(directory) === 'bin' ? read | enter : read
  const answers = await Promise.all(
    entries.map(async (entry) => {
      const path = join(directory, entry.name)
      if (entry.isDirectory()) return canReadTree(path, runner)
      // A symbolic link has no rights of its own, and what ours point at lies beside them.
      return entry.isSymbolicLink() || may(await stat(path), runner, needed)
    }),
  )
  return answers.every(Boolean)
}
