// Where the cluster of a data directory lies, and as whom it runs: in the data directory, or, when we are
// root and nobody can't get there, under /var/lib/latchkey. Owns the directories, not what is in them.
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readFile,
  realpath,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { StartupError } from '../lib/startup-error.ts'
import { findBarrier, isRoot, nobody, type Runner } from './embedded-runner.ts'

const systemDirectory = '/var/lib/latchkey'
const portOfSocketName = 5432
// sockaddr_un: the path and its closing zero byte.
const longestSocketPath = process.platform === 'darwin' ? 103 : 107

/** All of a cluster's paths; everything but `dataDirectory` lies in `area`. */
export interface Place {
  readonly dataDirectory: string
  readonly area: string
  readonly cluster: string
  readonly owners: string
  readonly log: string
  /** Null when PostgreSQL runs as ourselves. */
  readonly runner: Runner | null
}

/**
 * Finds the place of a data directory's cluster, and makes what is missing of it up to the cluster itself.
 * @throws StartupError when the data directory is another user's or can't be used as it is
 */
export async function findPlace(dataDirectory: string): Promise<Place> {
  const home = await openDataDirectory(dataDirectory)
  const area = isRoot() ? await findAreaAsRoot(home) : await findAreaAsUser(home)
  await makeDirectory(join(area, 'owners'), 0o700, null)
  const cluster = join(area, 'data')
  const runner = isRoot() ? ((await ownerOf(cluster)) ?? nobody) : null
  const barrier = runner && (await findBarrier(area, runner))
  if (barrier) throw unreachable(`the PostgreSQL data in ${area}`, barrier)
  return {
    dataDirectory: home,
    area,
    cluster,
    owners: join(area, 'owners'),
    log: join(area, 'postgres.log'),
    runner,
  }
}

/** Whether a database was ever started in a data directory; makes nothing. */
export function isDataDirectory(dataDirectory: string): boolean {
  return ['postgres', locationFile].some((it) => existsSync(join(dataDirectory, it)))
}

/** Where our own copies of the binaries go when the package can't be used where npm put it. */
export async function openStore(place: Pick<Place, 'dataDirectory'>): Promise<string> {
  return isRoot() ? openSystemDirectory() : place.dataDirectory
}

/**
 * A directory for the socket that only the runner (and root) can enter: beside the cluster, or a
 * temporary one when that path is too long for a socket; that one is remembered and used again.
 */
export async function openSocketDirectory({ area, runner }: Place): Promise<{ host: string; port: number }> {
  const port = portOfSocketName
  const beside = join(area, 'run')
  if (fitsSocket(beside)) {
    await makeDirectory(beside, 0o700, runner)
    return { host: beside, port }
  }
  const pointer = join(area, 'socket-directory')
  const last = await readFile(pointer, 'utf8').catch(() => null)
  if (last && (await isPrivateTo(last, runner))) return { host: last, port }
  for (const temporary of [await realpath(tmpdir()), '/tmp']) {
    if (!fitsSocket(join(temporary, 'latchkey-XXXXXX')) || (runner && (await findBarrier(temporary, runner))))
      continue
    const host = await mkdtemp(join(temporary, 'latchkey-'))
    if (runner) await chown(host, runner.uid, runner.gid)
    await writeFile(pointer, host)
    return { host, port }
  }
  throw new StartupError(
    `The path ${area} is too long for a Unix socket: set DATA_DIR to a directory with a shorter path.`,
  )
}

/** Makes a directory of ours with just this mode and owner, whatever the umask; one that exists is brought to it. */
export async function makeDirectory(path: string, mode: number, owner: Runner | null): Promise<void> {
  await mkdir(path, { recursive: true, mode })
  const it = await stat(path)
  if ((it.mode & 0o777) !== mode) await chmod(path, mode)
  if (owner && (it.uid !== owner.uid || it.gid !== owner.gid)) await chown(path, owner.uid, owner.gid)
}

async function openDataDirectory(dataDirectory: string): Promise<string> {
  // As root, nobody must be able to pass through what we make; what others made is theirs.
  const mode = isRoot() ? 0o711 : 0o700
  const made = await mkdir(dataDirectory, { recursive: true, mode })
  const home = await realpath(dataDirectory)
  if (made !== undefined) await chmod(home, mode)
  if (!(await stat(home)).isDirectory())
    throw new StartupError(`DATA_DIR ${home} is not a directory: set it to one.`)
  return home
}

