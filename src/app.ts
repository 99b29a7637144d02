// Joins the rooms by hand, once: the one file that knows everybody.
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Koa from 'koa'
import mount from 'koa-mount'
import { getMe } from './api/me.api.ts'
import { createApi, failedCredentialsClass } from './api/pipeline.ts'
import { createDocuments, documentRateClasses } from './apps/documents.ts'
import { createLogoFetcher } from './apps/fetch-logo.ts'
import { createRefusals } from './apps/refusals.ts'
import { createSealer } from './audit/seal.ts'
import { docsRoutes } from './console/docs.ts'
import { consoleRoutes } from './console/routes.ts'
import { tryItCallbackPath } from './console/try-it-pages.ts'
import type { Config } from './core/config.ts'
import { type Contract, checkHandlers } from './core/contract.ts'
import type { Handlers } from './core/handler.ts'
import { createMetrics } from './core/metrics.ts'
import { Problem } from './core/problems.ts'
import { appScopes, type Profile } from './core/profile.ts'
import type { Log } from './core/telemetry.ts'
import { findPrincipal } from './credentials/credential-store.ts'
import { createProofs } from './credentials/dpop.ts'
import type { SecretFormat } from './credentials/format.ts'
import { createLastUse } from './credentials/last-use.ts'
import { rememberProof } from './credentials/proof-store.ts'
import { createValidator } from './credentials/validator.ts'
import type { Database } from './db/connect.ts'
import { isAtHead } from './db/migrate.ts'
import { writeKeyUses } from './keys/key-use-store.ts'
import { keysHandlers } from './keys/keys.api.ts'
import { createOrganizationApiKey, type ProvisionParts } from './keys/provision.api.ts'
import { createBackground } from './lib/background.ts'
import type { Digest } from './lib/digest.ts'
import { createGuardedFetch, type GuardedFetch } from './lib/guarded-fetch.ts'
import { packageRoot } from './lib/package-root.ts'
import type { Secret } from './lib/secret.ts'
import type { Clock } from './lib/time.ts'
import { createTurnstile } from './limits/turnstile.ts'
import type { Mailer } from './mail/mailer.ts'
import { ignoreIdentityParameters } from './oauth/authorization-request.ts'
import { authorizeRateClasses, limitAuthorize } from './oauth/authorize-limit.ts'
import { createEngine, engineCookieNames } from './oauth/configuration.ts'
import { askForDocuments } from './oauth/document-clients.ts'
import type { JWKS } from './oauth/engine.ts'
import { deleteSessionsOf } from './oauth/engine-record-store.ts'
import { commitExchanges } from './oauth/exchange.ts'
import { writeGrantUses } from './oauth/grant-use-store.ts'
import { keepBrokenLinks } from './oauth/interactions/broken-link.ts'
import { wordsOf } from './oauth/interactions/locale.ts'
import { interactionRoutes } from './oauth/interactions/routes.ts'
import { introspection, introspectionRateClasses } from './oauth/introspection.ts'
import { jwks } from './oauth/jwks.ts'
import { speakTruth } from './oauth/metadata.ts'
import { protectedResource } from './oauth/protected-resource.ts'
import {
  registrationMetadata,
  registrationRateClasses,
  registrationRoutes,
} from './oauth/registration-routes.ts'
import { rememberFinds } from './oauth/request-memory.ts'
import { createResources, normalizeRequestedResource } from './oauth/resources.ts'
import { bridgeSessions } from './oauth/session-bridge.ts'
import { readPublicKeys } from './oauth/signing-keys.ts'
import { tellRefusals } from './oauth/tell-refusals.ts'
import { createTries } from './oauth/try-it.ts'
import { isRead, wellKnown } from './oauth/well-known.ts'
import { giveUp } from './offboarding/give-up.ts'
import { sendInvitation } from './operators/invitation-mail.ts'
import { invitationRateClasses, invitationUrl } from './operators/invite.ts'
import { createFactorKeys } from './operators/second-factor.ts'
import { createLocalSignIn } from './operators/sign-in.ts'
import { signInRateClasses } from './operators/throttle.ts'
import { sampleHandlers } from './sample/sample.api.ts'
import { createSweeper } from './sweeping/sweeper.ts'
import { sweepsOf } from './sweeping/sweeps.ts'
import { logRequests } from './web/access-log.ts'
import { loadAssets } from './web/assets.ts'
import { createBrowserSessions } from './web/browser-session.ts'
import { pageHeaders } from './web/headers.ts'
import { health } from './web/health.ts'
import { pinHost } from './web/host.ts'
import { metricsPage } from './web/metrics.ts'
import { createOwnRequests } from './web/own-requests.ts'
import { englishErrors, pageErrors, showError } from './web/page-errors.ts'
import { requestId, stampRequestId } from './web/request-id.ts'
import { createViews } from './web/views.ts'

