// A profile: everything in which one vendor's published API differs from another's, as data
// (profiles/*.json). The rooms above read it; none of them asks which profile it is.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { findJsonMistake, isTooDeep } from '../lib/json-mistake.ts'
import { nearest } from '../lib/nearest.ts'
import { StartupError } from '../lib/startup-error.ts'
import { MistakesError } from './mistakes.ts'
import type { Mode } from './principal.ts'
import { profileSchema, type WrittenProfile } from './profile-schema.ts'
import { profileMistakes } from './profile-words.ts'

export type Profile = Omit<WrittenProfile, '$schema'> & {
  /** The folder of the profile's file: what its relative paths start from. */
  readonly folder: string
}

/** The languages of the pages that people see on their way to an app. */
export type Locale = 'en' | 'fr'

/** Whether credentials come as bearer ones, and not in a header of their own. */
export function takesBearers({ credentials: { header } }: Profile): boolean {
  return header.toLowerCase() === 'authorization'
}

/** The header that carries a credential, as it is written in a request. */
export function credentialHeader(profile: Profile, credential: string): string {
  const { header } = profile.credentials
  return takesBearers(profile) ? `${header}: Bearer ${credential}` : `${header}: ${credential}`
}

/** Where there is one mode alone, nobody is asked for it; null where there is a choice. */
export function soleMode({ modes }: Profile): Mode | null {
  const [first, ...others] = modes
  return others.length === 0 ? (first ?? null) : null
}

/** The scopes that an OAuth app may ask for. */
export function appScopes(profile: Profile): string[] {
  return Object.keys(profile.scopes).filter((name) => profile.scopes[name]?.apiKeysOnly === false)
}

/** The file that PROFILE means: a packaged profile's by its name, or the one of a path. */
export function profileFile(nameOrPath: string, packaged: string): string {
  return nameOrPath.endsWith('.json') ? resolve(nameOrPath) : join(packaged, `${nameOrPath}.json`)
}

/**
 * Reads a profile by name (from the packaged ones) or by path, and checks it whole.
 * @throws MistakesError that names every mistake by its path in the file; StartupError for a file that can't be read
 */
export function loadProfile(nameOrPath: string, packaged: string): Profile {
  const file = profileFile(nameOrPath, packaged)
  if (!nameOrPath.endsWith('.json') && !existsSync(file))
    throw new StartupError(noSuchName(nameOrPath, packaged))
  const written = readJson(file, nameOrPath.endsWith('.json') ? 'PROFILE' : `PROFILE=${nameOrPath}`)
  const parsed = profileSchema.safeParse(written)
  if (!parsed.success) {
    throw new MistakesError(`The profile ${file} has mistakes:`, profileMistakes(parsed.error, written))
  }
  const { $schema: _, ...profile } = parsed.data
  return { ...profile, folder: dirname(file) }
}

function noSuchName(name: string, packaged: string): string {
  const names = readdirSync(packaged).flatMap((it) =>
    it.endsWith('.json') ? [it.slice(0, -'.json'.length)] : [],
  )
  const meant = nearest(name, names)
  const hint = meant === null ? '' : ` Did you mean "${meant}"?`
  return `PROFILE is "${name}", and no packaged profile is called so.${hint} There are: ${names.join(', ')}; the path of a file of your own ends with .json.`
}

/** The JSON file that a profile names, relative to the profile's own file. */
export function readProfileFile(profile: Profile, path: string): unknown {
  return readJson(isAbsolute(path) ? path : join(profile.folder, path), `the profile ${profile.name}`)
}

function readJson(file: string, namedBy: string): unknown {
  let text: string
  try {
    // Some editors put a byte order mark before a text; a reader may ignore it (RFC 8259 section 8.1).
    text = readFileSync(file, 'utf8').replace(/^\uFEFF/, '')
  } catch {
    throw new StartupError(`${namedBy} names ${file}, which can't be read.`)
  }
  try {
    const json: unknown = JSON.parse(text)
    if (!isTooDeep(json)) return json
  } catch {
    const mistake = findJsonMistake(text)
    const where = mistake ? `, line ${mistake.line}, column ${mistake.column}: ${mistake.say}` : ''
    throw new StartupError(`${file} is not valid JSON${where}.`)
  }
  throw new StartupError(`${file} has more levels, one in another, than are read.`)
}
