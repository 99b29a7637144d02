// Whether a request may do what it asks for, in order: credential → principal → operation → limit → scopes. The API
// itself and forward-auth ask here, so that both say the same.
import type { IncomingMessage } from 'node:http'
import type { Contract, Operation } from '../core/contract.ts'
import { type Principal, principalId, requirePlatform, requireScopes } from '../core/principal.ts'
import { asProblem, Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'
import type { Proofs } from '../credentials/dpop.ts'
import type { LastUse } from '../credentials/last-use.ts'
import type { Refused, Validate } from '../credentials/validator.ts'
import type { Soon } from '../lib/soon.ts'
import type { Allowance, Turnstile, Verdict } from '../limits/turnstile.ts'
import { type Presented, readCredential } from './credential.ts'
import { isBoundToken, requirePossession } from './possession.ts'
import { createRoute, type Routed } from './router.ts'

export interface AdmissionParts {
  readonly profile: Profile
  readonly contract: Contract
  readonly validate: Validate
  /** What access tokens must be for. */
  readonly audience: string
  readonly turnstile: Turnstile
  /** Hears of each good credential that is presented, and for what. */
  readonly noteUse: LastUse['note']
  /** Hears of each of them that a limit then refuses. */
  readonly noteLimited: LastUse['noteLimited']
  readonly proofs: Proofs
}

/** What is asked for, by whom. */
export interface Asked {
  /** Its headers carry the credential. */
  readonly req: IncomingMessage
  readonly method: string
  /** As the contract writes it. */
  readonly path: string
  /** null for none. */
  readonly query: URLSearchParams | null
  /** Where it came from. */
  readonly address: string
  readonly userAgent: string | undefined
  /** The address that was asked for, as the public knows it, without its query: what a proof of possession is for. */
  publicAddress(): string
}

/** What the steps have learned: all of it where the request is admitted, the first of it where it is not. */
export interface Admission {
  secret: string | null
  who: Principal | null
  /** Whether the credential is bound to a key, as far as it is known. */
  isBound: boolean
  routed: Routed | null
  allowance: Allowance | null
}

export interface Admitted {
  readonly who: Principal
  readonly operation: Operation
  readonly params: Routed['params']
}

/** Limits of refused credentials are counted under this name, by address. */
export const failedCredentialsClass = 'failed-credentials'

/** How the turnstile calls a class of the profile: a vendor may name one as one of our own is named. */
export const turnstileClass = (rateClass: string): string => `api/${rateClass}`

export function nothingLearned(): Admission {
  return { secret: null, who: null, isBound: false, routed: null, allowance: null }
}

/**
 * Takes the steps, and notes in `learned` what each has learned: at once where everything is in memory, throwing at
 * once too. What comes in floods, a credential that opens nothing and a limit that is full, is answered and not thrown:
 * V8 never compiles a function that ends by throwing, however often it is called.
 * @throws Problem for whatever else refuses the request
 */
export type Admit = (asked: Asked, learned: Admission) => Soon<Admitted | Problem>

// Functions that are made for each request cost more than what they do: there are none here, but for waiting.
export function createAdmission(parts: AdmissionParts): Admit {
  const { profile, contract, turnstile, audience } = parts
  const route = createRoute(contract)
  const anyRateClass = Object.keys(profile.rateClasses)[0] ?? ''
  const classes = new Map(
    Object.entries(profile.rateClasses).map(([name, { per }]) => [
      name,
      { name: turnstileClass(name), isPerOrganization: per === 'organization' },
    ]),
  )

  const possess = (
    asked: Asked,
    learned: Admission,
    presented: Presented,
    who: Principal | Refused,
  ): Soon<Principal | Problem> => {
    if (who.kind === 'refused') return who.problem
    learned.isBound = isBoundToken(who)
    if (!learned.isBound && presented.scheme !== 'dpop') return who
    return requirePossession(parts.proofs, asked, presented, who).then(() => who)
  }
  /** Only refusals are counted by address: good credentials are counted by themselves, below. */
  const refuse = (asked: Asked, learned: Admission, problem: Problem): Soon<Problem> => {
    const verdict = turnstile.take(failedCredentialsClass, asked.address)
    if (verdict instanceof Promise) return verdict.then((it) => refuseCounted(asked, learned, problem, it))
    return refuseCounted(asked, learned, problem, verdict)
  }
  const refuseCounted = (
    asked: Asked,
    learned: Admission,
    problem: Problem,
    verdict: Verdict,
  ): Soon<Problem> => {
    learned.allowance = verdict.allowance
    if (verdict.retryAfter !== null) return fullUntil(verdict.retryAfter)
    if (problem.status < 500) return problem
    // What is our fault counts for nothing; every answer tells of a limit, though, and whose it was nobody knows.
    return turnstile.refund(failedCredentialsClass, asked.address).then(() => problem)
  }

  const proceed = (asked: Asked, learned: Admission, who: Principal): Soon<Admitted | Problem> => {
    learned.who = who
    const routed = route(asked.method, asked.path)
    learned.routed = routed
    const { operation } = routed
    const title = operation ? operation.title : null
    parts.noteUse(who, { address: asked.address, userAgent: asked.userAgent, operation: title })
    // Before a wrong address is refused: guessing at addresses is counted too.
    const rateClass = classes.get(operation?.rateClass ?? anyRateClass)
    if (!rateClass) throw new Error('an operation of no rate class')
    const verdict = turnstile.take(rateClass.name, countedAs(who, rateClass.isPerOrganization))
    if (verdict instanceof Promise) return verdict.then((it) => decide(learned, who, routed, it))
    return decide(learned, who, routed, verdict)
  }
  /** @throws Problem */
  const decide = (
    learned: Admission,
    who: Principal,
    routed: Routed,
    { allowance, retryAfter }: Verdict,
  ): Admitted | Problem => {
    learned.allowance = allowance
    if (retryAfter !== null) {
      parts.noteLimited(who)
      return fullUntil(retryAfter)
    }
    const { operation, params, allow } = routed
    if (!operation)
      throw allow.length > 0 ? new Problem('method_not_allowed', { allow }) : new Problem('route_not_found')
    if (operation.credential === 'platform') requirePlatform(who)
    else requireScopes(who, operation)
    return { who, operation, params }
  }

  const goOn = (asked: Asked, learned: Admission, who: Principal | Problem): Soon<Admitted | Problem> =>
    who instanceof Problem ? refuse(asked, learned, who) : proceed(asked, learned, who)
  const identify = (
    asked: Asked,
    learned: Admission,
    presented: Presented,
    found: Principal | Refused,
  ): Soon<Admitted | Problem> => {
    const who = possess(asked, learned, presented, found)
    if (!(who instanceof Promise)) return goOn(asked, learned, who)
    return who.then(
      (it) => goOn(asked, learned, it),
      (thrown) => refuse(asked, learned, asProblem(thrown)),
    )
  }

  return (asked, learned) => {
    let presented: Presented
    let found: Soon<Principal | Refused>
    try {
      presented = readCredential(asked.req, asked.query, profile.credentials, profile.oauth.enabled)
      learned.secret = presented.secret
      learned.isBound = presented.scheme === 'dpop'
      found = parts.validate(presented.secret, asked.address, audience)
    } catch (thrown) {
      return refuse(asked, learned, asProblem(thrown))
    }
    if (!(found instanceof Promise)) return identify(asked, learned, presented, found)
    return found.then(
      (it) => identify(asked, learned, presented, it),
      (thrown) => refuse(asked, learned, asProblem(thrown)),
    )
  }
}

/** @param retryAfter seconds */
function fullUntil(retryAfter: number): Problem {
  return new Problem('rate_limit_exceeded', { retryAfter })
}

/** Under which name requests are counted. */
function countedAs(who: Principal, isPerOrganization: boolean): string {
  return isPerOrganization && who.kind !== 'platform_key'
    ? `${who.organization} ${who.mode}`
    : principalId(who)
}
