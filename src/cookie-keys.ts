// The cookie keys of a development start: made once, kept in the data directory for the next one.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './core/config.ts'
import { randomToken } from './lib/random.ts'
import { Secret } from './lib/secret.ts'
import { StartupError } from './lib/startup-error.ts'

/** Newest first: those of the configuration, or the kept ones. @throws StartupError when they can't be kept */
export function cookieKeysOf(config: Config): readonly Secret[] {
  if (config.cookieKeys) return config.cookieKeys
  const file = join(config.dataDirectory, 'cookie-keys')
  try {
    mkdirSync(config.dataDirectory, { recursive: true, mode: 0o711 })
    // Of two processes that start at once one writes, and both read the same.
    writeFileSync(file, randomToken(), { flag: 'wx', mode: 0o600 })
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST')) {
      throw new StartupError(
        `The cookie keys can't be kept in ${file}. Make DATA_DIR writable, or set COOKIE_KEYS.`,
        { cause },
      )
    }
  }
  const key = readFileSync(file, 'utf8').trim()
  if (key.length < 32)
    throw new StartupError(`${file} is damaged. Delete it: everybody will have to sign in again.`)
  return [new Secret(key)]
}
