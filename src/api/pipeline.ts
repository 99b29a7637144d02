// The way of a request through the API, in order: credential → principal → operation → limit → scopes →
// input → handler. It is one step in the server's own chain, since each of those costs every request.
import type { Context } from 'koa'
import { actorOf, type Origin } from '../core/attribution.ts'
import type { Contract, Operation } from '../core/contract.ts'
import type { Answer, Call, Handlers } from '../core/handler.ts'
import { type Principal, principalId, requirePlatform, requireScopes } from '../core/principal.ts'
import { asProblem, Problem } from '../core/problems.ts'
import { type Profile, takesBearers } from '../core/profile.ts'
import { printScopes } from '../core/scopes.ts'
import type { Log } from '../core/telemetry.ts'
import type { Proofs } from '../credentials/dpop.ts'
import type { LastUse } from '../credentials/last-use.ts'
import type { Validate } from '../credentials/validator.ts'
import { Secret } from '../lib/secret.ts'
import type { Allowance, Turnstile } from '../limits/turnstile.ts'
import { addToLog } from '../web/access-log.ts'
import { readJson } from '../web/body.ts'
import { clientName, originOf } from '../web/client-address.ts'
import { envelopeOf } from '../web/envelope.ts'
import type { ApiHosts } from '../web/host.ts'
import { requestId } from '../web/request-id.ts'
import { challengeOf } from './challenge.ts'
import { readCredential } from './credential.ts'
import { isBoundToken, requirePossession } from './possession.ts'
import { createRoute, type Routed } from './router.ts'

export interface ApiParts {
  readonly profile: Profile
  readonly contract: Contract
  readonly handlers: Handlers
  readonly validate: Validate
  readonly turnstile: Turnstile
  /** Hears of each good credential that is presented, and for what. */
  readonly noteUse: LastUse['note']
  readonly log: Log
  readonly trustedProxies: number
  /** RFC 9728: where a client learns how to get a token; null where there are none. */
  readonly resourceMetadataUrl: string | null
  readonly proofs: Proofs
  readonly publicUrl: string
  readonly hosts: ApiHosts
}

/** Limits of refused credentials are counted under this name, by address. */
export const failedCredentialsClass = 'failed-credentials'

/** How the turnstile calls a class of the profile: a vendor may name one as one of our own is named. */
export const turnstileClass = (rateClass: string): string => `api/${rateClass}`

/** One request on its way: what the steps have learned so far. */
interface Passage {
  readonly ctx: Context
  /** As the contract writes it. */
  readonly path: string
  readonly query: URLSearchParams
  readonly origin: Origin
  credential: Secret | null
  /** Whether the credential is bound to a key, as far as it is known. */
  isBound: boolean
  who: Principal | null
  routed: Routed | null
  allowance: Allowance | null
}

type Step = (passage: Passage) => void | Promise<void>

