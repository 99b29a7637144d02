// A new profile from a few answers: its file, an OpenAPI document and sample rows that go together.

import { colorForDark } from '../core/accent.ts'
import { type Json, namesIn, pageNames } from '../core/envelope-template.ts'
import { modes } from '../core/principal.ts'
import type { Profile } from '../core/profile.ts'
import { type AnsweredScope, type Answers, type NewResource, securityScheme, typeNames } from './answers.ts'
import { newDocument } from './new-document.ts'

/** A profile as it is written, with the files that it names. */
export interface NewProfile {
  readonly profile: Readonly<Record<string, unknown>>
  readonly document: Readonly<Record<string, unknown>>
  readonly rows: Readonly<Record<string, unknown>>
}

/** A packaged profile to begin with, and its files as they are. */
export interface Base {
  readonly profile: Profile
  readonly document: Readonly<Record<string, unknown>>
  readonly rows: Readonly<Record<string, unknown>>
}

export interface FileNames {
  readonly schema: string
  readonly document: string
  readonly rows: string
}

/**
 * @param base what everything comes from that was not asked for
 * @param chosen the envelope as a packaged profile has it, whose lists may be paged in another way
 * @param keepsDocument whether the base's own document and rows are taken: what was answered must not change what
 * answers look like
 */
export function newProfile(
  answers: Answers,
  base: Base,
  chosen: Profile['envelope'],
  files: FileNames,
  keepsDocument: boolean,
): NewProfile {
  const envelope = { ...chosen, list: listFor(answers.pagination, chosen.list) }
  const { folder: _, ...old } = base.profile
  const mode = answers.hasTestMode ? ['live', 'test'] : ['live']
  const resources = resourcesOf(answers.scopes)
  const slug = answers.name
  const profile = {
    $schema: files.schema,
    ...old,
    name: answers.name,
    brand: {
      name: answers.brand,
      summary: answers.summary,
      ...(answers.accent === null
        ? {}
        : { accent: { light: answers.accent, dark: colorForDark(answers.accent) } }),
    },
    openapi: files.document,
    basePath: answers.basePath,
    hosts: answers.hasHosts
      ? { organizations: true, shortForms: { api: `/${answers.basePath.split('/').at(-1)}` } }
      : { organizations: false, shortForms: {} },
    modes: mode,
    credentials: {
      ...old.credentials,
      header: answers.header,
      prefixes: prefixesOf(answers),
    },
    headers: headersOf(answers, old.headers),
    envelope,
    rateClasses: keepsDocument
      ? withRate(old.rateClasses, answers.requestsPerMinute)
      : { default: rateClass(answers.requestsPerMinute) },
    keyRotationDays: answers.rotationDays,
    pagination: { ...old.pagination, style: answers.pagination },
    ...(keepsDocument
      ? { scopes: withSentences(old.scopes, answers.scopes) }
      : { scopeGrammar: grammarOf(answers.scopes), scopes: scopesOf(answers.scopes) }),
    oauth: {
      ...old.oauth,
      enabled: answers.hasOAuth,
      defaultScopes: keepsDocument
        ? old.oauth.defaultScopes
        : answers.scopes.slice(0, 1).map(({ name }) => name),
      dynamicRegistration: { ...old.oauth.dynamicRegistration, policy: answers.registration, mode: 'live' },
      clientMetadataDocuments: {
        enabled: answers.hasOAuth && old.oauth.clientMetadataDocuments.enabled,
        mode: 'live',
      },
    },
    ...(keepsDocument ? {} : { console: { keys: ['API keys'] }, problems: {} }),
    sample: {
      ...old.sample,
      rows: files.rows,
      organization: {
        name: `${answers.brand.slice(0, longestBrand)} Sample`,
        slug: `${slug.slice(0, longestSlug)}-sample`,
      },
      ...(keepsDocument ? {} : { app: 'Sample app (demo)', resources: sampleOf(resources) }),
    },
  }
  const wanted = modes.filter((it) => mode.includes(it))
  if (keepsDocument) {
    const rows = Object.fromEntries(wanted.map((it) => [it, base.rows[it] ?? base.rows['live'] ?? {}]))
    return { profile, document: adapted(base, profile.headers, answers), rows }
  }
  const document = newDocument({ answers, resources, envelope })
  return { profile, document, rows: Object.fromEntries(wanted.map((it) => [it, rowsOf(resources, it)])) }
}

