// How a profile is written (profiles/*.json): everything in which one vendor's published API differs from another's.
// The descriptions are for editors too: `latchkey profile schema` prints them as JSON Schema.
import { z } from 'zod'
import { itemNames, listNames, problemNames, template } from './envelope-template.ts'
import { problemCodes } from './problems.ts'

const prefix = z
  .string()
  .regex(/^[a-z][a-z0-9]*(_[a-z0-9]+)*_$/, 'must be a prefix like "acme_live_"')
  .max(24)
const byMode = z.strictObject({
  live: prefix,
  test: prefix.optional().describe('Needed where there is a test mode.'),
})
const seconds = z.int().positive()
const path = z.string().regex(/^(\/[a-z0-9.-]+)+$/, 'must be a path like "/api/v1"')
const headerName = z.string().regex(/^[A-Za-z][A-Za-z0-9-]*$/, 'must be the name of a header')
const modes = ['live', 'test'] as const

const localized = z
  .strictObject({ en: z.string().min(1), fr: z.string().min(1) })
  .describe('A text for people, in the languages of the pages that they see on their way to an app.')

const window = z.strictObject({ requests: z.int().positive(), seconds })

const color = z.string().regex(/^#[0-9a-f]{6}$/, 'must be a color like "#1a5fb4"')

const brand = z.strictObject({
  name: z.string().min(1).describe('What the vendor is called on every page.'),
  summary: z.string().describe('One sentence: what the product is.'),
  accent: z
    .strictObject({ light: color, dark: color })
    .optional()
    .describe(
      'The color of buttons and links, on light and on dark pages. It must be told from its background (WCAG AA).',
    ),
})

const hosts = z
  .strictObject({
    organizations: z
      .boolean()
      .describe(
        'Whether each organization has a host of its own beside that of PUBLIC_URL: {slug}.example.com',
      ),
    shortForms: z
      .record(z.string().regex(/^[a-z0-9-]+$/), path)
      .describe('Hosts by their first label, with the path under which the API is there: "api": "/v1".'),
  })
  .describe('Where the API answers too. Whose data it is, the credential says, never the host.')

const credentials = z.strictObject({
  header: headerName.describe(
    'In which header a credential comes: "Authorization" (as a bearer), or another one, as it is: "x-api-key".',
  ),
  refusedQueryParameters: z
    .array(z.string())
    .describe('Query parameters that the contract promises to answer with 400 instead of ignoring them.'),
  prefixes: z.strictObject({
    api_key: byMode,
    access_token: byMode,
    refresh_token: prefix,
    authorization_code: prefix,
    platform_key: prefix,
    registration_token: prefix,
    registration_access_token: prefix,
  }),
})

const headers = z.strictObject({
  scope: headerName.nullable().describe('Carries the scopes of the calling credential; null for none.'),
  requestId: headerName,
  rateLimit: z.strictObject({
    limit: headerName,
    remaining: headerName,
    reset: headerName,
    resetAs: z
      .enum(['seconds_left', 'unix_seconds'])
      .describe('What the reset header says: how long the window lasts still, or when it is over.'),
  }),
})

const envelope = z
  .strictObject({
    item: template(itemNames).describe(
      'A success with one thing: {item}, {message}, {request_id}, {status}.',
    ),
    list: template(listNames).describe(
      'A success with a page of things: {items}, {next_cursor}, {message}, {request_id}, {status}; with numbered pages also {page}, {limit}, {total}, {total_pages}.',
    ),
    problem: template(problemNames).describe(
      'Every error: {type}, {code}, {message}, {status}, {title}, {request_id}, {documentation}, and where there is one {param}, {conflicts_with}.',
    ),
    problemContentType: z.string().default('application/json'),
    types: z
      .record(z.string().regex(/^([1-5]\d\d|[45]xx)$/), z.string())
      .default({})
      .describe('What {type} is, by status: "404", else "4xx".'),
    codes: z.enum(['snake_case', 'UPPER_CASE']).default('snake_case').describe('How {code} is written.'),
  })
  .describe(
    'How answers look. A text that is one {name} becomes that value, and a field whose value is not there is left out; "..." spreads a value into its object.',
  )

const spokenProblems = z
  .partialRecord(
    z.enum(problemCodes),
    z.strictObject({
      status: z.int().min(400).max(599).optional(),
      code: z.string().min(1).optional(),
      message: z.string().min(1).optional(),
    }),
  )
  .default({})
  .describe('Where the published API says an error differently, by our code.')

const rateClass = z.strictObject({
  title: z.string().min(1).describe('What it limits, for the documentation: "Read operations (GET)".'),
  per: z.enum(['credential', 'organization']).describe('Whose requests are counted together.'),
  windows: z.array(window).min(1).describe('Every one of them must have room.'),
})

const scope = z.strictObject({
  group: z
    .enum(['see', 'change', 'danger'])
    .describe('Under which heading the consent page says it: See, See and change, Delete or pay.'),
  sentence: localized,
  detail: localized,
  apiKeysOnly: z
    .boolean()
    .default(false)
    .describe('True for a scope that administrators give to API keys, and no app may ask for.'),
})

const oauth = z.strictObject({
  enabled: z.boolean().describe('Whether there are OAuth apps at all.'),
  accessTokenSeconds: seconds,
  authorizationCodeSeconds: seconds.max(600),
  refreshTokenSeconds: seconds,
  refreshGraceSeconds: z.int().min(0).max(1800),
  refreshIdleSeconds: seconds
    .nullable()
    .describe('A refresh token that is not used for so long is no longer good; null for no such limit.'),
  defaultScopes: z
    .array(z.string())
    .describe('What a request without a scope asks for (RFC 6749 section 3.3), as far as the app may.'),
  dynamicRegistration: z
    .strictObject({
      policy: z.enum(['off', 'open', 'token']),
      mode: z.enum(modes).describe('What such an app works with.'),
      rate: window.describe('How often one address may register.'),
      unconsentedSeconds: seconds.describe('One that nobody allowed anything is forgotten after so long …'),
      idleSeconds: seconds.describe('… and one that nobody allows anything any more, after so long.'),
    })
    .describe('Apps that register by themselves (RFC 7591).'),
  clientMetadataDocuments: z
    .strictObject({ enabled: z.boolean(), mode: z.enum(modes) })
    .describe('Apps that are named by the address of a document about them.'),
})

const consoleWords = z.strictObject({
  keys: z
    .array(z.string().min(1))
    .min(1)
    .max(2)
    .describe('Where keys are managed, as the menu says it: ["Integrations", "API keys"].'),
  createKey: z
    .string()
    .min(1)
    .default('Create an API key')
    .describe('What the button says that makes a key.'),
})

const sampleResource = z.strictObject({
  idPrefix: z.string().describe('What an id of it starts with, before a ULID.'),
  operations: z
    .strictObject({
      list: z.string().optional(),
      read: z.string().optional(),
      create: z.string().optional(),
      update: z.string().optional(),
      only: z.string().optional().describe('Reads the one row that there is: settings.'),
      listBy: z
        .strictObject({ operation: z.string(), parameter: z.string(), field: z.string() })
        .optional()
        .describe('Lists those whose field is what the parameter of the path says.'),
    })
    .describe('Which operation of the contract does what with it.'),
})

const sample = z.strictObject({
  rows: z.string().describe("Rows for an empty database, relative to the profile's own file."),
  organization: z.strictObject({ name: z.string().min(1), slug: z.string().min(1) }),
  app: z.string().min(1).describe('What the demo app is called.'),
  resources: z.record(z.string(), sampleResource),
})

const scopeName = z.string().regex(/^[a-z][a-z0-9_.-]*:[a-z][a-z0-9_.-]*$/, 'must be two words with a colon')

const written = z.strictObject({
  $schema: z.string().optional(),
  name: z.string().regex(/^[a-z][a-z0-9-]*$/),
  brand,
  openapi: z.string().describe("The contract's OpenAPI document, relative to the profile's own file."),
  basePath: path.describe("Where the contract's paths are mounted."),
  hosts: hosts.default({ organizations: false, shortForms: {} }),
  modes: z
    .array(z.enum(modes))
    .refine((them) => them.includes('live') && new Set(them).size === them.length, {
      message: 'must be ["live"], or ["live", "test"] where there is a sandbox',
    }),
  credentials,
  headers,
  envelope,
  problems: spokenProblems,
  rateClasses: z
    .record(z.string(), rateClass)
    .refine((them) => Object.keys(them).length > 0, { message: 'must have one class at least' })
    .describe('By name. Operations say which is theirs (x-rate-class); an unknown path is of the first.'),
  failedCredentials: window.describe(
    'Refused credentials that one address may present before it has to wait.',
  ),
  keyRotationDays: z
    .int()
    .positive()
    .nullable()
    .describe(
      'Keys older than this are told to be rotated soon; null for a contract that says nothing of it.',
    ),
  pagination: z.strictObject({
    style: z
      .enum(['cursor', 'page', 'link'])
      .describe(
        'cursor: ?cursor= and {next_cursor}. page: ?page= and numbers. link: ?cursor= and the header Link (RFC 8288).',
      ),
    defaultLimit: z.int().positive(),
    maxLimit: z.int().positive(),
  }),
  scopeGrammar: z
    .enum(['verb:resource', 'resource:verb'])
    .nullable()
    .describe(
      'How scopes that apps may ask for are written; those of API keys alone are our own (resource:verb). null: no such scopes.',
    ),
  scopes: z.record(scopeName, scope).describe('What each scope lets a program do.'),
  oauth,
  console: consoleWords,
  sample,
})

export type WrittenProfile = z.infer<typeof written>

/** What the fields can't say one by one. */
function relations(profile: WrittenProfile, ctx: z.RefinementCtx): void {
  const wrong = (at: readonly (string | number)[], message: string) =>
    ctx.addIssue({ code: 'custom', path: [...at], message })
  checkPrefixes(profile, wrong)
  checkScopes(profile, wrong)
  const { defaultLimit, maxLimit } = profile.pagination
  if (defaultLimit > maxLimit) wrong(['pagination', 'defaultLimit'], 'must not be more than maxLimit')
  for (const [name, { windows }] of Object.entries(profile.rateClasses)) {
    if (new Set(windows.map((it) => it.seconds)).size < windows.length)
      wrong(['rateClasses', name, 'windows'], 'has two windows of one length')
  }
  if (profile.oauth.enabled && Object.values(profile.scopes).every((it) => it.apiKeysOnly))
    wrong(['oauth', 'enabled'], 'needs a scope that an app may ask for')
  for (const at of ['dynamicRegistration', 'clientMetadataDocuments'] as const) {
    const { mode } = profile.oauth[at]
    if (!profile.modes.includes(mode)) wrong(['oauth', at, 'mode'], `is ${mode}, which modes does not list`)
  }
}

type Wrong = (at: readonly (string | number)[], message: string) => void

function checkPrefixes({ credentials: { prefixes }, modes: those }: WrittenProfile, wrong: Wrong): void {
  const taken = new Map<string, string>()
  for (const [kind, value] of Object.entries(prefixes)) {
    const each = typeof value === 'string' ? [['', value]] : Object.entries(value)
    for (const [mode, text] of each) {
      const at = ['credentials', 'prefixes', kind, ...(mode ? [mode] : [])]
      const other = taken.get(text ?? '')
      if (other !== undefined) wrong(at, `is "${text}", as ${other} is: a prefix tells what a secret is`)
      taken.set(text ?? '', at.slice(2).join('.'))
    }
    if (typeof value === 'string') continue
    if (those.includes('test') && value.test === undefined)
      wrong(['credentials', 'prefixes', kind, 'test'], 'is missing, and modes lists test')
    if (!those.includes('test') && value.test !== undefined)
      wrong(['credentials', 'prefixes', kind, 'test'], 'is there, and modes does not list test')
  }
}

const verbs = ['read', 'write']

function checkScopes({ scopes, scopeGrammar, oauth: { defaultScopes } }: WrittenProfile, wrong: Wrong): void {
  for (const [name, { apiKeysOnly }] of Object.entries(scopes)) {
    const [first = '', second = ''] = name.split(':')
    if (apiKeysOnly) continue
    if (scopeGrammar === null) wrong(['scopes', name], 'is there, and scopeGrammar is null')
    // Verbs of a vendor's own may stand on either side; the two that everybody has may not.
    const misplaced = scopeGrammar === 'verb:resource' ? second : first
    if (verbs.includes(misplaced)) wrong(['scopes', name], `is not written as ${scopeGrammar}`)
  }
  for (const [index, name] of defaultScopes.entries()) {
    if (scopes[name]?.apiKeysOnly !== false)
      wrong(['oauth', 'defaultScopes', index], `is "${name}", which no app may ask for`)
  }
}

export const profileSchema = written.superRefine(relations)

/** The schema for editors (JSON Schema 2020-12): what `profiles/schema/profile.schema.json` holds. */
export function profileJsonSchema(): object {
  return {
    ...z.toJSONSchema(written, { io: 'input' }),
    title: 'Latchkey profile',
  }
}
