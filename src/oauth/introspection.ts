// POST /oauth/introspect (RFC 7662): what a credential is, for resource servers that know themselves. OAuth access
// tokens and API keys alike, through the validator that our own API asks.
import { isIP } from 'node:net'
import type { Context, Middleware } from 'koa'
import type { AccessTokenPrincipal, ApiKeyPrincipal, Principal, TenantPrincipal } from '../core/principal.ts'
import { asProblem, type Problem } from '../core/problems.ts'
import { printScopes } from '../core/scopes.ts'
import type { Log } from '../core/telemetry.ts'
import type { LastUse } from '../credentials/last-use.ts'
import { createValidator, type ValidatorParts } from '../credentials/validator.ts'
import type { Database } from '../db/connect.ts'
import { plainAddress } from '../lib/network.ts'
import { epochSeconds } from '../lib/time.ts'
import type { Turnstile } from '../limits/turnstile.ts'
import { addToLog } from '../web/access-log.ts'
import { readForm } from '../web/body.ts'
import { clientAddress } from '../web/client-address.ts'
import { requestId } from '../web/request-id.ts'
import type { ResourceServer } from './resource-server.ts'
import { authenticate, readPresented } from './resource-server-auth.ts'

export interface IntrospectionParts extends ValidatorParts {
  readonly database: Database
  readonly turnstile: Turnstile
  readonly log: Log
  readonly trustedProxies: number
  /** The authorization server: `iss`. */
  readonly issuer: string
  readonly noteUse: LastUse['note']
}

/** Of one address, that could not say who asks; who can is not counted. */
export const introspectionRateClasses = {
  'introspection-refused': [{ requests: 60, seconds: 60 }],
} as const

const path = '/oauth/introspect'

/** What is not active is told as nothing else: why is for nobody to learn (RFC 7662 section 2.2). */
const inactive = { active: false } as const

/** A refusal in RFC 6749's form (section 5.2). */
interface Refusal {
  readonly status: number
  readonly error: string
  readonly say: string
  readonly headers?: Readonly<Record<string, string>>
}

const isRefusal = (it: Refusal | object): it is Refusal => 'status' in it

export function introspection(parts: IntrospectionParts): Middleware {
  return async (ctx, next) => {
    if (ctx.path !== path) return await next()
    ctx.set('Cache-Control', 'no-store')
    const answer = await answerTo(ctx, parts).catch((thrown) => refusalOf(ctx, parts.log, asProblem(thrown)))
    if (!isRefusal(answer)) {
      ctx.body = answer
      return
    }
    ctx.status = answer.status
    ctx.set({ ...answer.headers })
    ctx.body = { error: answer.error, error_description: answer.say }
  }
}

async function answerTo(ctx: Context, parts: IntrospectionParts): Promise<Refusal | object> {
  if (ctx.method !== 'POST') {
    const say = 'introspection is asked for by POST (RFC 7662 section 2.1)'
    return { status: 405, error: 'invalid_request', say, headers: { Allow: 'POST' } }
  }
  const form = await readForm(ctx.req)
  const twice = [...form.keys()].find((name) => form.getAll(name).length > 1)
  if (twice !== undefined) return invalidRequest('a parameter was sent twice')
  const presented = readPresented(ctx.req, form)
  if (presented.kind === 'both') return invalidRequest('say who asks in one way alone')
  const caller = await authenticate(parts.database, presented)
  if (!caller) {
    await parts.turnstile.pass(
      'introspection-refused',
      clientAddress(ctx.req, parts.trustedProxies),
      () => {},
    )
    return {
      status: 401,
      error: 'invalid_client',
      say: 'introspection is for resource servers that send their client_id and client_secret',
      headers: { 'WWW-Authenticate': 'Basic realm="introspection", charset="UTF-8"' },
    }
  }
  addToLog(ctx, { resource_server: caller.id })
  const token = form.get('token')
  if (!token) return invalidRequest("missing required parameter 'token'")
  const address = plainAddress(form.get('client_address') ?? '')
  if (address !== '' && isIP(address) === 0) return invalidRequest('client_address is no IP address')
  // token_type_hint is not looked at: one look-up finds whatever there is.
  const who = await check(parts, caller, token, address)
  if (!who) return inactive
  parts.noteUse(who, { address: address || null, client: caller.name, operation: null })
  return describe(parts, caller, who)
}

/** What the validator says to this resource server; null for anything that is not good for it. */
async function check(
  parts: IntrospectionParts,
  { audience }: ResourceServer,
  token: string,
  address: string,
): Promise<TenantPrincipal | null> {
  let who: Principal
  try {
    who = await createValidator({ ...parts, audience })(token, address)
  } catch (thrown) {
    if (asProblem(thrown).status < 500) return null
    throw thrown
  }
  // A platform's key opens provisioning alone; an API key is for our own API, whoever serves it.
  if (who.kind === 'platform_key') return null
  return who.kind === 'api_key' && audience !== parts.audience ? null : who
}

/** The claims of RFC 7662 section 2.2, and ours: org_id, mode, credential_type and the ids of what stands behind it. */
function describe(parts: IntrospectionParts, caller: ResourceServer, who: TenantPrincipal): object {
  const { expiresAt } = who
  return {
    active: true,
    scope: printScopes(caller.scopes ? caller.scopes.filter((scope) => who.scopes.has(scope)) : who.scopes),
    ...(who.kind === 'api_key' ? ofKey(who) : ofToken(who)),
    iss: parts.issuer,
    aud: caller.audience,
    iat: epochSeconds(who.issuedAt),
    ...(expiresAt ? { exp: epochSeconds(expiresAt) } : {}),
    org_id: who.organization,
    mode: who.mode,
    credential_type: who.kind,
  }
}

/** Nobody stands behind a key but the key: it is its own subject, as a client is (RFC 9068 section 2.2). */
function ofKey({ key }: ApiKeyPrincipal): object {
  return { client_id: key, sub: key, token_type: 'Bearer', key_id: key }
}

function ofToken({ client, person, grant, dpopThumbprint }: AccessTokenPrincipal): object {
  return {
    client_id: client,
    sub: person,
    // Of a token that is bound to its client's key the resource server asks for a proof (RFC 9449 section 6.2).
    ...(dpopThumbprint === null
      ? { token_type: 'Bearer' }
      : { token_type: 'DPoP', cnf: { jkt: dpopThumbprint } }),
    grant_id: grant,
  }
}

function invalidRequest(say: string): Refusal {
  return { status: 400, error: 'invalid_request', say }
}

function refusalOf(ctx: Context, log: Log, problem: Problem): Refusal {
  if (problem.status >= 500) {
    // Who asks must not take it for an answer: 503 says that it is none, and to ask again.
    log.error({ request_id: requestId(ctx), err: problem }, 'introspection failed')
    const headers = { 'Retry-After': '1' }
    return { status: 503, error: 'temporarily_unavailable', say: 'try again', headers }
  }
  addToLog(ctx, { problem: problem.code })
  if (problem.code !== 'rate_limit_exceeded') return invalidRequest(problem.say)
  const headers = { 'Retry-After': String(problem.details.retryAfter ?? 1) }
  return { status: 429, error: 'temporarily_unavailable', say: problem.say, headers }
}
