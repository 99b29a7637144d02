// The files of a cluster: made by initdb, whole or not at all, and looked at before they are started.
// Owns what is in `data`, never what runs on it.
import { randomBytes } from 'node:crypto'
import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { StartupError } from '../lib/startup-error.ts'
import type { Binaries } from './embedded-binaries.ts'
import { refusal, spawnLogged } from './embedded-log.ts'
import { makeDirectory, type Place } from './embedded-place.ts'

export const superuser = 'latchkey'

/**
 * Makes the cluster when there is none; true when it did. Only for the cluster's owner.
 * @throws StartupError when what is there is incomplete, or of another major version
 */
export async function ensureCluster(place: Place, binaries: Binaries): Promise<boolean> {
  await removeLeftovers(place)
  const content = await readdir(place.cluster).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return []
    throw cause
  })
  if (content.length > 0) {
    await checkCluster(place, binaries)
    return false
  }
  await createCluster(place, binaries)
  return true
}

async function checkCluster({ cluster }: Place, { version }: Binaries): Promise<void> {
  for (const needed of ['PG_VERSION', 'global/pg_control']) {
    const file = await open(join(cluster, needed)).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'ENOENT') return null
      throw cause
    })
    await file?.close()
    if (file) continue
    throw new StartupError(
      `The PostgreSQL data in ${cluster} is incomplete (${needed} is missing): restore it from a backup, ` +
        'or move that directory away to begin with an empty database.',
    )
  }
  const made = (await readFile(join(cluster, 'PG_VERSION'), 'utf8')).trim()
  const brought = version.split('.')[0]
  if (made === brought) return
  throw new StartupError(
    `The PostgreSQL data in ${cluster} was made by PostgreSQL ${made}, but this Latchkey brings PostgreSQL ${brought}: ` +
      `dump it with version ${made} and restore it into a new DATA_DIR, or go back to the Latchkey that made it.`,
  )
}

/** What an initdb left behind that was killed with its owner. */
async function removeLeftovers({ area, cluster }: Place): Promise<void> {
  for (const name of await readdir(area)) {
    const path = join(area, name)
    if (path.startsWith(`${cluster}.new-`)) await rm(path, { recursive: true, force: true, maxRetries: 5 })
  }
}

async function createCluster(place: Place, { initdb }: Binaries): Promise<void> {
  const draft = `${place.cluster}.new-${process.pid}-${randomBytes(4).toString('hex')}`
  await makeDirectory(draft, 0o700, place.runner)
  // trust: whoever can reach the socket is the runner or root, since its directory is 0700.
  // The builtin provider sorts the same on every machine, and needs none of its locales.
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
  const command = [
    initdb,
    `--pgdata=${draft}`,
    `--username=${superuser}`,
    '--auth=trust',
    ...locale,
    '--no-instructions',
  ]
  try {
    const child = await spawnLogged(place, draft, command)
    if ((await child.ended) !== 0) throw await refusal(place, 'PostgreSQL could not make its data directory')
    await rename(draft, place.cluster)
    await syncDirectory(place.area)
  } catch (cause) {
    await rm(draft, { recursive: true, force: true, maxRetries: 5 })
    throw cause
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory)
  await handle.sync()
  await handle.close()
}
