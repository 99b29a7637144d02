// The engine's configuration: public clients, code with PKCE S256, refresh, and nothing else.
import type { Context } from 'koa'
import { isLoopback } from '../core/config.ts'
import { appScopes, type Profile } from '../core/profile.ts'
import { parseScopes, printScopes } from '../core/scopes.ts'
import { proofAlgorithms } from '../credentials/dpop.ts'
import type { SecretFormat } from '../credentials/format.ts'
import { sha256 } from '../lib/digest.ts'
import type { Secret } from '../lib/secret.ts'
import { epochSeconds, hourSeconds } from '../lib/time.ts'
import { type AdapterParts, createAdapterFactory } from './adapter.ts'
import { settleScope } from './authorization-request.ts'
import { createProvider } from './code-grant.ts'
import { type Configuration, type Engine, errors, type JWKS, type KoaContextWithOIDC } from './engine.ts'
import { currentExchange } from './exchange.ts'
import { grantOfRequest, promptPolicy } from './grant-of-request.ts'
import { handedOn } from './lean-refresh.ts'
import { present } from './presentation.ts'
import { normalizeResource } from './resource-uri.ts'
import type { Resources } from './resources.ts'
import type { Refresh, RefreshRequest } from './rotation.ts'
import { beginEngineSession } from './session-bridge.ts'

export interface EngineParts extends AdapterParts {
  readonly profile: Profile
  readonly format: SecretFormat
  readonly publicUrl: string
  /** What access tokens can be for. */
  readonly resources: Resources
  readonly cookieKeys: readonly Secret[]
  readonly signingKeys: JWKS
  readonly refresh: Refresh
  readonly renderError: (
    ctx: Context,
    error: { readonly error: string; readonly error_description?: string | undefined },
  ) => void
}

/** How long a person may take from the app's link to the answer. */
export const interactionSeconds = hourSeconds

/** The engine's cookies: prefixes that bind them to our host need https. */
export function engineCookieNames(publicUrl: string): {
  session: string
  interaction: string
  resume: string
} {
  const secure = publicUrl.startsWith('https:')
  return {
    session: secure ? '__Host-latchkey_oauth' : 'latchkey_oauth',
    interaction: secure ? '__Secure-latchkey_interaction' : 'latchkey_interaction',
    resume: secure ? '__Secure-latchkey_resume' : 'latchkey_resume',
  }
}

/** The authorization server, ready to be mounted at the root. */
export function createEngine(parts: EngineParts): Engine {
  const engine = createProvider(parts.codes, parts.publicUrl, configurationOf(parts))
  writeSecretsInOurFormat(engine, parts.format)
  // Documented seam: a grant type registered again takes the place of the built-in one.
  engine.registerGrantType(
    'refresh_token',
    async (ctx) => {
      ctx.type = 'application/json'
      ctx.body = await answerRefresh(parts.refresh, ctx)
    },
    ['refresh_token', 'scope', 'resource'],
    ['resource'],
  )
  return engine
}

async function answerRefresh(refresh: Refresh, ctx: KoaContextWithOIDC): Promise<string> {
  const before = handedOn(ctx.req)
  // What was found out on the lean way is not found out again: it may have ended the family.
  if (before?.refusal) throw before.refusal.thrown
  const request = before?.request ?? readRefreshRequest(ctx)
  return await refresh.answer(request, await refresh.find(request))
}

function readRefreshRequest(ctx: KoaContextWithOIDC): RefreshRequest {
  const { params, client } = ctx.oidc
  const { refresh_token: refreshToken, scope, resource } = params ?? {}
  const exchange = currentExchange()
  if (!client || !exchange) throw new Error('a refresh without its client or exchange')
  if (typeof refreshToken !== 'string' || refreshToken === '') {
    throw new errors.InvalidRequest("missing required parameter(s) ('refresh_token')")
  }
  return {
    presentation: present(sha256(refreshToken)),
    clientId: client.clientId,
    refreshToken,
    scope: typeof scope === 'string' ? scope : undefined,
    resource: [resource ?? []].flat().map((it) => normalizeResource(String(it)) ?? String(it)),
    proof: ctx.get('DPoP') || null,
    elapsedMs: exchange.elapsedMs,
    origin: exchange.origin,
  }
}