export interface AppParts {
  readonly config: Config
  readonly profile: Profile
  readonly contract: Contract
  readonly format: SecretFormat
  readonly database: Database
  readonly log: Log
  readonly clock: Clock
  readonly cookieKeys: readonly Secret[]
  readonly signingKeys: JWKS
  readonly mailer: Mailer
  /** True once the server has been told to stop. */
  readonly isStopping: () => boolean
  /** How strangers' servers are asked, in place of the usual way. */
  readonly guardedFetch?: GuardedFetch
}

export interface App {
  /** Not listening yet. */
  readonly server: Server
  /**
   * Does what no answer waits for, writes what is still in memory alone (when credentials were last used), and seals
   * what the ledger was told.
   */
  settle(): Promise<void>
  close(): Promise<void>
}

/** @throws StartupError when the contract and the handlers disagree */
export function build(parts: AppParts): App {
  const { config, profile, contract, format, database, log, clock, cookieKeys } = parts
  const { publicUrl, trustedProxies } = config
  const background = createBackground((err) => log.error({ err }, 'work in the background failed'))
  const inviteByMail: ProvisionParts['inviteByMail'] = (invited, organization) => {
    for (const { invitation, token } of invited) {
      const letter = { invitation, url: invitationUrl(publicUrl, token), organization, inviter: null }
      background.run(() => sendInvitation(parts.mailer, { ...letter, brand: profile.brand.name }))
    }
  }
  const metrics = createMetrics()
  const refusals = createRefusals(database.knex, background)
  const handlers = handlersOf({ ...parts, inviteByMail })
  checkHandlers(contract, handlers)

  const turnstile = createTurnstile(
    {
      ...profile.rateClasses,
      ...signInRateClasses,
      ...authorizeRateClasses,
      ...registrationRateClasses(profile),
      ...documentRateClasses,
      ...invitationRateClasses,
      ...introspectionRateClasses,
      [failedCredentialsClass]: [profile.failedCredentials],
    },
    config.redisUrl,
  )
  const ownResource = protectedResource(profile, publicUrl)
  const { resource: audience, metadataPath } = ownResource
  const validatorParts = { format, find: (hash: Digest) => findPrincipal(database, hash), clock, audience }
  const validate = createValidator(validatorParts)
  const proofs = createProofs({ clock, remember: (hash, until) => rememberProof(database, hash, until) })
  const usesWritten = { api_key: writeKeyUses, access_token: writeGrantUses }
  const lastUse = createLastUse(database.knex, usesWritten, clock, log)
  const sealer = createSealer(database.knex, log)
  const sweeper = createSweeper({ db: database.knex, sweeps: sweepsOf(profile), clock, log, metrics })
  const resourceMetadataUrl = publicUrl + metadataPath
  const api = createApi({
    profile,
    contract,
    handlers,
    validate,
    turnstile,
    noteUse: lastUse.note,
    log,
    trustedProxies,
    resourceMetadataUrl,
    proofs,
    publicUrl,
  })

  const assets = loadAssets(join(packageRoot, 'public'))
  const site = { brand: profile.brand.name, summary: profile.brand.summary, assets: assets.addresses }
  const views = createViews(join(packageRoot, 'views'), site)
  const sessions = createBrowserSessions(publicUrl, cookieKeys)
  const db = database.knex
  const factorKeys = createFactorKeys(cookieKeys)
  const signIn = createLocalSignIn({ db, turnstile, factorKeys, background, clock })
  const resources = createResources(database, audience, appScopes(profile))
  const engine = createEngine({
    ...parts,
    publicUrl,
    resources,
    resumeUrl: `${publicUrl}/oauth/authorize`,
    tokenUrl: `${publicUrl}/oauth/token`,
    proofs,
    metrics,
    accessTokenSeconds: profile.oauth.accessTokenSeconds,
    renderError: (ctx, { error, error_description: reason }) => {
      const { engineErrors, error: words } = wordsOf(ctx)
      const say = engineErrors[error] ?? engineErrors.other
      showError(views, ctx, ctx.status, { error, say, reason: reason ?? null }, words)
    },
  })
  const people = { views, sessions, signIn, clock, trustedProxies }
  const forgotPassword = {
    db,
    turnstile,
    background,
    mailer: parts.mailer,
    clock,
    publicUrl,
    brand: profile.brand.name,
  }
  const account = { turnstile, factorKeys, forgotPassword, endElsewhere: deleteSessionsOf }

  const guardedFetch = parts.guardedFetch ?? createGuardedFetch()
  const logoChanged = createLogoFetcher({ db, fetch: guardedFetch, background, refusals })
  const registering = {
    db,
    profile,
    format,
    clock,
    publicUrl,
    turnstile,
    trustedProxies,
    refusals,
    metrics,
    log,
    giveUp,
  }
  const documents = profile.oauth.clientMetadataDocuments.enabled
    ? createDocuments({
        database,
        profile,
        fetch: guardedFetch,
        turnstile,
        refusals,
        clock,
        giveUp,
        logoChanged,
      })
    : null

  const app = new Koa()
  app.proxy = true // see pinHost: it alone writes the headers that this trusts
  app.keys = cookieKeys.map((key) => key.reveal())
  app.silent = true // errors are logged where they are answered

  app.use(stampRequestId(profile.headers.requestId))
  app.use(health(() => notReady(parts)))
  app.use(logRequests(log, hideInteractionId))
  app.use((ctx, next) => {
    const { path } = ctx
    if (path === `${profile.basePath}/openapi.json` && isRead(ctx)) {
      ctx.body = contract.document
      return undefined
    }
    return path === profile.basePath || path.startsWith(`${profile.basePath}/`) ? api(ctx) : next()
  })
  app.use(pageHeaders(publicUrl))
  app.use(pageErrors(views, log, (ctx) => (isOnTheWay(ctx.path) ? wordsOf(ctx).error : englishErrors)))
  app.use(metricsPage(metrics.read, config.metricsToken))
  app.use(pinHost(publicUrl))
  app.use((ctx, next) => {
    if (!ctx.state['isPublicHost']) {
      throw new Problem('misdirected_request', { say: `This address is served at ${publicUrl} alone.` })
    }
    // PostgreSQL keeps no such text: it would be a fault further down.
    if (/%00/.test(ctx.url)) throw new Problem('malformed_address')
    return next()
  })
  app.use(assets.serve)
  app.use(wellKnown(ownResource))
  app.use(jwks(() => readPublicKeys(database.knex, cookieKeys, clock())))
  app.use(
    introspection({
      ...validatorParts,
      database,
      turnstile,
      log,
      trustedProxies,
      issuer: publicUrl,
      noteUse: lastUse.note,
    }),
  )
  app.use(docsRoutes(profile, contract, publicUrl, views).routes())
  const { mailer } = parts
  const tries = createTries({ publicUrl, cookieKeys, clock, path: tryItCallbackPath })
  const askOurselves = createOwnRequests({ publicUrl, trustedProxies, listening: () => server.address() })
  const console = { ...people, ...account, db, publicUrl, profile, format, mailer, tries, askOurselves }
  app.use(consoleRoutes(console).routes())
  const tryItUri = tries.redirectUri
  app.use(rememberFinds())
  app.use(interactionRoutes({ ...people, engine, database, profile, resources, tryItUri }).routes())
  app.use(registrationRoutes({ ...registering, logoChanged }).routes())
  app.use(limitAuthorize(turnstile, trustedProxies))
  app.use(ignoreIdentityParameters())
  app.use(bridgeSessions(database, sessions, engineCookieNames(publicUrl).session, clock))
  app.use(tries.admit)
  app.use(normalizeRequestedResource())
  app.use(speakTruth(registrationMetadata(profile, publicUrl)))
  app.use(askForDocuments(documents, trustedProxies))
  app.use(commitExchanges({ database, trustedProxies, refusals, metrics }))
  app.use(keepBrokenLinks(database, views, engine))
  app.use(mount('/', engine))
  tries.teach(engine)
  tellRefusals(engine, { refusals, metrics })
  engine.on('server_error', (ctx, err) => {
    log.error({ request_id: requestId(ctx), err }, 'authorization server failed')
  })

  // Node looks every 30 s for requests that take too long: the limits that main.ts sets would come so much late.
  const server = createServer({ connectionsCheckingInterval: 1000 }, app.callback())
  return {
    server,
    settle: async () => {
      await background.settled()
      await lastUse.write()
      await sealer.seal()
    },
    close: async () => {
      await sweeper.close()
      await background.settled()
      await lastUse.close()
      await sealer.close()
      await turnstile.close()
    },
  }
}

