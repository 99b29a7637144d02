// The details of an entry of the ledger, in the words of people: what they say as a list of names and values.
import type { Names } from '../audit/names-store.ts'
import type { LedgerEvent } from '../audit/read-store.ts'
import { causeInWords } from './ended-words.ts'
import { onDay } from './words.ts'

type Told = Pick<LedgerEvent, 'action' | 'actorKind' | 'details'>

export interface Detail {
  readonly name: string
  readonly values: readonly string[]
  readonly isCode: boolean
}

/** Old values stand under the one, new ones under the other. */
const times: Readonly<Record<string, string>> = {
  from: 'before',
  before: 'before',
  to: 'after',
  after: 'after',
}

/** What some values mean, by the name that they stand under. */
const meanings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  cause: {
    changed: 'It was changed after it had been verified',
    never_allowed: 'Nobody ever allowed it anything',
    idle: 'Nobody has allowed it anything for a long time',
    gave_way: 'It made room for newer ones that nobody has allowed anything yet',
  },
  response: { revoked: 'The access ended', refused: 'It was refused, and the access goes on' },
  registration: {
    manual: 'By the developers of an account',
    dynamic: 'By the app itself',
    metadata_document: 'By the app itself, in a document at its address',
  },
}

/** Ids that the details name somebody or something by. */
export function idsInDetails({ details }: Pick<LedgerEvent, 'details'>): string[] {
  return ['client', 'person'].flatMap((name) => {
    const value = details[name]
    return typeof value === 'string' ? [value] : []
  })
}

export function describeDetails(event: Told, names: Names): Detail[] {
  const describe = (name: string, value: unknown, label: string): Detail => ({
    name: label,
    values: (Array.isArray(value) ? value : [value]).map((it) => inWords(event, name, it, names)),
    isCode: name === 'scopes' || /(uris|addresses|hosts)$/.test(name),
  })
  return Object.entries(event.details).flatMap(([name, value]) => {
    const time = Object.hasOwn(times, name) ? times[name] : undefined
    if (!time || !isObject(value)) return [describe(name, value, label(name))]
    return Object.entries(value).map(([inner, it]) => describe(inner, it, `${label(inner)}, ${time}`))
  })
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** expires_at: "Expires at" */
function label(name: string): string {
  const text = name === 'client' ? 'app' : name.replaceAll('_', ' ').replace(/\buris?\b/, 'addresses')
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`
}

function inWords(event: Told, name: string, value: unknown, names: Names): string {
  if (value === null || value === '') return 'None'
  if (typeof value === 'boolean') return value ? 'Yes' : 'No'
  if (typeof value !== 'string') return typeof value === 'object' ? JSON.stringify(value) : String(value)
  if (/^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/.test(value)) {
    const at = new Date(value)
    return `${onDay(at)}, ${at.toISOString().slice(11, 19)} UTC`
  }
  const known = Object.hasOwn(meanings, name) ? meanings[name] : undefined
  const meant = known && Object.hasOwn(known, value) ? known[value] : undefined
  if (name === 'cause' && event.action !== 'app.deleted') return causeInWords(event)?.title ?? meant ?? value
  return meant ?? names.get(value) ?? value
}
