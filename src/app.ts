// Joins the rooms by hand, once: the one file that knows everybody.
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Koa from 'koa'
import { failedCredentialsClass, turnstileClass } from './api/admission.ts'
import { getMe } from './api/me.api.ts'
import { documentRateClasses } from './apps/documents.ts'
import { createRefusals } from './apps/refusals.ts'
import { auditHandlers } from './audit/audit.api.ts'
import { createSealer } from './audit/seal.ts'
import { addAuthorizationServer } from './authorization-server.ts'
import { consoleRoutes } from './console/routes.ts'
import { tryItCallbackPath } from './console/try-it-pages.ts'
import { accentStyles } from './core/accent.ts'
import type { Config } from './core/config.ts'
import { type Contract, examplePath } from './core/contract.ts'
import { checkHandlers } from './core/contract-mistakes.ts'
import type { Handler, Handlers } from './core/handler.ts'
import { createMetrics } from './core/metrics.ts'
import { Problem } from './core/problems.ts'
import type { Profile } from './core/profile.ts'
import type { Log } from './core/telemetry.ts'
import { createCredentialCache } from './credentials/credential-cache.ts'
import { findPrincipals } from './credentials/credential-store.ts'
import { createProofs } from './credentials/dpop.ts'
import type { SecretFormat } from './credentials/format.ts'
import { loadShapes } from './credentials/imported-shape-store.ts'
import { createImportedShapes } from './credentials/imported-shapes.ts'
import { createLastUse } from './credentials/last-use.ts'
import { rememberProof } from './credentials/proof-store.ts'
import { createValidator } from './credentials/validator.ts'
import type { Database } from './db/connect.ts'
import { isAtHead } from './db/migrate.ts'
import { ownHost } from './documentation/own-host.ts'
import { documentationRoutes } from './documentation/routes.ts'
import { swaggerFiles } from './documentation/swagger.ts'
import { createFrontDoors } from './front-doors.ts'
import { writeKeyUses } from './keys/key-use-store.ts'
import { keysHandlers } from './keys/keys.api.ts'
import { createOrganizationApiKey, type ProvisionParts } from './keys/provision.api.ts'
import { createBackground } from './lib/background.ts'
import type { GuardedFetch } from './lib/guarded-fetch.ts'
import { packageRoot } from './lib/package-root.ts'
import type { Secret } from './lib/secret.ts'
import { type Clock, millisecondsOf } from './lib/time.ts'
import { exchangeCounts } from './limits/rate-count-store.ts'
import { createTurnstile, type Window } from './limits/turnstile.ts'
import type { Mailer } from './mail/mailer.ts'
import { authorizeRateClasses } from './oauth/authorize-limit.ts'
import type { JWKS } from './oauth/engine.ts'
import { deleteSessionsOf } from './oauth/engine-record-store.ts'
import { writeGrantUses } from './oauth/grant-use-store.ts'
import { grantsHandlers } from './oauth/grants.api.ts'
import { wordsOf } from './oauth/interactions/locale.ts'
import { jwks } from './oauth/jwks.ts'
import { shareCounts } from './oauth/presentation.ts'
import { protectedResource } from './oauth/protected-resource.ts'
import { registrationRateClasses } from './oauth/registration-routes.ts'
import { introspectionRateClasses } from './oauth/resource-server-door.ts'
import { readPublicKeys } from './oauth/signing-keys.ts'
import { createTries } from './oauth/try-it.ts'
import { isRead } from './oauth/well-known.ts'
import { appsHandlers } from './offboarding/apps.api.ts'
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
import { createApiHosts, pinHost } from './web/host.ts'
import { metricsPage } from './web/metrics.ts'
import { createOwnRequests } from './web/own-requests.ts'
import { englishErrors, pageErrors } from './web/page-errors.ts'
import { stampRequestId } from './web/request-id.ts'
import { createViews, siteOf } from './web/views.ts'
import { alone, type Siblings } from './workers/siblings.ts'

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
  /** The other workers of this machine; none where there is one process. */
  readonly siblings?: Siblings
  /** How strangers' servers are asked, in place of the usual way. */
  readonly guardedFetch?: GuardedFetch
}

