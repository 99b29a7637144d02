// The authorization server, joined: what stands before the engine, in order, and the engine itself.
import type Koa from 'koa'
import mount from 'koa-mount'
import { createDocuments } from './apps/documents.ts'
import { createLogoFetcher } from './apps/fetch-logo.ts'
import type { Refusals } from './apps/refusals.ts'
import type { Config } from './core/config.ts'
import type { Metrics } from './core/metrics.ts'
import { appScopes, type Profile } from './core/profile.ts'
import type { Log } from './core/telemetry.ts'
import type { Proofs } from './credentials/dpop.ts'
import type { SecretFormat } from './credentials/format.ts'
import type { Database } from './db/connect.ts'
import type { Background } from './lib/background.ts'
import { createGuardedFetch, type GuardedFetch } from './lib/guarded-fetch.ts'
import type { Secret } from './lib/secret.ts'
import type { Clock } from './lib/time.ts'
import type { Turnstile } from './limits/turnstile.ts'
import { ignoreIdentityParameters } from './oauth/authorization-request.ts'
import { limitAuthorize } from './oauth/authorize-limit.ts'
import { createCodes } from './oauth/codes.ts'
import { createEngine, engineCookieNames } from './oauth/configuration.ts'
import { askForDocuments } from './oauth/document-clients.ts'
import type { JWKS } from './oauth/engine.ts'
import { commitExchanges } from './oauth/exchange.ts'
import { keepBrokenLinks } from './oauth/interactions/broken-link.ts'
import { wordsOf } from './oauth/interactions/locale.ts'
import { interactionRoutes } from './oauth/interactions/routes.ts'
import { jwks } from './oauth/jwks.ts'
import { createLeanRefresh, type LeanStep } from './oauth/lean-refresh.ts'
import { speakTruth } from './oauth/metadata.ts'
import { protectedResource } from './oauth/protected-resource.ts'
import { registrationMetadata, registrationRoutes } from './oauth/registration-routes.ts'
import { switchContextsOff } from './oauth/request-context.ts'
import { rememberFinds } from './oauth/request-memory.ts'
import { createResources, normalizeRequestedResource } from './oauth/resources.ts'
import { createRefresh } from './oauth/rotation.ts'
import { bridgeSessions } from './oauth/session-bridge.ts'
import { readPublicKeys } from './oauth/signing-keys.ts'
import { tellRefusals } from './oauth/tell-refusals.ts'
import type { Tries } from './oauth/try-it.ts'
import { wellKnown } from './oauth/well-known.ts'
import { giveUp } from './offboarding/give-up.ts'
import type { SignIn } from './operators/sign-in.ts'
import type { BrowserSessions } from './web/browser-session.ts'
import { showError } from './web/page-errors.ts'
import { requestId } from './web/request-id.ts'
import type { Views } from './web/views.ts'

export interface AuthorizationServerParts {
  readonly config: Config
  readonly profile: Profile
  readonly format: SecretFormat
  readonly database: Database
  readonly log: Log
  readonly clock: Clock
  readonly cookieKeys: readonly Secret[]
  readonly signingKeys: JWKS
  readonly turnstile: Turnstile
  readonly proofs: Proofs
  readonly metrics: Metrics
  readonly refusals: Refusals
  readonly background: Background
  readonly tries: Tries
  readonly views: Views
  readonly sessions: BrowserSessions
  readonly signIn: SignIn
  /** How strangers' servers are asked, in place of the usual way. */
  readonly guardedFetch?: GuardedFetch
}

/**
 * Adds its steps, in the order of a request. The engine answers all that nothing before it did.
 * @returns what stands before Koa
 */
export function addAuthorizationServer(app: Koa, parts: AuthorizationServerParts): LeanStep {
  const { profile, database, log, clock, cookieKeys, turnstile, metrics, refusals, background } = parts
  const { publicUrl, trustedProxies } = parts.config
  const { views, sessions, tries } = parts
  const db = database.knex
  const ownResource = protectedResource(profile, publicUrl)
  const resources = createResources(database, ownResource.resource, appScopes(profile))
  const codes = createCodes(database)
  const refresh = createRefresh({
    ...parts,
    tokenUrl: `${publicUrl}/oauth/token`,
    accessTokenSeconds: profile.oauth.accessTokenSeconds,
  })
  const engine = createEngine({
    ...parts,
    publicUrl,
    resources,
    resumeUrl: `${publicUrl}/oauth/authorize`,
    refresh,
    codes,
    renderError: (ctx, { error, error_description: reason }) => {
      const { engineErrors, error: words } = wordsOf(ctx)
      const say = engineErrors[error] ?? engineErrors.other
      showError(views, ctx, ctx.status, { error, say, reason: reason ?? null }, words)
    },
  })
  tries.teach(engine)
  tellRefusals(engine, { refusals, metrics })
  engine.on('server_error', (ctx, err) => {
    log.error({ request_id: requestId(ctx), err }, 'authorization server failed')
  })

  const guardedFetch = parts.guardedFetch ?? createGuardedFetch()
  const logoChanged = createLogoFetcher({ db, fetch: guardedFetch, background, refusals })
  const shared = { ...parts, db, publicUrl, trustedProxies, giveUp, logoChanged }
  const documents = profile.oauth.clientMetadataDocuments.enabled
    ? createDocuments({ ...shared, fetch: guardedFetch })
    : null
  const tryItUri = tries.redirectUri

  app.use(switchContextsOff())
  app.use(wellKnown(ownResource))
  app.use(jwks(() => readPublicKeys(db, cookieKeys, clock())))
  app.use(rememberFinds())
  app.use(interactionRoutes({ ...shared, engine, resources, tryItUri }).routes())
  app.use(registrationRoutes(shared).routes())
  app.use(limitAuthorize(turnstile, trustedProxies))
  app.use(ignoreIdentityParameters())
  app.use(bridgeSessions(database, sessions, engineCookieNames(publicUrl).session, clock))
  app.use(tries.admit)
  app.use(normalizeRequestedResource())
  app.use(speakTruth(registrationMetadata(profile, publicUrl)))
  app.use(askForDocuments(documents, trustedProxies))
  app.use(commitExchanges({ codes, trustedProxies, refusals, metrics }))
  app.use(keepBrokenLinks(database, views, engine))
  app.use(mount('/', engine))
  return createLeanRefresh({ ...parts, refresh, publicUrl, trustedProxies })
}
