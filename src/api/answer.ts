// How what was asked of the API is answered: the headers that every answer has, and problems in the profile's envelope.
import type { RequestId } from '../core/ids.ts'
import type { Problem, ProblemCode } from '../core/problems.ts'
import { type Profile, takesBearers } from '../core/profile.ts'
import { printedScopes } from '../core/scopes.ts'
import type { Allowance } from '../limits/turnstile.ts'
import type { Envelope } from '../web/envelope.ts'
import type { FrontAnswer } from '../web/front.ts'
import type { Admission } from './admission.ts'
import { challengeOf } from './challenge.ts'

export interface AnswerParts {
  readonly profile: Profile
  readonly envelope: Envelope
  /** RFC 9728: where a client learns how to get a token; null where there are none. */
  readonly resourceMetadataUrl: string | null
  /** Makes another status of a problem's, where the answer is not the API's own. */
  readonly statusOf?: (status: number) => number
}

export interface Answers {
  /** The headers of any answer, as names and values in turn: what may be kept, whose scopes they are, what is left. */
  common(learned: Admission, contentType?: string): string[]
  problem(problem: Problem, learned: Admission, id: RequestId): FrontAnswer
}

/** A problem as it is written, but for the id of its request. */
interface Written {
  readonly status: number
  readonly contentType: string
  readonly challenges: readonly string[]
  /** The body, wherever the id belongs in two. */
  readonly parts: readonly string[]
}

/** Stands where the id of a request will. */
const someId: RequestId = `req_${'0'.repeat(26)}`

export const jsonType = 'application/json; charset=utf-8'

export function createAnswers(parts: AnswerParts): Answers {
  const { profile, envelope } = parts
  const { scope: scopeHeader, rateLimit } = profile.headers

  const common = ({ who, allowance }: Admission, contentType?: string): string[] => {
    const headers = ['Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff']
    if (contentType !== undefined) headers.push('Content-Type', contentType)
    if (who && scopeHeader) headers.push(scopeHeader, printedScopes(who.scopes))
    if (allowance) pushAllowance(headers, allowance, rateLimit)
    return headers
  }
  const write = (problem: Problem, isBound: boolean): Written => {
    const { status, contentType, body } = envelope.problem(problem, someId, parts.statusOf)
    const challenges = challengesOf(problem, isBound, parts)
    return { status, contentType: typed(contentType), challenges, parts: JSON.stringify(body).split(someId) }
  }
  // What guessing costs us is mostly this: it is written once.
  const known = { bound: new Map<ProblemCode, Written>(), unbound: new Map<ProblemCode, Written>() }
  const writtenOf = (problem: Problem, isBound: boolean): Written => {
    const { say, param, conflictsWith, neededScopes } = problem.details
    if (say ?? param ?? conflictsWith ?? neededScopes) return write(problem, isBound)
    const alike = isBound ? known.bound : known.unbound
    const before = alike.get(problem.code)
    if (before) return before
    const written = write(problem, isBound)
    alike.set(problem.code, written)
    return written
  }
  return {
    common,
    problem: (problem, learned, id) => {
      const { status, contentType, challenges, parts: body } = writtenOf(problem, learned.isBound)
      const { retryAfter, allow } = problem.details
      const headers = common(learned, contentType)
      for (const challenge of challenges) headers.push('WWW-Authenticate', challenge)
      if (retryAfter !== undefined) headers.push('Retry-After', String(retryAfter))
      if (allow !== undefined) headers.push('Allow', allow.join(', '))
      return { status, headers, body: body.join(id) }
    },
  }
}

/** JSON is UTF-8 whatever is said (RFC 8259 section 8.1); some programs want to be told, and of other types are not. */
const typed = (contentType: string) => (contentType === 'application/json' ? jsonType : contentType)

/** Adds what the rate-limit headers say, in the profile's words. */
export function pushAllowance(
  headers: string[],
  { limit, remaining, resetSeconds, resetsAt }: Allowance,
  names: Profile['headers']['rateLimit'],
): void {
  const at = names.resetAs === 'seconds_left' ? resetSeconds : Math.ceil(resetsAt / 1000)
  headers.push(names.limit, String(limit), names.remaining, String(remaining), names.reset, String(at))
}

/** Where keys have a header of their own and there are access tokens too, both ways in are told of. */
function challengesOf(problem: Problem, isBound: boolean, parts: AnswerParts): string[] {
  const { oauth } = parts.profile
  const ofKeys = takesBearers(parts.profile) || isBound ? null : keyChallenge(problem, parts.profile)
  const ofTokens =
    takesBearers(parts.profile) || isBound || oauth.enabled
      ? challengeOf(problem, whereToGo(parts), isBound)
      : null
  return [ofTokens, ofKeys].filter((it) => it !== null)
}

function whereToGo({ resourceMetadataUrl, profile }: AnswerParts): string {
  return resourceMetadataUrl ? `resource_metadata="${resourceMetadataUrl}"` : realmOf(profile)
}

/** A 401 names a scheme always (RFC 9110 section 11.6.1), also for keys in a header of their own. */
function keyChallenge(problem: Problem, profile: Profile): string | null {
  return problem.status === 401 ? `ApiKey ${realmOf(profile)}, header="${profile.credentials.header}"` : null
}

function realmOf({ brand }: Profile): string {
  return `realm="${brand.name.replaceAll(/[^\x20-\x7e]|["\\]/g, '')} API"`
}
