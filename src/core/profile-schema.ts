// How a profile is written (profiles/*.json): everything in which one vendor's published API differs from another's.
// The descriptions are for editors too: `latchkey profile schema` prints them as JSON Schema.
import { z } from 'zod'
import { isBlank, isOneLine } from '../lib/shown-text.ts'
import { itemNames, listNames, problemNames, template } from './envelope-template.ts'
import { problemCodes } from './problems.ts'
import { checkRelations } from './profile-relations.ts'

const prefix = z
  .string()
  .regex(/^[a-z][a-z0-9]*(_[a-z0-9]+)*_$/, 'must be a prefix like "acme_live_"')
  .max(24)
const byMode = z.strictObject({
  live: prefix.describe('Of live mode: "acme_live_".'),
  test: prefix.optional().describe('Needed where there is a test mode.'),
})
const seconds = z.int().positive()
/** As apps may have it (apps/app-details): from a minute to ten years. */
const lifetime = z.int().min(60).max(315_360_000)
/** What counts requests waits for the end of a window by a timer, and a longer one would end at once. */
const windowSeconds = seconds.max(2_147_483)
// "/." and "/.." are gone from an address before it is sent.
const path = z.string().regex(/^(\/(?!\.{1,2}(\/|$))[a-z0-9.-]+)+$/, 'must be a path like "/api/v1"')
const headerName = z.string().regex(/^[A-Za-z][A-Za-z0-9-]*$/, 'must be the name of a header')
const modes = ['live', 'test'] as const

const localized = z
  .strictObject({
    en: z.string().min(1).describe('In English.'),
    fr: z.string().min(1).describe('In French.'),
  })
  .describe('A text for people, in the languages of the pages that they see on their way to an app.')

const window = z.strictObject({
  requests: z.int().positive().describe('So many …'),
  seconds: windowSeconds.describe('… within so many seconds, at most 24 days.'),
})

const color = z.string().regex(/^#[0-9a-f]{6}$/, 'must be a color like "#1a5fb4"')

const brand = z.strictObject({
  name: z
    .string()
    .min(1)
    .refine((text) => isOneLine(text) && !isBlank(text), 'must be a name on one line')
    .describe('What the vendor is called on every page.'),
  summary: z.string().describe('One sentence: what the product is.'),
  accent: z
    .strictObject({
      light: color.describe('On light pages: "#1a4fd0".'),
      dark: color.describe('On dark pages.'),
    })
    .optional()
    .describe(
      'The color of buttons and links, on light and on dark pages. It must be told from its background (WCAG AA).',
    ),
})

const hostLabel = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/, 'must be a label of a host name like "app"')

const hosts = z
  .strictObject({
    canonical: hostLabel
      .default('app')
      .describe(
        'The first label of PUBLIC_URL beside which the other hosts are: app.example.com, where all of example.com is yours. Where PUBLIC_URL has another one, there are none; on localhost it may have any.',
      ),
    organizations: z
      .boolean()
      .describe(
        'Whether each organization has a host of its own beside the canonical one: {slug}.example.com',
      ),
    shortForms: z
      .record(hostLabel, path)
      .describe('Hosts by their first label, with the path under which the API is there: "api": "/v1".'),
    documentation: hostLabel
      .nullable()
      .default(null)
      .describe(
        'The first label of the host under which llms.txt and the Markdown pages are too; its pages lead to the canonical host. null for none.',
      ),
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
    refresh_token: prefix.describe('Of refresh tokens.'),
    authorization_code: prefix.describe('Of authorization codes.'),
    platform_key: prefix.describe('Of the keys with which platforms provision.'),
    registration_token: prefix.describe('Of tokens with which apps may register.'),
    registration_access_token: prefix.describe('Of what an app manages its registration with (RFC 7592).'),
  }),
})

const headers = z.strictObject({
  scope: headerName.nullable().describe('Carries the scopes of the calling credential; null for none.'),
  requestId: headerName.describe('Carries the id of the request, on errors too.'),
  rateLimit: z.strictObject({
    limit: headerName.describe('How many requests the tightest window has.'),
    remaining: headerName.describe('How many of them are left.'),
    reset: headerName.describe('When there are all of them again, as resetAs says it.'),
    resetAs: z
      .enum(['seconds_left', 'unix_seconds'])
      .describe('What the reset header says: how long the window lasts still, or when it is over.'),
  }),
})

const contentType = z
  .string()
  .regex(/^[\w.+-]+\/[\w.+-]+(; ?[\w-]+=[\w-]+)*$/, 'must be a content type like "application/problem+json"')

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
    problemContentType: contentType.default('application/json').describe('The content type of errors.'),
    types: z
      .record(z.string().regex(/^([1-5]\d\d|[45]xx)$/, 'must be a status like "404" or "4xx"'), z.string())
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
      status: z.int().min(400).max(599).optional().describe('In place of our status.'),
      code: z.string().min(1).optional().describe('In place of our code.'),
      message: z.string().min(1).optional().describe('In place of our sentence.'),
    }),
  )
  .default({})
  .describe('Where the published API says an error differently, by our code.')