/** A list without what its way of paging does not have, and with what it needs. */
function listFor(style: Profile['pagination']['style'], list: Json): Json {
  if (typeof list !== 'object' || list === null || Array.isArray(list)) return list
  const strange: readonly string[] = pageNames[style === 'page' ? 'cursor' : 'page']
  const kept = Object.entries(list).filter(([, value]) => !namesIn(value).some((it) => strange.includes(it)))
  const fitting = Object.fromEntries(kept)
  return style === 'cursor' && !namesIn(fitting).includes('next_cursor')
    ? { ...fitting, next_cursor: '{next_cursor}' }
    : fitting
}

/** With what comes after them, the sample's organization has 63 characters in its slug, and 200 in its name. */
const longestSlug = 56
const longestBrand = 193

const readVerbs = ['read', 'view', 'list']
const writeVerbs = ['write', 'create', 'update', 'manage']
const verbs = [...readVerbs, ...writeVerbs]

const isVerbFirst = (scopes: readonly Pick<AnsweredScope, 'name'>[]) =>
  !scopes.some(({ name }) => verbs.includes(name.split(':')[1] ?? ''))

export function grammarOf(scopes: readonly Pick<AnsweredScope, 'name'>[]): Profile['scopeGrammar'] {
  if (scopes.length === 0) return null
  return isVerbFirst(scopes) ? 'verb:resource' : 'resource:verb'
}

function partsOf(name: string, verbFirst: boolean): { verb: string; resource: string } {
  const [first = '', second = ''] = name.split(':')
  return verbFirst ? { verb: first, resource: second } : { verb: second, resource: first }
}

function resourcesOf(scopes: readonly AnsweredScope[]): NewResource[] {
  if (scopes.length === 0) return [{ name: 'things', type: 'Thing', read: null, write: null }]
  const verbFirst = isVerbFirst(scopes)
  const types = typeNames([...new Set(scopes.map(({ name }) => partsOf(name, verbFirst).resource))])
  const found = new Map<string, NewResource>()
  for (const { name } of scopes) {
    const { verb, resource } = partsOf(name, verbFirst)
    const type = types.get(resource) ?? resource
    const it = found.get(resource) ?? { name: resource, type, read: null, write: null }
    found.set(resource, readVerbs.includes(verb) ? { ...it, read: name } : { ...it, write: name })
  }
  return [...found.values()]
}

function scopesOf(scopes: readonly AnsweredScope[]): Profile['scopes'] {
  const verbFirst = isVerbFirst(scopes)
  return Object.fromEntries(
    scopes.map(({ name, en, fr }) => {
      const { verb } = partsOf(name, verbFirst)
      const group = readVerbs.includes(verb)
        ? 'see'
        : /^(delete|pay|refund)$/.test(verb)
          ? 'danger'
          : 'change'
      return [
        name,
        { group, sentence: { en, fr }, detail: { en: `${en}.`, fr: `${fr}.` }, apiKeysOnly: false } as const,
      ]
    }),
  )
}

/** The base's scopes; where a sentence was said anew, the base's detail would tell of another one. */
function withSentences(old: Profile['scopes'], scopes: readonly AnsweredScope[]): Profile['scopes'] {
  const changed = scopes.flatMap(({ name, en, fr }) => {
    const it = old[name]
    if (!it || (it.sentence.en === en && it.sentence.fr === fr)) return []
    return [[name, { ...it, sentence: { en, fr }, detail: { en: `${en}.`, fr: `${fr}.` } }] as const]
  })
  return { ...old, ...Object.fromEntries(changed) }
}

