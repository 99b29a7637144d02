// How what was asked of the API is answered: the headers that every answer has, and problems in the profile's envelope.
import type { RequestId } from '../core/ids.ts'
import type { Problem } from '../core/problems.ts'
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
}

export interface Answers {
  /** The headers of any answer, as names and values in turn: what may be kept, whose scopes they are, what is left. */
  common(learned: Admission, contentType?: string): string[]
  /** @param statusOf makes another status of the problem's, where the answer is not the API's own */
  problem(
    problem: Problem,
    learned: Admission,
    id: RequestId,
    statusOf?: (status: number) => number,
  ): FrontAnswer
}

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
  return {
    common,
    problem: (problem, learned, id, statusOf) => {
      const { status, contentType, body } = envelope.problem(problem, id, statusOf)
      const { retryAfter, allow } = problem.details
      const headers = common(learned, typed(contentType))
      for (const challenge of challengesOf(problem, learned.isBound, parts))
        headers.push('WWW-Authenticate', challenge)
      if (retryAfter !== undefined) headers.push('Retry-After', String(retryAfter))
      if (allow !== undefined) headers.push('Allow', allow.join(', '))
      return { status, headers, body: JSON.stringify(body) }
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
