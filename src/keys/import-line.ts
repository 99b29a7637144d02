// A line of an import file: what it may say, and what is wrong with one. No reason repeats a word of the line: a
// secret may stand in any field of a file that was put together wrongly.
import type { Mode } from '../core/principal.ts'
import { Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'
import type { SecretFormat } from '../credentials/format.ts'
import {
  anyShape,
  type KeyShape,
  longestImported,
  shapeOf,
  shortestImported,
  wordsBefore,
} from '../credentials/imported-shapes.ts'
import { type Digest, readDigest, sha256 } from '../lib/digest.ts'
import { checkExpiry, readKeyMode, readKeyName } from './new-key.ts'

/** What a line may say. */
export const importFields = [
  'secret',
  'hash',
  'organization',
  'mode',
  'scopes',
  'name',
  'expires_at',
  'created_at',
  'last_four',
  'prefix',
  'length',
  'revoked',
  'deactivated',
] as const

export type ImportField = (typeof importFields)[number]
export type ImportFields = Readonly<Partial<Record<ImportField, unknown>>>

export const isImportField = (name: string): name is ImportField =>
  importFields.some((field) => field === name)

/** What is wrong with a line; the message is for whoever reads the report. */
export class BadLine extends Error {
  override readonly name = 'BadLine'
}

/** A key as a line describes it. */
export interface ImportedKey {
  readonly line: number
  readonly hash: Digest
  /** An id or a slug; null for the default one. */
  readonly organization: string | null
  readonly mode: Mode
  readonly scopes: readonly string[]
  readonly name: string
  readonly prefix: string
  readonly lastFour: string
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly state: 'active' | 'deactivated' | 'revoked'
  /** null for a secret in our own format, which is known without. */
  readonly shape: KeyShape | null
  /** A secret that is written as a SHA-256 is: it may well be one, under the wrong name. */
  readonly isLikeHash: boolean
}

export interface LineParts {
  readonly profile: Profile
  readonly format: SecretFormat
  readonly now: Date
}

const defaultName = 'Imported key'
const longestPrefix = 32
/** Fewer different characters than this are no random text of any alphabet. */
const leastVariety = 6
const visible = /^[\x21-\x7e]+$/

export const noSuchOrganization = 'organization: there is none of this id or slug.'

/** @throws BadLine */
export function readImportLine(line: number, fields: ImportFields, parts: LineParts): ImportedKey {
  const { profile, now } = parts
  const createdAt = readTime(fields, 'created_at') ?? now
  if (createdAt > now) throw new BadLine('created_at: it lies in the future.')
  const expiresAt = readTime(fields, 'expires_at')
  return {
    line,
    ...readSecretOrHash(fields, parts),
    organization: readOrganization(fields),
    mode: readMode(fields, profile),
    scopes: readScopes(fields, profile),
    name: inWords('name', () => readKeyName(readText(fields, 'name') ?? defaultName)),
    createdAt,
    expiresAt: inWords('expires_at', () => checkExpiry(expiresAt, now)),
    state: readFlag(fields, 'revoked')
      ? 'revoked'
      : readFlag(fields, 'deactivated')
        ? 'deactivated'
        : 'active',
  }
}

type Identity = Pick<ImportedKey, 'hash' | 'prefix' | 'lastFour' | 'shape' | 'isLikeHash'>

function readSecretOrHash(fields: ImportFields, { format }: LineParts): Identity {
  const secret = readText(fields, 'secret')
  const hash = readText(fields, 'hash')
  if (secret !== undefined && hash !== undefined)
    throw new BadLine('It has both a secret and a hash: give one of them.')
  if (secret !== undefined) {
    const only = (['prefix', 'length', 'last_four'] as const).find((name) => isGiven(fields, name))
    if (only) throw new BadLine(`${only}: this is for lines with a hash; of a secret it is seen.`)
    return ofSecret(secret, format)
  }
  if (hash !== undefined) return ofHash(hash, fields)
  throw new BadLine('It has neither a secret nor a hash.')
}

function ofSecret(secret: string, format: SecretFormat): Identity {
  requireStrong(secret)
  const kind = format.read(secret)
  if (kind !== null && kind !== 'api_key')
    throw new BadLine(`secret: it is of this server's own format, and no API key but a ${kind}.`)
  const shape = shapeOf(secret)
  const known = { hash: sha256(secret), lastFour: secret.slice(-4), prefix: shape.prefix }
  const isLikeHash = /^[0-9a-f]{64}$/i.test(secret)
  return { ...known, shape: kind === 'api_key' ? null : shape, isLikeHash }
}

/** A weak secret could be found from its hash, and some could never be presented. */
function requireStrong(secret: string): void {
  if (secret.length < shortestImported)
    throw new BadLine(`secret: it is weak: it has fewer than ${shortestImported} characters.`)
  if (secret.length > longestImported)
    throw new BadLine(`secret: it has more than ${longestImported} characters.`)
  if (!visible.test(secret))
    throw new BadLine('secret: it has a character that no header of a request can carry.')
  const random = secret.slice(wordsBefore(secret).length)
  if (new Set(random).size < leastVariety)
    throw new BadLine(`secret: it is weak: it has fewer than ${leastVariety} different characters.`)
}

/** As with a secret: a prefix that leaves too little behind it is part of what must stay secret, and is not kept. */
function ofHash(text: string, fields: ImportFields): Identity {
  const hash = readDigest(text)
  if (!hash) throw new BadLine('hash: it is no SHA-256: 64 hexadecimal digits, or 44 characters of base64.')
  const prefix = readShort(fields, 'prefix', longestPrefix)
  const lastFour = readShort(fields, 'last_four', 4)
  const length = readLength(fields)
  if (length !== 0 && prefix.length >= length)
    throw new BadLine('length: it is the number of characters of the whole secret, with its prefix.')
  const shown = length === 0 || length - prefix.length >= shortestImported ? prefix : ''
  const shape = shown === '' && length === 0 ? anyShape : { prefix: shown, length }
  return { hash, prefix: shown, lastFour, shape, isLikeHash: false }
}

function readShort(fields: ImportFields, name: ImportField, longest: number): string {
  const text = readText(fields, name) ?? ''
  if (text !== '' && (text.length > longest || !visible.test(text)))
    throw new BadLine(`${name}: it may have ${longest} characters at most, all of them visible ASCII.`)
  return text
}

function readLength(fields: ImportFields): number {
  if (!isGiven(fields, 'length')) return 0
  const value = fields.length
  const length = typeof value === 'string' && /^\d{1,6}$/.test(value.trim()) ? Number(value) : value
  if (
    typeof length === 'number' &&
    Number.isInteger(length) &&
    length >= shortestImported &&
    length <= longestImported
  )
    return length
  throw new BadLine(
    `length: it must be from ${shortestImported} to ${longestImported}: no other secret is ever looked up.`,
  )
}

/** An id or a slug: of another text there is no organization, and PostgreSQL would not even be asked (NUL). */
function readOrganization(fields: ImportFields): string | null {
  const text = readText(fields, 'organization') ?? null
  if (text !== null && !visible.test(text)) throw new BadLine(noSuchOrganization)
  return text
}

function readMode(fields: ImportFields, profile: Profile): Mode {
  const mode = readText(fields, 'mode') ?? 'live'
  if (mode !== 'live' && mode !== 'test') throw new BadLine('mode: it must be live or test.')
  return inWords('mode', () => readKeyMode(profile, mode))
}

function readScopes(fields: ImportFields, { scopes: catalogue }: Profile): readonly string[] {
  const given = isGiven(fields, 'scopes') ? fields.scopes : []
  const scopes = typeof given === 'string' ? given.split(/\s+/).filter((scope) => scope !== '') : given
  if (!Array.isArray(scopes))
    throw new BadLine('scopes: they must be a list, or a text with spaces in between.')
  // Where the profile has none at all, a key holds its whole organization.
  if (scopes.length === 0 && Object.keys(catalogue).length > 0)
    throw new BadLine('scopes: there is none: a key without any can do nothing.')
  const names = scopes.map((scope: unknown, at) => {
    if (typeof scope === 'string' && Object.hasOwn(catalogue, scope)) return scope
    throw new BadLine(`scopes: number ${at + 1} is none of the profile's.`)
  })
  return [...new Set(names)].sort()
}

function readTime(fields: ImportFields, name: ImportField): Date | null {
  const text = readText(fields, name)
  if (text === undefined) return null
  const at = new Date(text)
  const isTime = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text)
  // 30 February would be taken for 2 March.
  const isDay =
    !Number.isNaN(new Date(`${text.slice(0, 10)}T00:00:00Z`).getTime()) && isRealDay(text.slice(0, 10))
  if (!isTime || !isDay || Number.isNaN(at.getTime()))
    throw new BadLine(`${name}: it must be a time such as 2030-01-31T18:00:00Z, or a day such as 2030-01-31.`)
  return at
}

const isRealDay = (day: string) => new Date(`${day}T00:00:00Z`).toISOString().startsWith(day)

function readFlag(fields: ImportFields, name: ImportField): boolean {
  const value = isGiven(fields, name) ? fields[name] : false
  if (value === true || value === 'true') return true
  if (value === false || value === 'false') return false
  throw new BadLine(`${name}: it must be true or false.`)
}

/** undefined where the line does not say. */
function readText(fields: ImportFields, name: ImportField): string | undefined {
  if (!isGiven(fields, name)) return undefined
  const value = fields[name]
  if (typeof value !== 'string') throw new BadLine(`${name}: it must be a text.`)
  return value.trim()
}

/** An empty cell says nothing, and null neither. */
function isGiven(fields: ImportFields, name: ImportField): boolean {
  const value = fields[name]
  return value !== undefined && value !== null && !(typeof value === 'string' && value.trim() === '')
}

/** The sentences of other rooms name no value. */
function inWords<T>(name: ImportField, read: () => T): T {
  try {
    return read()
  } catch (thrown) {
    if (thrown instanceof Problem) throw new BadLine(`${name}: ${thrown.say}`)
    throw thrown
  }
}
