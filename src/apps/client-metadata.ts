// What an app says of itself (RFC 7591 section 2), read strictly: for its registration, and for the document
// that is its registration. What we know nothing of is ignored, as the RFC wants it.
import { z } from 'zod'
import { parseScopes } from '../core/scopes.ts'
import { type Digest, sha256 } from '../lib/digest.ts'
import type { App } from './app.ts'
import { appNameMistake } from './app-name.ts'
import { redirectUriMistake } from './redirect-uri.ts'

/** An error of RFC 7591 section 3.2.2; the message is for the app's developers. */
export class MetadataMistake extends Error {
  readonly error: 'invalid_client_metadata' | 'invalid_redirect_uri'

  constructor(error: MetadataMistake['error'], message: string) {
    super(message)
    this.error = error
  }
}

/** What a registration is made of. */
export interface ClientMetadata
  extends Pick<
    App,
    'homepage' | 'name' | 'policyUri' | 'redirectUris' | 'requiresDpop' | 'scopes' | 'termsUri'
  > {
  /** To be asked by us once, never by a browser. */
  readonly logoUri: string | null
}

const mostRedirectUris = 20
const longestUri = 1000
const longestScope = 4000
const isPrintable = /^[\x21-\x7e]+$/

const text = z.string().nullish()
const schema = z.object({
  redirect_uris: z.array(z.string()),
  client_name: text,
  client_uri: text,
  logo_uri: text,
  policy_uri: text,
  tos_uri: text,
  scope: z.string().max(longestScope).nullish(),
  grant_types: z.array(z.string()).nullish(),
  response_types: z.array(z.string()).nullish(),
  token_endpoint_auth_method: text,
  // RFC 9449 section 5.2
  dpop_bound_access_tokens: z.boolean().nullish(),
  sector_identifier_uri: z.unknown().optional(),
})
const aboutDocument = z.looseObject({ client_id: z.unknown() })
type Said = z.infer<typeof schema>

/** Of what a person consented to: another one is asked for again (SECURITY D8). */
export function fingerprintOf({ name, logoUri, redirectUris, homepage }: ClientMetadata): Digest {
  return sha256(JSON.stringify([name, logoUri, [...redirectUris].sort(), homepage]))
}

/**
 * What an app sent to be registered with.
 * @param allowed the scopes that an app may ask for
 * @throws MetadataMistake
 */
export function readRegistration(body: unknown, allowed: readonly string[]): ClientMetadata {
  const said = read(body)
  if (said.sector_identifier_uri != null) {
    throw mistake('sector_identifier_uri: there are no pairwise identifiers here.')
  }
  const redirectUris = readRedirectUris(said)
  return {
    name: readName(said) ?? nameless(said, redirectUris),
    redirectUris,
    scopes: readScopes(said, allowed, 'refuse'),
    requiresDpop: said.dpop_bound_access_tokens ?? false,
    homepage: readLink('client_uri', said.client_uri),
    policyUri: readLink('policy_uri', said.policy_uri),
    termsUri: readLink('tos_uri', said.tos_uri),
    logoUri: readLink('logo_uri', said.logo_uri),
  }
}

/**
 * What a metadata document says. It was written for every authorization server at once: what we have no use for
 * is left out rather than refused, but for what would make the app less safe than its developers think it is.
 * @throws MetadataMistake
 */
export function readDocument(document: unknown, url: string, allowed: readonly string[]): ClientMetadata {
  const whole = aboutDocument.safeParse(document).data
  if (whole?.client_id !== url) {
    throw mistake('client_id: it must be the address of the document, letter by letter.')
  }
  const said = read(document)
  if ('client_secret' in whole || 'client_secret_expires_at' in whole) {
    throw mistake('client_secret: a document that everybody can read keeps no secret.')
  }
  const name = readName(said)
  if (name === null) throw mistake('client_name: it is missing.')
  return {
    name,
    redirectUris: readRedirectUris(said),
    scopes: readScopes(said, allowed, 'leave out'),
    requiresDpop: said.dpop_bound_access_tokens ?? false,
    homepage: httpsLink(said.client_uri),
    policyUri: httpsLink(said.policy_uri),
    termsUri: httpsLink(said.tos_uri),
    logoUri: httpsLink(said.logo_uri),
  }
}