function configurationOf(parts: EngineParts): Configuration {
  const { profile, resources, publicUrl } = parts
  const scopes = appScopes(profile)
  const secure = publicUrl.startsWith('https:')
  const cookie = { httpOnly: true, sameSite: 'lax', signed: true, secure } as const
  return {
    adapter: createAdapterFactory(parts),
    jwks: parts.signingKeys,
    cookies: {
      keys: parts.cookieKeys.map((key) => key.reveal()),
      names: engineCookieNames(publicUrl),
      long: { ...cookie, path: '/' },
      short: cookie,
    },
    responseTypes: ['code'],
    scopes: ['offline_access', ...scopes],
    clientAuthMethods: ['none'],
    enabledJWA: { dPoPSigningAlgValues: [...proofAlgorithms] },
    clientDefaults: {
      token_endpoint_auth_method: 'none',
      response_modes: ['query'],
      application_type: 'native',
      id_token_signed_response_alg: 'ES256',
    },
    pkce: { required: () => true },
    rotateRefreshToken: true,
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async () => false,
    revokeGrantPolicy: () => true,
    allowOmittingSingleRegisteredRedirectUri: true,
    // The person was seen to be there when the grant was made, and takes it along when disabled.
    findAccount: async (ctx, sub) => {
      writeResourceOurWay(ctx)
      return { accountId: sub, claims: async () => ({ sub }) }
    },
    loadExistingGrant: (ctx) => grantOfRequest(parts, ctx),
    extraParams: {
      // The account that the app would like to be chosen. Called last of all that looks at a request: it is
      // well formed then, and whether a person has to be asked comes next.
      organization: async (ctx, _value, client) => {
        beginEngineSession(ctx)
        await settleScope(parts, ctx, client)
      },
    },
    interactions: {
      policy: promptPolicy(),
      url: (_ctx, interaction) => `/interaction/${interaction.uid}`,
    },
    clientBasedCORS: (_ctx, origin, client) =>
      (client.redirectUris ?? []).some((uri) => isOriginOf(origin, uri)),
    renderError: (ctx, out) => parts.renderError(ctx, out),
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      dPoP: { enabled: true },
      revocation: {
        enabled: true,
        allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId,
      },
      resourceIndicators: {
        enabled: true,
        // It is asked as well when several were named: a grant is for one.
        defaultResource: (_ctx, _client, oneOf) => {
          if (oneOf) throw new errors.InvalidTarget('name one resource')
          return resources.own.audience
        },
        useGrantedResource: () => true,
        getResourceServerInfo: async (ctx, name, client) => {
          if (Array.isArray(ctx.oidc.params?.['resource']))
            throw new errors.InvalidTarget('name one resource')
          const resource = normalizeResource(name) === name ? await resources.find(name) : null
          if (!resource) throw new errors.InvalidTarget()
          const allowed = parseScopes(client.scope)
          return {
            scope: printScopes(resource.scopes.filter((scope) => allowed.has(scope))),
            audience: resource.audience,
            accessTokenFormat: 'opaque',
          }
        },
      },
    },
    ttl: {
      AccessToken: () => Math.min(profile.oauth.accessTokenSeconds, grantSecondsLeft(parts)),
      AuthorizationCode: profile.oauth.authorizationCodeSeconds,
      RefreshToken: () => grantSecondsLeft(parts),
      Interaction: interactionSeconds,
      Session: interactionSeconds,
      Grant: profile.oauth.refreshTokenSeconds,
      IdToken: interactionSeconds,
    },
    routes: {
      authorization: '/oauth/authorize',
      token: '/oauth/token',
      revocation: '/oauth/revoke',
      jwks: '/oauth/jwks',
      end_session: '/oauth/logout',
    },
  }
}

/**
 * The engine compares a token request's resource with the code's letter by letter, and looks for the account right
 * before: here it is written as we write it.
 */
function writeResourceOurWay({ oidc: { params } }: KoaContextWithOIDC): void {
  const named = params?.['resource']
  if (params && typeof named === 'string') params['resource'] = normalizeResource(named) ?? named
}

/** Nothing that a grant mints outlives it. */
function grantSecondsLeft({ clock }: EngineParts): number {
  const grant = currentExchange()?.code?.grant
  if (!grant) throw new Error('a token minted outside of an exchange')
  return Math.max(1, epochSeconds(grant.expiresAt) - epochSeconds(clock()))
}

/** The engine has no setting for how ids look; its models' own method is the documented-by-use seam. */
function writeSecretsInOurFormat(engine: Engine, format: SecretFormat): void {
  // generateTokenId is missing from the engine's published types.
  const models = engine as unknown as Record<
    'AccessToken' | 'RefreshToken' | 'AuthorizationCode',
    { prototype: { generateTokenId(): string } }
  >
  const original = models.AccessToken.prototype.generateTokenId
  models.AccessToken.prototype.generateTokenId = function () {
    original.call(this) // for what it notes on the token: its format
    const grant = currentExchange()?.code?.grant
    if (!grant) throw new Error('an access token minted outside of an exchange')
    return format.write('access_token', grant.mode).reveal()
  }
  models.RefreshToken.prototype.generateTokenId = () => format.write('refresh_token', 'live').reveal()
  models.AuthorizationCode.prototype.generateTokenId = () =>
    format.write('authorization_code', 'live').reveal()
}

/** Does a page of this origin belong to the app with this redirect URI? On loopback any port does (RFC 8252). */
function isOriginOf(origin: string, uri: string): boolean {
  if (!URL.canParse(origin) || !/^https?:/.test(uri)) return false
  const [page, app] = [new URL(origin), new URL(uri)]
  if (isLoopback(app.hostname)) return page.protocol === app.protocol && page.hostname === app.hostname
  return page.origin === app.origin
}