const rateClass = z.strictObject({
  title: z.string().min(1).describe('What it limits, for the documentation: "Read operations (GET)".'),
  per: z.enum(['credential', 'organization']).describe('Whose requests are counted together.'),
  windows: z
    .array(window)
    .min(1)
    .describe(
      'Every one of them must have room. The rate-limit headers tell of the longest, or of the one that is full.',
    ),
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
  accessTokenSeconds: seconds.describe('So long an access token is good.'),
  authorizationCodeSeconds: seconds.max(600).describe('So long a code can be exchanged.'),
  refreshTokenSeconds: lifetime.describe('So long after consent an authorization ends.'),
  refreshGraceSeconds: z.int().min(0).max(1800).describe('So long a lost refresh answer is given again.'),
  refreshIdleSeconds: lifetime
    .nullable()
    .describe('A refresh token that is not used for so long is no longer good; null for no such limit.'),
  defaultScopes: z
    .array(z.string())
    .describe('What a request without a scope asks for (RFC 6749 section 3.3), as far as the app may.'),
  dynamicRegistration: z
    .strictObject({
      policy: z.enum(['off', 'open', 'token']).describe('Nobody, anybody, or who has a token.'),
      mode: z.enum(modes).describe('What such an app works with.'),
      rate: window.describe('How often one address may register.'),
      unconsentedSeconds: seconds.describe('One that nobody allowed anything is forgotten after so long …'),
      idleSeconds: seconds.describe('… and one that nobody allows anything any more, after so long.'),
    })
    .describe('Apps that register by themselves (RFC 7591).'),
  clientMetadataDocuments: z
    .strictObject({
      enabled: z.boolean().describe('Whether they may ask.'),
      mode: z.enum(modes).describe('What such an app works with.'),
    })
    .describe('Apps that are named by the address of a document about them.'),
})

/** How long a key may be made to live by its form, in days; `never` has to be chosen by somebody. */
export const keyLifetimes = ['7', '30', '90', '365', 'never'] as const

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
  keyLifetime: z
    .enum(keyLifetimes)
    .default('90')
    .describe('Which life of a key, in days, its form has chosen already: "never" where keys do not expire.'),
})

const sampleResource = z.strictObject({
  idPrefix: z
    .string()
    .regex(/^[A-Za-z0-9_-]*$/, 'must be letters, digits, "_" and "-", like "bk_"')
    .describe('What an id of it starts with, before a ULID.'),
  operations: z
    .strictObject({
      list: z.string().optional().describe('Lists them.'),
      read: z.string().optional().describe('Reads one by its id.'),
      create: z.string().optional().describe('Makes one.'),
      update: z.string().optional().describe('Changes one.'),
      only: z.string().optional().describe('Reads the one row that there is: settings.'),
      listBy: z
        .strictObject({
          operation: z.string().describe('The operation.'),
          parameter: z.string().describe('Of its path.'),
          field: z.string().describe('Of the rows.'),
        })
        .optional()
        .describe('Lists those whose field is what the parameter of the path says.'),
    })
    .describe('Which operation of the contract does what with it.'),
})

const slug = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    'must be 1 to 63 of a-z, 0-9 and hyphens, with none at its ends',
  )

const sample = z.strictObject({
  rows: z.string().describe("Rows for an empty database, relative to the profile's own file."),
  organization: z.strictObject({
    name: z.string().min(1).max(200).describe('Of the demo organization.'),
    slug: slug.describe('Its short name.'),
  }),
  app: z.string().min(1).describe('What the demo app is called.'),
  resources: z.record(z.string(), sampleResource),
})

const scopeName = z.string().regex(/^[a-z][a-z0-9_.-]*:[a-z][a-z0-9_.-]*$/, 'must be two words with a colon')

const written = z.strictObject({
  $schema: z.string().optional().describe('Where the JSON Schema is, for editors.'),
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]*$/, 'must be a word of small letters like "acme"')
    .describe('The short name of the profile: "acme".'),
  brand,
  openapi: z.string().describe("The contract's OpenAPI document, relative to the profile's own file."),
  basePath: path.describe("Where the contract's paths are mounted."),
  hosts: hosts.default({ canonical: 'app', organizations: false, shortForms: {}, documentation: null }),
  modes: z
    .array(z.enum(modes))
    .refine((them) => them.includes('live') && new Set(them).size === them.length, {
      message: 'must be ["live"], or ["live", "test"] where there is a sandbox',
    })
    .describe('["live"], or ["live", "test"] where there is a sandbox.')
    .meta({ uniqueItems: true, contains: { const: 'live' } }),
  credentials,
  headers,
  envelope,
  problems: spokenProblems,
  rateClasses: z
    .record(z.string(), rateClass)
    .refine((them) => Object.keys(them).length > 0, { message: 'must have one class at least' })
    .describe('By name. Operations say which is theirs (x-rate-class); an unknown path is of the first.')
    .meta({ minProperties: 1 }),
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
    defaultLimit: z.int().positive().describe('How many things a page has when nobody says.'),
    maxLimit: z.int().positive().describe('How many it has at most.'),
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

export const profileSchema = written.superRefine(checkRelations)

/** The schema for editors (JSON Schema 2020-12): what `profiles/schema/profile.schema.json` holds. */
export function profileJsonSchema(): object {
  return {
    ...z.toJSONSchema(written, { io: 'input' }),
    title: 'Latchkey profile',
  }
}