type HandlerParts = Pick<AppParts, 'profile' | 'database' | 'format' | 'clock'> &
  Pick<ProvisionParts, 'inviteByMail'>

/** What carries out the operations of the contract. */
export function handlersOf({ database, ...others }: HandlerParts): Handlers {
  const parts = { ...others, db: database.knex }
  return {
    tenant: new Map([...sampleHandlers(parts.profile, parts.db), ...keysHandlers(parts), ['getMe', getMe]]),
    platform: new Map([['createOrganizationApiKey', createOrganizationApiKey(parts)]]),
  }
}

/** The id of an interaction is half of what resumes it: the other half is a cookie. */
function hideInteractionId(path: string): string {
  return path.replace(/^(\/interaction|\/oauth\/authorize)\/[^/]+/i, '$1/(id)')
}

/** The pages that a person sees between an app's link and its answer: they speak the person's language. */
function isOnTheWay(path: string): boolean {
  return /^\/(interaction|oauth\/authorize)(\/|$)/i.test(path)
}

const readyWithinMs = 2000

async function notReady({ database, isStopping }: AppParts): Promise<string | null> {
  if (isStopping()) return 'the server is stopping'
  try {
    const late = sleep(readyWithinMs, undefined, { ref: false }).then(() =>
      Promise.reject(new Error('no answer')),
    )
    const atHead = await Promise.race([isAtHead(database.knex), late])
    return atHead ? null : 'the database lacks migrations'
  } catch {
    return 'the database does not answer'
  }
}