function prefixesOf({ prefix, hasTestMode }: Answers): Profile['credentials']['prefixes'] {
  const byMode = (middle: string) => ({
    live: `${prefix}_${middle}live_`,
    ...(hasTestMode ? { test: `${prefix}_${middle}test_` } : {}),
  })
  return {
    api_key: byMode(''),
    access_token: byMode('oat_'),
    refresh_token: `${prefix}_ort_`,
    authorization_code: `${prefix}_oac_`,
    platform_key: `${prefix}_platform_`,
    registration_token: `${prefix}_reg_`,
    registration_access_token: `${prefix}_rat_`,
  }
}

function headersOf({ brand, rateHeaders }: Answers, old: Profile['headers']): Profile['headers'] {
  const word = brand.replace(/[^A-Za-z0-9]/g, '') || 'API'
  return {
    scope: old.scope === null ? null : `X-${word}-Scope`,
    requestId: old.requestId,
    rateLimit: {
      limit: `${rateHeaders}-Limit`,
      remaining: `${rateHeaders}-Remaining`,
      reset: `${rateHeaders}-Reset`,
      resetAs: rateHeaders === 'RateLimit' ? 'seconds_left' : 'unix_seconds',
    },
  }
}

const rateClass = (requests: number): Profile['rateClasses'][string] => ({
  title: 'Every operation',
  per: 'credential',
  windows: [{ requests, seconds: 60 }],
})

/** The first class's minute is what was answered. */
function withRate(classes: Profile['rateClasses'], requests: number): Profile['rateClasses'] {
  const [first, ...others] = Object.entries(classes)
  if (!first) return { default: rateClass(requests) }
  const [name, it] = first
  const windows = it.windows.map((window) => (window.seconds === 60 ? { ...window, requests } : window))
  return Object.fromEntries([[name, { ...it, windows }], ...others])
}

/** The base's document under the new names: of the API, of headers, and of prefixes in its examples. */
function adapted(
  { profile: old, document }: Base,
  headers: Profile['headers'],
  answers: Answers,
): NewProfile['document'] {
  const renamed: [string | null, string | null][] = [
    [old.headers.scope, headers.scope],
    [old.headers.requestId, headers.requestId],
    ...(['limit', 'remaining', 'reset'] as const).map((it): [string, string] => [
      old.headers.rateLimit[it],
      headers.rateLimit[it],
    ]),
    [old.credentials.prefixes.api_key.live, prefixesOf(answers).api_key.live],
    [old.credentials.prefixes.api_key.test ?? null, prefixesOf(answers).api_key.test ?? null],
    [old.brand.name, answers.brand],
  ]
  let text = JSON.stringify(document)
  // One pass: a new name may be another's old one.
  const pairs = new Map(renamed.filter((it): it is [string, string] => it[0] !== null && it[1] !== null))
  const all = new RegExp(
    [...pairs.keys()]
      .sort((a, b) => b.length - a.length)
      .map(escaped)
      .join('|'),
    'g',
  )
  text = text.replace(all, (found) => pairs.get(found) ?? found)
  const made = JSON.parse(text) as Record<string, unknown> // it was an object before
  const components = made['components'] as Record<string, unknown> | undefined // OpenAPI: an object
  const schemes = components?.['securitySchemes'] as Record<string, unknown> | undefined // the same
  for (const name of Object.keys(schemes ?? {})) if (schemes) schemes[name] = securityScheme(answers.header)
  return made
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

function sampleOf(resources: readonly NewResource[]): Profile['sample']['resources'] {
  return Object.fromEntries(
    resources.map(({ name, type, write }) => {
      const operations = {
        list: `list${type}s`,
        read: `get${type}`,
        ...(write === null ? {} : { create: `create${type}` }),
      }
      return [name, { idPrefix: `${name.replace(/[^a-z]/g, '').slice(0, 3)}_`, operations }]
    }),
  )
}

const sampleNames = {
  live: ['First', 'Second', 'Third'],
  test: ['Trial', 'Second trial', 'Third trial'],
} as const

function rowsOf(resources: readonly NewResource[], mode: 'live' | 'test'): Json {
  return Object.fromEntries(
    resources.map(({ name }) => [
      name,
      sampleNames[mode].map((word, index) => ({ name: word, created_at: { $day: index - 3, hour: 9 } })),
    ]),
  )
}