/** Answers everything that is the API's, by its path as the contract writes it. */
export function createApi(parts: ApiParts): (ctx: Context, path: string) => Promise<void> {
  const { profile, contract, handlers } = parts
  const envelope = envelopeOf(profile, parts.publicUrl)
  const route = createRoute(contract)
  const anyRateClass = Object.keys(profile.rateClasses)[0] ?? ''

  const authenticate: Step = async (passage) => {
    const { ctx, query, origin } = passage
    const address = origin.address ?? ''
    try {
      const presented = readCredential(ctx.req, query, profile.credentials, profile.oauth.enabled)
      passage.credential = new Secret(presented.secret)
      passage.isBound = presented.scheme === 'dpop'
      const who = await parts.validate(presented.secret, address)
      passage.isBound = isBoundToken(who)
      await requirePossession(parts.proofs, ctx.req, parts.hosts.addressOf, presented, who)
      passage.who = who
    } catch (thrown) {
      // Only refusals are counted by address: good credentials are counted by themselves, below.
      await parts.turnstile.pass(failedCredentialsClass, address, (told) => {
        passage.allowance = told
      })
      // What is our fault counts for nothing; every answer tells of a limit, though, and whose it was nobody knows.
      if (asProblem(thrown).status >= 500) await parts.turnstile.refund(failedCredentialsClass, address)
      throw thrown
    }
    const { who } = passage
    addToLog(ctx, {
      principal: principalId(who),
      ...(who.kind === 'platform_key' ? {} : { organization: who.organization, mode: who.mode }),
    })
  }

  const findOperation: Step = (passage) => {
    const { ctx, who, origin } = passage
    passage.routed = route(ctx.method, passage.path)
    const { operation } = passage.routed
    parts.noteUse(known(who), {
      address: origin.address,
      client: clientName(ctx.req),
      operation: operation && `${operation.method} ${operation.path}`,
    })
  }

  // Before a wrong address is refused: guessing at addresses is counted too.
  const limit: Step = async (passage) => {
    const who = known(passage.who)
    const rateClass = passage.routed?.operation?.rateClass ?? anyRateClass
    await parts.turnstile.pass(
      turnstileClass(rateClass),
      countedAs(who, profile.rateClasses[rateClass]),
      (told) => {
        passage.allowance = told
      },
    )
  }

  const refuseUnknown: Step = ({ routed }) => {
    const { operation, allow } = known(routed)
    if (operation) return
    throw allow.length > 0 ? new Problem('method_not_allowed', { allow }) : new Problem('route_not_found')
  }

  const runOperation: Step = async ({ ctx, query, who: principal, routed, origin, credential }) => {
    const { operation, params } = known(routed)
    if (!operation) throw new Error('an unknown operation was not refused')
    const who = known(principal)
    const run = runnerOf(operation, who)
    // PostgreSQL keeps no such text, so nothing can be found by it.
    if (Object.values(params).some((value) => value.includes('\0'))) throw new Problem('resource_not_found')
    const body = await readBody(ctx, operation)
    // A body may be sent as slowly as its sender likes: what was good at its start may have ended since.
    if (operation.readBody) await parts.validate(known(credential).reveal(), origin.address ?? '')
    const answer = await run({
      params,
      query: operation.readQuery(Object.fromEntries(query)),
      body,
      attribution: { ...origin, actor: actorOf(who) },
      idempotencyKey: ctx.get('Idempotency-Key') || null,
      credential: known(credential),
    })
    show(ctx, answer, operation)
  }

  /** The operation's handler, with the proof that this principal may call it. */
  const runnerOf = (
    operation: Operation,
    who: Principal,
  ): ((input: Omit<Call, 'caller'>) => Promise<Answer>) => {
    if (operation.credential === 'platform') {
      const caller = requirePlatform(who)
      const handler = known(handlers.platform.get(operation.id) ?? null)
      return (input) => handler({ ...input, caller })
    }
    const caller = requireScopes(who, operation)
    const handler = known(handlers.tenant.get(operation.id) ?? null)
    return (input) => handler({ ...input, caller })
  }

  const readBody = async (ctx: Context, { readBody: read, requiresBody }: Operation) => {
    if (!read) return {}
    const isLeftOut = !requiresBody && !ctx.get('Transfer-Encoding') && (ctx.request.length ?? 0) === 0
    return read(isLeftOut ? {} : await readJson(ctx.req))
  }

  const show = (ctx: Context, answer: Answer, { descriptions }: Operation): void => {
    if (answer.kind === 'nothing') {
      ctx.status = 204
      return
    }
    const status = answer.kind === 'item' ? answer.status : 200
    const success = { status, message: descriptions[status] ?? '', requestId: requestId(ctx) }
    ctx.status = status
    ctx.body = answer.kind === 'item' ? envelope.item(answer.item, success) : envelope.list(answer, success)
    if (answer.kind === 'list' && answer.nextCursor !== null && profile.pagination.style === 'link')
      ctx.set('Link', `<${nextAddress(ctx, parts, answer.nextCursor)}>; rel="next"`)
  }

  const steps: readonly Step[] = [authenticate, findOperation, limit, refuseUnknown, runOperation]

  return async (ctx, path) => {
    const passage: Passage = {
      ctx,
      path,
      query: new URLSearchParams(ctx.querystring),
      origin: originOf(ctx, parts.trustedProxies),
      credential: null,
      isBound: false,
      who: null,
      routed: null,
      allowance: null,
    }
    try {
      for (const step of steps) await step(passage)
    } catch (thrown) {
      const problem = asProblem(thrown)
      if (problem.status >= 500)
        parts.log.error({ request_id: requestId(ctx), err: problem }, 'request failed')
      addToLog(ctx, { problem: problem.code, reason: problem.details.reason })
      const { status, contentType, body } = envelope.problem(problem, requestId(ctx))
      ctx.status = status
      ctx.body = body
      ctx.type = contentType
      for (const [name, value] of Object.entries(problemHeaders(problem, passage.isBound, parts)))
        ctx.set(name, value)
    }
    ctx.set('Cache-Control', 'no-store')
    ctx.set('X-Content-Type-Options', 'nosniff')
    if (passage.who && profile.headers.scope) ctx.set(profile.headers.scope, printScopes(passage.who.scopes))
    if (passage.allowance) setAllowance(ctx, passage.allowance, profile.headers.rateLimit)
  }
}

