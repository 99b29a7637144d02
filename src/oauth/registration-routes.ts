// Where apps register by themselves: RFC 7591 (POST) and RFC 7592 (GET, PUT, DELETE at the address they are given).
import Router from '@koa/router'
import type { Context } from 'koa'
import type { App } from '../apps/app.ts'
import { MetadataMistake } from '../apps/client-metadata.ts'
import {
  byApp,
  type RegistrationParts,
  readRegistered,
  register,
  replace,
} from '../apps/dynamic-registration.ts'
import type { LogoChanged } from '../apps/fetch-logo.ts'
import type { Refusals } from '../apps/refusals.ts'
import { deleteApp } from '../apps/register-app.ts'
import { lockRegistered, type Registered } from '../apps/self-registered-store.ts'
import type { Metrics } from '../core/metrics.ts'
import { asProblem, Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'
import { printScopes } from '../core/scopes.ts'
import type { Log } from '../core/telemetry.ts'
import { sha256 } from '../lib/digest.ts'
import { epochSeconds } from '../lib/time.ts'
import type { Turnstile } from '../limits/turnstile.ts'
import { addToLog } from '../web/access-log.ts'
import { readJson } from '../web/body.ts'
import { clientAddress, originOf } from '../web/client-address.ts'
import { requestId } from '../web/request-id.ts'

export interface RegistrationRoutesParts extends RegistrationParts {
  readonly publicUrl: string
  readonly turnstile: Turnstile
  readonly trustedProxies: number
  readonly refusals: Refusals
  readonly metrics: Metrics
  readonly log: Log
  /** Called when an app names another logo than before, or its first one. */
  readonly logoChanged: LogoChanged
}

export function registrationRateClasses(profile: Profile) {
  return {
    'register-address': [profile.oauth.dynamicRegistration.rate],
    'registration-address': [{ requests: 120, seconds: 60 }],
  }
}

const path = '/oauth/register'
const maxBytes = 16 * 1024

/** What the metadata says of it (RFC 8414 section 2). */
export function registrationMetadata({ oauth }: Profile, publicUrl: string): object {
  return {
    ...(oauth.dynamicRegistration.policy === 'off' ? {} : { registration_endpoint: publicUrl + path }),
    ...(oauth.clientMetadataDocuments.enabled ? { client_id_metadata_document_supported: true } : {}),
  }
}

export function registrationRoutes(parts: RegistrationRoutesParts): Router {
  const router = new Router()
  if (parts.profile.oauth.dynamicRegistration.policy === 'off') return router
  const { turnstile, trustedProxies } = parts
  const origin = (ctx: Context) => originOf(ctx, trustedProxies)
  const pass = (ctx: Context, rateClass: keyof ReturnType<typeof registrationRateClasses>) =>
    turnstile.pass(rateClass, clientAddress(ctx.req, trustedProxies), () => {})

  const one = `${path}/:clientId`
  const methods = { [path]: 'POST', [one]: 'GET, PUT, DELETE' }
  router.use([path, one], async (ctx, next) => {
    // Whoever may ask from a terminal may ask from a page: no cookie counts here.
    ctx.set('Access-Control-Allow-Origin', '*')
    ctx.set('Access-Control-Expose-Headers', 'Retry-After, WWW-Authenticate')
    try {
      await next()
    } catch (thrown) {
      answerRefusal(parts, ctx, thrown)
    }
  })
  for (const [address, allowed] of Object.entries(methods)) {
    router.options(address, (ctx) => {
      ctx.set('Access-Control-Allow-Methods', allowed)
      ctx.set('Access-Control-Allow-Headers', 'Authorization, Content-Type, MCP-Protocol-Version')
      ctx.set('Access-Control-Max-Age', '3600')
      ctx.status = 204
    })
  }

  router.post(path, async (ctx) => {
    await pass(ctx, 'register-address')
    const made = await register(parts, await readJson(ctx.req, maxBytes), bearerOf(ctx), origin(ctx))
    if (made.logoUri) parts.logoChanged(made.app.clientId, made.logoUri)
    ctx.status = 201
    ctx.body = show(parts, made, made.token.reveal())
  })

  router.get(one, async (ctx) => {
    await pass(ctx, 'registration-address')
    const bearer = bearerOf(ctx)
    const found = await readRegistered(parts, String(ctx.params['clientId']), bearer)
    // RFC 7592 section 3 wants it in the answer: it is the one that was shown to us.
    ctx.body = show(parts, found, bearer ?? '')
  })

  router.put(one, async (ctx) => {
    await pass(ctx, 'registration-address')
    const bearer = bearerOf(ctx)
    const found = await readRegistered(parts, String(ctx.params['clientId']), bearer)
    const { clientId } = found.app
    try {
      const made = await replace(parts, found, await readJson(ctx.req, maxBytes), bearer, origin(ctx))
      if (made.logoUri !== found.logoUri) parts.logoChanged(clientId, made.logoUri)
      ctx.body = show(parts, made, made.token.reveal())
    } catch (thrown) {
      const refused = refusalOf(thrown)
      if (refused.status === 400) {
        const { error, say: reason } = refused
        parts.refusals.note({ clientId, endpoint: 'registration', error, reason, requestId: requestId(ctx) })
      }
      throw thrown
    }
  })

  router.delete(one, async (ctx) => {
    await pass(ctx, 'registration-address')
    const bearer = bearerOf(ctx)
    const { app } = await readRegistered(parts, String(ctx.params['clientId']), bearer)
    await parts.db.transaction(async (tx) => {
      const mine = await lockRegistered(tx, app.clientId, sha256(bearer ?? ''))
      if (!mine) throw new Problem('invalid_credential', { reason: 'the registration is gone' })
      await deleteApp(tx, app.clientId, byApp(origin(ctx)))
    })
    ctx.status = 204
  })

  router.all([path, one], (ctx) => {
    const allowed = ctx.params['clientId'] === undefined ? methods[path] : methods[one]
    ctx.set('Allow', `${allowed}, OPTIONS`)
    throw new Problem('method_not_allowed')
  })
  return router
}

/** RFC 7591 section 3.2.1: all that is registered, which may be less than was asked for. */
function show(
  { publicUrl }: RegistrationRoutesParts,
  { app, logoUri }: Registered,
  token: string,
): Record<string, unknown> {
  const links = {
    client_uri: app.homepage,
    logo_uri: logoUri,
    policy_uri: app.policyUri,
    tos_uri: app.termsUri,
  }
  return {
    client_id: app.clientId,
    client_id_issued_at: epochSeconds(app.createdAt),
    client_name: app.name,
    redirect_uris: app.redirectUris,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    scope: printScopes(app.scopes),
    ...Object.fromEntries(Object.entries(links).filter(([, link]) => link !== null)),
    ...dpopOf(app),
    registration_client_uri: `${publicUrl}${path}/${app.clientId}`,
    registration_access_token: token,
  }
}

const dpopOf = ({ requiresDpop }: App) => (requiresDpop ? { dpop_bound_access_tokens: true } : {})

/** What follows `Bearer`; null for anything else. */
function bearerOf(ctx: Context): string | null {
  return /^Bearer +(\S+)$/i.exec(ctx.get('Authorization'))?.[1] ?? null
}

interface Refused {
  readonly status: number
  readonly error: string
  readonly say: string
}

/** RFC 7591 section 3.2.2, RFC 6750 section 3.1. */
function refusalOf(thrown: unknown): Refused {
  if (thrown instanceof MetadataMistake) return { status: 400, error: thrown.error, say: thrown.message }
  const { code, status, say } = asProblem(thrown)
  switch (code) {
    case 'malformed_json':
    case 'unsupported_content_type':
    case 'body_too_large':
      return { status, error: 'invalid_client_metadata', say }
    case 'invalid_credential':
      return { status: 401, error: 'invalid_token', say: 'The token is missing, wrong, or used up.' }
    case 'busy':
      return { status: 503, error: 'temporarily_unavailable', say }
    case 'internal_error':
      return { status: 500, error: 'server_error', say }
    default:
      return { status, error: code, say }
  }
}

function answerRefusal({ metrics, log }: RegistrationRoutesParts, ctx: Context, thrown: unknown): void {
  const { status, error, say } = refusalOf(thrown)
  metrics.oauthRefused.inc({ endpoint: 'registration', error })
  if (status >= 500) log.error({ request_id: requestId(ctx), err: thrown }, 'registration failed')
  const problem = thrown instanceof Problem ? thrown : null
  addToLog(ctx, { problem: error, reason: problem?.details.reason ?? say })
  if (status === 401) {
    ctx.set('WWW-Authenticate', bearerOf(ctx) === null ? 'Bearer' : 'Bearer error="invalid_token"')
  }
  const { retryAfter = status === 503 ? 60 : undefined } = problem?.details ?? {}
  if (retryAfter !== undefined) ctx.set('Retry-After', String(retryAfter))
  ctx.status = status
  ctx.body = { error, error_description: say }
}
