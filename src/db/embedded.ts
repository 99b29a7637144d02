// The packaged PostgreSQL of a data directory: started and stopped with its owner, on a Unix socket, as
// a user that is not root. Owns the order of the steps; each step is a file beside this one. Knows
// nothing of what is in the database.
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { StartupError } from '../lib/startup-error.ts'
import { provideBinaries } from './embedded-binaries.ts'
import { ensureCluster, superuser } from './embedded-cluster.ts'
import { diskFull } from './embedded-log.ts'
import { type Connection, claimCluster, type Owner, type Ownership } from './embedded-owners.ts'
import { findPlace, openSocketDirectory, openStore, type Place } from './embedded-place.ts'
import { startPostmaster, stopOrphan } from './embedded-postmaster.ts'

export interface EmbeddedPostgres {
  /** `host` is the directory of the Unix socket. */
  readonly connection: Connection
  /** PostgreSQL's, as `18.4`. */
  readonly version: string
  /** True when this start made the cluster. */
  readonly created: boolean
  /** Where the cluster really lies. */
  readonly directory: string
  /** Resolves when PostgreSQL is gone (at once when it is borrowed); may be called again. Never fails. */
  stop(): Promise<void>
}

/** Enough for five processes that serve, and commands beside them. */
export const usualConnections = 200
const commandEndsWithinMs = 10_000
const serverReadyWithinMs = 15_000

/**
 * Starts the PostgreSQL of a data directory, which is made when it is missing, and owns it until `stop`
 * or the end of this process, whatever ends it. Waits up to 10 s for a command that uses it to end.
 * @throws StartupError when another server owns it, or the surroundings are not fit
 */
export function startEmbedded({
  dataDirectory,
  connections = usualConnections,
}: {
  readonly dataDirectory: string
  /** So many at once. */
  readonly connections?: number
}): Promise<EmbeddedPostgres> {
  return speakPlainly(dataDirectory, async () => {
    const place = await findPlace(dataDirectory)
    const deadline = Date.now() + commandEndsWithinMs
    for (;;) {
      const claim = await claimCluster(place.owners, 'server')
      if (claim.kind === 'mine') return launch(place, claim.ownership, connections)
      const isServing = claim.by.role === 'server' && claim.by.note && claim.by.note.state !== 'stopping'
      if (isServing || Date.now() > deadline) throw inUse(place, claim.by)
      await pause()
    }
  })
}

/**
 * For the command line: uses the PostgreSQL of a server that runs on the data directory (its `stop` then
 * does nothing), or else starts it for as long as the command lasts. Waits up to 15 s for a server to be
 * ready, or another command to end.
 * @throws StartupError when that time is over, or the surroundings are not fit
 */
export function borrowEmbedded({
  dataDirectory,
}: {
  readonly dataDirectory: string
}): Promise<EmbeddedPostgres> {
  return speakPlainly(dataDirectory, async () => {
    const place = await findPlace(dataDirectory)
    const deadline = Date.now() + serverReadyWithinMs
    for (;;) {
      const claim = await claimCluster(place.owners, 'command')
      if (claim.kind === 'mine') return launch(place, claim.ownership, usualConnections)
      const { role, note } = claim.by
      if (role === 'server' && note?.state === 'ready' && (await isAnswering(note.connection))) {
        const { connection, version, directory } = note
        return { connection, version, directory, created: false, stop: async () => {} }
      }
      if (Date.now() > deadline) throw role === 'command' ? inUse(place, claim.by) : notReady(place, claim.by)
      await pause()
    }
  })
}

async function launch(place: Place, ownership: Ownership, connections: number): Promise<EmbeddedPostgres> {
  const undo = [ownership.release]
  // Last done, first undone.
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step()
  }
  try {
    const binaries = await provideBinaries(place.runner, () => openStore(place))
    await stopOrphan(place)
    const created = await ensureCluster(place, binaries)
    const socket = await openSocketDirectory(place)
    const postmaster = await startPostmaster(place, binaries, socket, connections)
    undo.push(postmaster.stop, () => ownership.tell({ state: 'stopping' }))
    const connection = { ...socket, user: superuser, database: superuser }
    await ensureDatabase(connection)
    const facts = { connection, version: binaries.version, directory: place.cluster }
    await ownership.tell({ state: 'ready', ...facts })
    let stopped: Promise<void> | null = null
    return { ...facts, created, stop: () => (stopped ??= stop()) }
  } catch (cause) {
    await stop()
    throw cause
  }
}

/** The cluster's one database: made by the first start, and by the next when that one was killed before it came to it. */
async function ensureDatabase(connection: Connection): Promise<void> {
  if (await hasDatabase(connection)) return
  const client = await connect({ ...connection, database: 'postgres' })
  try {
    await client.query(`create database ${superuser}`)
  } finally {
    await client.end()
  }
}

async function hasDatabase(connection: Connection): Promise<boolean> {
  try {
    await (await connect(connection)).end()
    return true
  } catch (cause) {
    const noSuchDatabase = '3D000'
    if (codeOf(cause) === noSuchDatabase) return false
    throw cause
  }
}

async function isAnswering(connection: Connection): Promise<boolean> {
  return hasDatabase(connection).catch(() => false)
}

async function connect(connection: Connection): Promise<pg.Client> {
  // Said in full: what is not said here, pg takes from PGPASSWORD and its like.
  const client = new pg.Client({ ...connection, password: '', ssl: false, connectionTimeoutMillis: 5_000 })
  await client.connect()
  return client
}

// Two who ask at the same moment both yield: the random part lets one of them be first the next time.
function pause(): Promise<void> {
  return sleep(15 + Math.random() * 20)
}

function inUse({ dataDirectory }: Place, { role, pid }: Owner): StartupError {
  const where = `The data directory ${dataDirectory} is in use by another Latchkey`
  return role === 'command'
    ? new StartupError(`${where} command (pid ${pid}). Wait for it to end, or stop it.`)
    : new StartupError(`${where} process (pid ${pid}). Stop it, or set DATA_DIR to another directory.`)
}

function notReady({ dataDirectory, log }: Place, { pid }: Owner): StartupError {
  return new StartupError(
    `The Latchkey server of ${dataDirectory} (pid ${pid}) has not made its database ready in 15 s. ` +
      `Look into ${log}, or stop it and try again.`,
  )
}

/** The one place where the system's errors get a sentence. */
async function speakPlainly<T>(dataDirectory: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (cause) {
    if (cause instanceof StartupError) throw cause
    const path = cause instanceof Error && 'path' in cause ? String(cause.path) : dataDirectory
    switch (codeOf(cause)) {
      case 'ENOSPC':
      case 'EDQUOT':
        throw diskFull(path)
      case 'EEXIST':
      case 'ENOTDIR':
        throw new StartupError(`${path} is not a directory: set DATA_DIR to a directory.`, { cause })
      case 'EACCES':
      case 'EPERM':
      case 'EROFS': {
        const advice = 'let this user write there, or set DATA_DIR to another directory'
        throw new StartupError(`Latchkey may not use ${path} (${codeOf(cause)}): ${advice}.`, { cause })
      }
      default:
        throw cause
    }
  }
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : ''
}
