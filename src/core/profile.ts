// A profile: everything in which one vendor's published API differs from another's, as data
// (profiles/*.json). The rooms above read it; none of them asks which profile it is.
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, join, resolve } from 'node:path'
import { z } from 'zod'
import { StartupError } from '../lib/startup-error.ts'

const prefix = z.string().regex(/^[a-z][a-z0-9]*(_[a-z0-9]+)*_$/, 'a prefix like "acme_live_"')
const byMode = z.strictObject({ live: prefix, test: prefix })
const seconds = z.int().positive()

/** A text for people, in the languages of the pages that they see on their way to an app. */
const localized = z.strictObject({ en: z.string().min(1), fr: z.string().min(1) })

const window = z.strictObject({ requests: z.int().positive(), seconds })

const sampleResource = z.strictObject({
  /** What an id of it starts with, before a ULID. */
  idPrefix: z.string(),
  /** Which operation of the contract does what with it. */
  operations: z.strictObject({
    list: z.string().optional(),
    read: z.string().optional(),
    create: z.string().optional(),
  }),
})

const profileSchema = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]*$/),
  brand: z.strictObject({ name: z.string().min(1), summary: z.string() }),
  /** The contract's OpenAPI document, relative to the profile's own file. */
  openapi: z.string(),
  /** Where the contract's paths are mounted. */
  basePath: z.string().regex(/^(\/[a-z0-9-]+)+$/),
  credentials: z.strictObject({
    header: z.enum(['authorization', 'x-api-key']),
    /** Query parameters that the contract promises to answer with 400 instead of ignoring them. */
    refusedQueryParameters: z.array(z.string()),
    prefixes: z.strictObject({
      api_key: byMode,
      access_token: byMode,
      refresh_token: prefix,
      authorization_code: prefix,
      platform_key: prefix,
      registration_token: prefix,
      registration_access_token: prefix,
    }),
  }),
  headers: z.strictObject({
    /** Carries the scopes of the calling credential; null for none. */
    scope: z.string().nullable(),
    requestId: z.string(),
    rateLimit: z.strictObject({ limit: z.string(), remaining: z.string(), reset: z.string() }),
  }),
  envelope: z.enum(['stripe']),
  /** Rate classes by name: every window of a class must have room. Operations name theirs (x-rate-class). */
  rateClasses: z.record(z.string(), z.array(window).min(1)),
  /** Refused credentials that one address may present before it has to wait. */
  failedCredentials: window,
  /** Keys older than this are told to be rotated soon; null for a contract that says nothing of it. */
  keyRotationDays: z.int().positive().nullable(),
  pagination: z.strictObject({ defaultLimit: z.int().positive(), maxLimit: z.int().positive() }),
  /** The catalogue: what each scope lets a program do, as a sentence for the consent page. */
  scopes: z.record(
    z.string().regex(/^[a-z_]+:[a-z_]+$/),
    z.strictObject({
      /** Under which heading the consent page says it: See, See and change, Delete or pay. */
      group: z.enum(['see', 'change', 'danger']),
      sentence: localized,
      detail: localized,
      /** True for a scope that administrators give to API keys, and no app may ask for. */
      apiKeysOnly: z.boolean().default(false),
    }),
  ),
  oauth: z.strictObject({
    accessTokenSeconds: seconds,
    authorizationCodeSeconds: seconds.max(600),
    refreshTokenSeconds: seconds,
    refreshGraceSeconds: z.int().min(0).max(1800),
    /** A refresh token that is not used for so long is no longer good; null for no such limit. */
    refreshIdleSeconds: seconds.nullable(),
    /** What a request without a scope asks for (RFC 6749 section 3.3), as far as the app may. */
    defaultScopes: z.array(z.string()),
    /** Apps that register by themselves (RFC 7591). */
    dynamicRegistration: z.strictObject({
      policy: z.enum(['off', 'open', 'token']),
      /** What such an app works with. */
      mode: z.enum(['live', 'test']),
      /** How often one address may register. */
      rate: window,
      /** One that nobody allowed anything is forgotten after so long … */
      unconsentedSeconds: seconds,
      /** … and one that nobody allows anything any more, after so long. */
      idleSeconds: seconds,
    }),
    /** Apps that are named by the address of a document about them (Client ID Metadata Documents). */
    clientMetadataDocuments: z.strictObject({ enabled: z.boolean(), mode: z.enum(['live', 'test']) }),
  }),
  sample: z.strictObject({
    /** Rows for an empty database, relative to the profile's own file. */
    rows: z.string(),
    resources: z.record(z.string(), sampleResource),
  }),
})

export type Profile = z.infer<typeof profileSchema> & {
  /** The folder of the profile's file: what its relative paths start from. */
  readonly folder: string
}

/** The languages of the pages that people see on their way to an app. */
export type Locale = 'en' | 'fr'

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
  return { ...parsed.data, folder: dirname(file) }
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
