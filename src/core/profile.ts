// A profile: everything in which one vendor's published API differs from another's, as data
// (profiles/*.json). The rooms above read it; none of them asks which profile it is.
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { StartupError } from '../lib/startup-error.ts'
import { profileSchema, type WrittenProfile } from './profile-schema.ts'

export type Profile = Omit<WrittenProfile, '$schema'> & {
  /** The folder of the profile's file: what its relative paths start from. */
  readonly folder: string
}

/** The languages of the pages that people see on their way to an app. */
export type Locale = 'en' | 'fr'

/** The header that carries a credential, as it is written in a request. */
export function credentialHeader({ credentials: { header } }: Profile, credential: string): string {
  return header.toLowerCase() === 'authorization'
    ? `${header}: Bearer ${credential}`
    : `${header}: ${credential}`
}

/** The scopes that an OAuth app may ask for. */
export function appScopes(profile: Profile): string[] {
  return Object.keys(profile.scopes).filter((name) => profile.scopes[name]?.apiKeysOnly === false)
}

/**
 * Reads a profile by name (from the packaged ones) or by path, and checks it whole.
 * @throws StartupError that names every mistake by its path in the file
 */
export function loadProfile(nameOrPath: string, packaged: string): Profile {
  const isPath = nameOrPath.endsWith('.json')
  const file = isPath ? resolve(nameOrPath) : join(packaged, `${nameOrPath}.json`)
  const parsed = profileSchema.safeParse(readJson(file, isPath ? 'PROFILE' : `PROFILE=${nameOrPath}`))
  if (!parsed.success) {
    const mistakes = parsed.error.issues.map(
      (issue) => `${issue.path.join('.') || '(top)'}: ${issue.message}`,
    )
    throw new StartupError(`The profile ${file} has mistakes:\n  ${mistakes.join('\n  ')}`)
  }
  const { $schema: _, ...profile } = parsed.data
  return { ...profile, folder: dirname(file) }
}

/** The JSON file that a profile names, relative to the profile's own file. */
export function readProfileFile(profile: Profile, path: string): unknown {
  return readJson(isAbsolute(path) ? path : join(profile.folder, path), `the profile ${profile.name}`)
}

function readJson(file: string, namedBy: string): unknown {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    throw new StartupError(`${namedBy} names ${file}, which can't be read.`)
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new StartupError(`${file} is not valid JSON: ${cause instanceof Error ? cause.message : cause}`)
  }
}