export interface App {
  /** Not listening yet. */
  readonly server: Server
  /**
   * Hears what others have changed, does what no answer waits for, writes what is still in memory alone (when
   * credentials were last used, and how often), and seals what the ledger was told.
   */
  settle(): Promise<void>
  /** Hears what others have changed in the database so far. */
  hear(): Promise<void>
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
  const siblings = parts.siblings ?? alone
  const metrics = createMetrics(siblings.place)
  siblings.answer('metrics', metrics.collect)
  shareCounts(siblings)
  const refusals = createRefusals(database.knex, background)
  const handlers = handlersOf({ ...parts, inviteByMail })
  checkHandlers(contract, handlers)

  const changes = database.listen(log)
  const turnstile = createTurnstile(
    {
      ...windowsOf(profile),
      ...signInRateClasses,
      ...authorizeRateClasses,
      ...registrationRateClasses(profile),
      ...documentRateClasses,
      ...invitationRateClasses,
      ...introspectionRateClasses,
      [failedCredentialsClass]: [profile.failedCredentials],
    },
    {
      redisUrl: config.redisUrl,
      shared: { nodes: changes.nodes, exchange: (told) => exchangeCounts(database, told) },
      log,
    },
  )
  const ownResource = protectedResource(profile, publicUrl)
  const { resource: audience, metadataPath } = ownResource
  const shapes = createImportedShapes(() => loadShapes(database), log)
  const catchUp = siblings.catchUpAll(changes.catchUp)
  const cache = createCredentialCache({
    load: (hashes) => findPrincipals(database, hashes),
    changes,
    entries: config.cachedCredentials,
  })
  const validate = createValidator({ format, shapes, cache, clock })
  const proofs = createProofs({ clock, remember: (hash, until) => rememberProof(database, hash, until) })
  const usesWritten = { api_key: writeKeyUses, access_token: writeGrantUses }
  const lastUse = createLastUse(database.knex, usesWritten, millisecondsOf(clock), log)
  const sealer = createSealer(database.knex, log)
  const sweeper = createSweeper({ db: database.knex, sweeps: sweepsOf(profile), clock, log, metrics })
  const resourceMetadataUrl = profile.oauth.enabled ? publicUrl + metadataPath : null
  const hosts = createApiHosts(publicUrl, profile)
  const { front, streams } = createFrontDoors({
    ...parts,
    handlers,
    validate,
    audience,
    turnstile,
    noteUse: lastUse.note,
    noteLimited: lastUse.noteLimited,
    resourceMetadataUrl,
    proofs,
    hosts,
    changes,
    caughtUp: catchUp,
  })

  const { accent } = profile.brand
  const assets = loadAssets(join(packageRoot, 'public'), {
    also: swaggerFiles,
    more: accent ? { 'app.css': accentStyles(accent) } : {},
  })
  const views = createViews(join(packageRoot, 'views'), siteOf(profile, assets.addresses))
  const sessions = createBrowserSessions(publicUrl, cookieKeys)
  const db = database.knex
  const factorKeys = createFactorKeys(cookieKeys)
  const signIn = createLocalSignIn({ db, turnstile, factorKeys, background, clock })
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

  const app = new Koa()
  app.proxy = true // see pinHost: it alone writes the headers that this trusts
  app.keys = cookieKeys.map((key) => key.reveal())
  app.silent = true // errors are logged where they are answered