/** RFC 8288: the page after this one, with everything else that was asked for. */
function nextAddress(ctx: Context, { hosts }: ApiParts, cursor: string): string {
  const query = new URLSearchParams(ctx.querystring)
  query.set('cursor', cursor)
  return `${hosts.addressOf(ctx.req)}?${query}`
}

/** Under which name requests are counted. */
function countedAs(who: Principal, rateClass: Profile['rateClasses'][string] | undefined): string {
  return rateClass?.per === 'organization' && who.kind !== 'platform_key'
    ? who.organization
    : principalId(who)
}

function problemHeaders(
  problem: Problem,
  isBound: boolean,
  parts: ApiParts,
): Record<string, string | string[]> {
  const { retryAfter, allow } = problem.details
  const challenges = challengesOf(problem, isBound, parts)
  return {
    ...(challenges.length > 0 ? { 'WWW-Authenticate': challenges } : {}),
    ...(retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }),
    ...(allow === undefined ? {} : { Allow: allow.join(', ') }),
  }
}

/** Where keys have a header of their own and there are access tokens too, both ways in are told of. */
function challengesOf(problem: Problem, isBound: boolean, parts: ApiParts): string[] {
  const { oauth } = parts.profile
  const ofKeys = takesBearers(parts.profile) || isBound ? null : keyChallenge(problem, parts.profile)
  const ofTokens =
    takesBearers(parts.profile) || isBound || oauth.enabled
      ? challengeOf(problem, whereToGo(parts), isBound)
      : null
  return [ofTokens, ofKeys].filter((it) => it !== null)
}

function whereToGo({ resourceMetadataUrl, profile }: ApiParts): string {
  return resourceMetadataUrl ? `resource_metadata="${resourceMetadataUrl}"` : realmOf(profile)
}

/** A 401 names a scheme always (RFC 9110 section 11.6.1), also for keys in a header of their own. */
function keyChallenge(problem: Problem, profile: Profile): string | null {
  return problem.status === 401 ? `ApiKey ${realmOf(profile)}, header="${profile.credentials.header}"` : null
}

function realmOf({ brand }: Profile): string {
  return `realm="${brand.name.replaceAll(/[^\x20-\x7e]|["\\]/g, '')} API"`
}

function setAllowance(
  ctx: Context,
  { limit, remaining, resetSeconds, resetsAt }: Allowance,
  names: Profile['headers']['rateLimit'],
): void {
  ctx.set(names.limit, String(limit))
  ctx.set(names.remaining, String(remaining))
  const at = names.resetAs === 'seconds_left' ? resetSeconds : Math.ceil(resetsAt.getTime() / 1000)
  ctx.set(names.reset, String(at))
}

function known<T>(value: T | null): T {
  if (value === null) throw new Error('a step of the pipeline came before the one that it needs')
  return value
}