async function findAreaAsUser(home: string): Promise<string> {
  const elsewhere = await readLocation(home)
  if (elsewhere) {
    throw new StartupError(
      `The database of ${home} lies in ${elsewhere}, since root has started it first: ` +
        'start Latchkey as root, or set DATA_DIR to another directory.',
    )
  }
  const area = join(home, 'postgres')
  const uid = await stat(area).then(
    (it) => it.uid,
    () => process.getuid?.(),
  )
  if (uid !== process.getuid?.()) {
    throw new StartupError(
      `The database in ${area} belongs to another user (uid ${uid}): ` +
        'start Latchkey as that user, or set DATA_DIR to another directory.',
    )
  }
  await makeDirectory(area, 0o700, null)
  return area
}

async function findAreaAsRoot(home: string): Promise<string> {
  const elsewhere = await readLocation(home)
  if (elsewhere) return elsewhere
  const area = join(home, 'postgres')
  const owner = await ownerOf(join(area, 'data'))
  if (owner) return area
  if (await findBarrier(home, nobody)) return makeAreaElsewhere(home)
  // Root's own, so that nobody, who runs PostgreSQL, can't put links where root is about to write.
  await makeDirectory(area, 0o711, null)
  return area
}

const locationFile = 'postgres-location.txt'

async function readLocation(home: string): Promise<string | null> {
  const file = join(home, locationFile)
  const text = await readFile(file, 'utf8').catch(() => null)
  if (text === null) return null
  const area = text.split('\n')[0] ?? ''
  const isThere = await stat(area).then(
    (it) => it.isDirectory(),
    () => false,
  )
  if (dirname(area) === systemDirectory && isThere) return area
  throw new StartupError(
    `${file} says that the database lies in ${area}, but it does not: ` +
      'put it back there, or remove that file to begin with an empty database.',
  )
}

// The name has a random part: after the data directory was removed, its successor of the same path begins
// anew, instead of finding the rows of the old one.
async function makeAreaElsewhere(home: string): Promise<string> {
  const hash = createHash('sha256').update(home).digest('hex').slice(0, 16)
  const area = join(await openSystemDirectory(), `${hash}-${randomBytes(4).toString('hex')}`)
  await makeDirectory(area, 0o711, null)
  const text =
    `${area}\n\nThe PostgreSQL data of this directory lies there: PostgreSQL does not run as root, and\n` +
    'the user "nobody", as whom it runs instead, can\'t get into this directory.\n'
  const draft = join(home, `${locationFile}.${process.pid}-${randomBytes(4).toString('hex')}`)
  await writeFile(draft, text)
  try {
    await link(draft, join(home, locationFile))
    return area
  } catch (cause) {
    // Another process was first, at the same moment: its area is the one.
    await rm(area, { recursive: true })
    const first = await readLocation(home)
    if (first) return first
    throw cause
  } finally {
    await rm(draft, { force: true })
  }
}

async function openSystemDirectory(): Promise<string> {
  const made = await mkdir(systemDirectory, { recursive: true, mode: 0o755 })
  if (made !== undefined) await chmod(systemDirectory, 0o755)
  const barrier = await findBarrier(systemDirectory, nobody)
  if (barrier) throw unreachable(`its files in ${systemDirectory}`, barrier)
  return systemDirectory
}

function unreachable(what: string, barrier: string): StartupError {
  return new StartupError(
    `PostgreSQL does not run as root, and the user it runs as can't reach ${what}: ` +
      `let others enter ${barrier} (chmod o+x), start Latchkey as another user than root, or set DATABASE_URL.`,
  )
}

/** Who owns a directory; null when it is absent, or root's. */
async function ownerOf(directory: string): Promise<Runner | null> {
  const it = await stat(directory).catch(() => null)
  return it && it.uid !== 0 ? { uid: it.uid, gid: it.gid } : null
}

function fitsSocket(directory: string): boolean {
  return Buffer.byteLength(join(directory, `.s.PGSQL.${portOfSocketName}`)) <= longestSocketPath
}

async function isPrivateTo(directory: string, runner: Runner | null): Promise<boolean> {
  const it = await lstat(directory).catch(() => null)
  if (!it?.isDirectory() || (it.mode & 0o777) !== 0o700) return false
  return it.uid === (runner?.uid ?? process.getuid?.())
}