function read(body: unknown): Said {
  const parsed = schema.safeParse(body)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const field = String(issue?.path[0] ?? 'The metadata')
    const say = `${field}: ${field === 'The metadata' ? 'must be a JSON object' : 'is missing, or not of its type'}.`
    throw field === 'redirect_uris' ? new MetadataMistake('invalid_redirect_uri', say) : mistake(say)
  }
  const said = parsed.data
  const method = said.token_endpoint_auth_method ?? 'none'
  if (method !== 'none') {
    throw mistake('token_endpoint_auth_method: it must be none. Apps are public clients: PKCE, no secret.')
  }
  // RFC 7591 section 2.1: what we don't offer is left out of the registration; without the code there is nothing left.
  if (!(said.grant_types ?? ['authorization_code']).includes('authorization_code')) {
    throw mistake('grant_types: authorization_code must be among them.')
  }
  if (!(said.response_types ?? ['code']).includes('code')) {
    throw mistake('response_types: code must be among them.')
  }
  return said
}

function readRedirectUris({ redirect_uris: uris }: Said): string[] {
  const refuse = (say: string) => new MetadataMistake('invalid_redirect_uri', say)
  if (uris.length === 0 || uris.length > mostRedirectUris) {
    throw refuse(`redirect_uris: there must be 1 to ${mostRedirectUris}.`)
  }
  for (const [index, uri] of uris.entries()) {
    const why = isPrintable.test(uri) ? redirectUriMistake(uri) : 'It must be of printable ASCII characters.'
    if (why) throw refuse(`redirect_uris[${index}]: ${why}`)
  }
  return [...new Set(uris)]
}

function readName({ client_name: said }: Said): string | null {
  const name = said?.trim() ?? ''
  if (name === '') return null
  const why = appNameMistake(name)
  if (why) throw mistake(`client_name: ${why}`)
  return name
}

/** RFC 7591 lets an app go without a name; people are told where it leads. */
function nameless(said: Said, redirectUris: readonly string[]): string {
  const homepage = httpsLink(said.client_uri)
  const { host, protocol } = new URL(homepage ?? redirectUris[0] ?? '')
  return `Unnamed app (${(host || protocol).slice(0, 60)})`
}

/** offline_access is no scope of ours: refresh tokens come without asking. */
function readScopes(
  { scope }: Said,
  allowed: readonly string[],
  unknown: 'refuse' | 'leave out',
): readonly string[] {
  const wanted = [...parseScopes(scope ?? '')].filter((name) => name !== 'offline_access')
  const stranger = wanted.find((name) => !allowed.includes(name))
  if (stranger !== undefined && unknown === 'refuse') {
    const which = /^[\w:./-]{1,60}$/.test(stranger) ? `there is no ${stranger}` : 'one of them is not known'
    throw mistake(`scope: ${which}. See scopes_supported.`)
  }
  const known = wanted.filter((name) => allowed.includes(name))
  return [...(known.length > 0 ? known : allowed)].sort()
}

function readLink(field: string, said: string | null | undefined): string | null {
  if (said == null || said === '') return null
  const link = httpsLink(said)
  if (link === null)
    throw mistake(`${field}: it must be an https address of at most ${longestUri} characters.`)
  return link
}

/** null for what no page of ours may link to. */
function httpsLink(said: string | null | undefined): string | null {
  if (said == null || said.length > longestUri || !/^https:\/\/[\x21-\x7e]+$/i.test(said)) return null
  const url = URL.canParse(said) ? new URL(said) : null
  return url && url.username === '' && url.password === '' ? url.href : null
}

const mistake = (say: string) => new MetadataMistake('invalid_client_metadata', say)