  // What a page or the token endpoint has changed holds in this process from its next request on. A token that was
  // given has changed nothing that is kept.
  app.use(async (ctx, next) => {
    await next()
    const isToken = ctx.path === '/oauth/token' && ctx.status === 200
    if (!isRead(ctx) && !isToken) await catchUp()
  })
  app.use(stampRequestId(profile.headers.requestId))
  app.use(health(() => notReady(parts)))
  app.use(logRequests(log, hideInteractionId))
  app.use(pageHeaders(publicUrl))
  app.use(pageErrors(views, log, (ctx) => (isOnTheWay(ctx.path) ? wordsOf(ctx).error : englishErrors)))
  app.use(metricsPage(async () => metrics.read(await siblings.ask('metrics')), config.metricsToken))
  app.use(ownHost(publicUrl, hosts))
  app.use(pinHost(publicUrl))
  app.use((ctx, next) => {
    if (!ctx.state['isPublicHost'] && !ctx.state['isReadersHost']) {
      throw new Problem('misdirected_request', { say: `This address is served at ${publicUrl} alone.` })
    }
    // PostgreSQL keeps no such text: it would be a fault further down.
    if (/%00/.test(ctx.url)) throw new Problem('malformed_address')
    return next()
  })
  app.use(assets.serve)
  app.use(documentationRoutes({ ...people, db, profile, contract, publicUrl }).routes())
  const { mailer } = parts
  const tries = createTries({ publicUrl, cookieKeys, clock, path: tryItCallbackPath })
  const askOurselves = createOwnRequests({ publicUrl, trustedProxies, listening: () => server.address() })
  const tryPath = profile.basePath + examplePath(contract, profile)
  const shown = { db, publicUrl, profile, format, mailer, tries, askOurselves, tryPath }
  const console = { ...people, ...account, ...shown }
  app.use(consoleRoutes(console).routes())
  const shared = { turnstile, proofs, metrics, refusals, background, tries }
  // Where there is an authorization server it publishes the keys itself.
  if (config.forwardAuthJwt && !profile.oauth.enabled)
    app.use(jwks(() => readPublicKeys(db, cookieKeys, clock())))
  const refreshLean = profile.oauth.enabled
    ? addAuthorizationServer(app, { ...parts, ...people, ...shared })
    : () => false as const

  // Node looks every 30 s for requests that take too long: the limits that main.ts sets would come so much late.
  const behindTheFront = app.callback()
  const server = createServer({ connectionsCheckingInterval: 1000 }, (req, res) => {
    if (front(req, res)) return
    const answered = refreshLean(req, res)
    if (answered === false) void behindTheFront(req, res)
    else {
      const handOn = (isDone: boolean) => (isDone ? undefined : behindTheFront(req, res))
      answered.then(handOn).catch((err) => {
        log.error({ err }, 'a refresh failed')
        res.destroy()
      })
    }
  })
  return {
    server,
    hear: changes.catchUp,
    settle: async () => {
      await shapes.reload()
      await changes.catchUp()
      await background.settled()
      await lastUse.write()
      await sealer.seal()
    },
    close: async () => {
      shapes.close()
      streams.close()
      await changes.close()
      await sweeper.close()
      await background.settled()
      await lastUse.close()
      await sealer.close()
      await turnstile.close()
    },
  }
}

/** The windows of the profile's rate classes, as the turnstile calls these. */
function windowsOf({ rateClasses }: Profile): Readonly<Record<string, readonly Window[]>> {
  return Object.fromEntries(
    Object.entries(rateClasses).map(([name, { windows }]) => [turnstileClass(name), windows]),
  )
}

type HandlerParts = Pick<AppParts, 'profile' | 'database' | 'format' | 'clock'> &
  Pick<ProvisionParts, 'inviteByMail'>

/** What carries out the operations of the contract. Of what is not the sample's a document may have what it likes. */
export function handlersOf({ database, ...others }: HandlerParts): Handlers {
  const parts = { ...others, database, db: database.knex }
  const management = new Map<string, Handler>([
    ...keysHandlers(parts),
    ...appsHandlers(parts),
    ...grantsHandlers(parts),
    ...auditHandlers(parts),
    ['getMe', getMe],
  ])
  const unfit = unfitFor(parts.profile)
  for (const id of unfit.keys()) management.delete(id)
  const platform = new Map([['createOrganizationApiKey', createOrganizationApiKey(parts)]])
  return {
    tenant: new Map([...management, ...sampleHandlers(parts)]),
    platform,
    optional: new Set([...management.keys(), ...platform.keys()]),
    unfit,
  }
}

const byCursor = ['listKeys', 'listApps', 'listGrants', 'listAuditEvents']

/** Of our own operations those whose documents would lie under this profile, with the reason. */
function unfitFor({ pagination }: Profile): ReadonlyMap<string, string> {
  const reason = 'It goes by cursors, and pagination.style is "page".'
  return new Map(pagination.style === 'page' ? byCursor.map((id) => [id, reason]) : [])
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
