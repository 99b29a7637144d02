// The cookie keys of a development start: made once, kept in the data directory for the next one, a line each.
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Config } from './core/config.ts'
import { sha256 } from './lib/digest.ts'
import { randomToken } from './lib/random.ts'
import { Secret } from './lib/secret.ts'
import { StartupError } from './lib/startup-error.ts'

/** Newest first: those of the configuration, or the kept ones. @throws StartupError when they can't be kept */
export function cookieKeysOf(config: Config): readonly Secret[] {
  if (config.cookieKeys) return config.cookieKeys
  const file = fileOf(config)
  const keys = readOrMake(file).trim().split(/\s+/)
  if (keys.some((key) => key.length < 32))
    throw new StartupError(`${file} is damaged. Delete it: everybody will have to sign in again.`)
  return keys.map((key) => new Secret(key))
}

export function newCookieKey(): Secret {
  return new Secret(randomToken())
}

/** Keeps these for the next start, in place of those that are kept: whole, or not at all. */
export function keepCookieKeys(config: Config, keys: readonly Secret[]): void {
  const file = fileOf(config)
  const draft = draftOf(file)
  try {
    writeFileSync(draft, keys.map((key) => key.reveal()).join('\n'), { flag: 'wx', mode: 0o600 })
    renameSync(draft, file)
  } finally {
    rmSync(draft, { force: true })
  }
}

/** What a cookie key is called where it must not be seen. */
export function fingerprintOf(key: Secret): string {
  return `cookie_key_${sha256(`latchkey cookie key ${key.reveal()}`).toString('hex').slice(0, 12)}`
}

const fileOf = (config: Config) => join(config.dataDirectory, 'cookie-keys')
const draftOf = (file: string) => `${file}.${process.pid}-${randomToken().slice(0, 8)}`

function readOrMake(file: string): string {
  try {
    const kept = readIfThere(file)
    if (kept !== null) return kept
    make(file)
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const directory = dirname(file)
    throw new StartupError(
      ['ENOTDIR', 'EEXIST'].includes(codeOf(cause))
        ? `${directory} is not a directory: set DATA_DIR to a directory.`
        : `The cookie keys can't be kept in ${file} (${codeOf(cause)}). Make DATA_DIR writable, or set COOKIE_KEYS.`,
      { cause },
    )
  }
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return null
    throw cause
  }
}

/** Of processes that start at once one is first with a whole file, and all read the same. */
function make(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o711 })
  const draft = draftOf(file)
  try {
    writeFileSync(draft, randomToken(), { flag: 'wx', mode: 0o600 })
    linkSync(draft, file)
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST') throw cause
  } finally {
    rmSync(draft, { force: true })
  }
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : ''
}
