// A retired refresh token that comes back after its grace window: why, what comes of it, and who is told.
import type { Origin } from '../core/attribution.ts'
import type { Metrics } from '../core/metrics.ts'
import type { Database } from '../db/connect.ts'
import { errors } from './engine.ts'
import type { Presentation } from './presentation.ts'
import type { StoredRefreshToken } from './refresh-token-store.ts'
import { findUseSince } from './retired-token-store.ts'
import { causeOfReuse, type Place, type ReuseCause } from './reuse-cause.ts'
import { byItsClient, recordRefusedReuse, revokeGrant } from './revoke-grant.ts'

export interface ReuseParts {
  readonly database: Database
  readonly metrics: Pick<Metrics, 'refreshTokensReused'>
  readonly accessTokenSeconds: number
}

interface ReuseRequest {
  readonly origin: Origin & Place
  readonly presentation: Presentation
}

/** A client that is stuck would fill the ledger: of one grant and cause it is told so often, in ms, by each process. */
const tellEveryMs = 60_000
const mostRemembered = 10_000

/** What is told to the app's developers: what happened, and what to do about it. */
const sentences = {
  lost_response:
    'A retired refresh token came back after its grace window, and the one that took its place was never used: the answer to the refresh was lost on its way. Repeat a refresh that got no answer at once, or give the app a longer grace window (up to 1800 seconds).',
  race: 'This refresh token was rotated by a parallel request. Refresh from one place at a time and share the answer, or give the app a grace window, in which all of them get the same answer.',
  stale_client:
    'A retired refresh token came back, and its successor is in use from the same address and User-Agent: the app holds an old copy. Write each new refresh token to the one place that all of its processes read, before the new access token is used.',
  reuse:
    'A retired refresh token came back from elsewhere than its successor is used. Two installs may share one token (give each its own authorization), or it was stolen: find out where it leaked.',
} as const satisfies Record<ReuseCause, string>

const outcomes = {
  revoked: 'The authorization has ended: ask the person again.',
  refused: 'The authorization lives on with its current token.',
} as const

/** @returns what answers such tokens; it always throws the engine's InvalidGrant, whose detail the error log shows */
export function createReuseAnswer({ database, metrics, accessTokenSeconds }: ReuseParts) {
  const toldAt = new Map<string, number>()

  const isToBeTold = (key: string) => {
    const now = performance.now()
    if (now - (toldAt.get(key) ?? Number.NEGATIVE_INFINITY) < tellEveryMs) return false
    if (toldAt.size >= mostRemembered) toldAt.clear()
    toldAt.set(key, now)
    return true
  }

  const refuse = async (token: StoredRefreshToken, request: ReuseRequest, cause: ReuseCause) => {
    const { grant } = token
    if (isToBeTold(`${grant.id} ${cause}`))
      await recordRefusedReuse(database.knex, grant, byItsClient(request.origin), cause)
  }

  return async (token: StoredRefreshToken, request: ReuseRequest): Promise<never> => {
    const cause = await findCause(database, token, request, accessTokenSeconds)
    const mayEnd = cause !== 'race' && token.app.reuseResponse === 'revoke'
    if (mayEnd) {
      const ended = await revokeGrant(database.knex, token.grant.id, byItsClient(request.origin), cause)
      if (!ended) throw new errors.InvalidGrant('grant revoked')
    } else {
      await refuse(token, request, cause)
    }
    const response = mayEnd ? 'revoked' : 'refused'
    metrics.refreshTokensReused.inc({ cause, response })
    throw new errors.InvalidGrant(`${sentences[cause]} ${outcomes[response]}`)
  }
}

async function findCause(
  database: Database,
  { hash, retired }: StoredRefreshToken,
  { origin, presentation }: ReuseRequest,
  accessTokenSeconds: number,
): Promise<ReuseCause> {
  // A race is refused, but it is no sign of theft: the family lives on, whatever the app wants of reuse.
  if (retired?.state === 'raced' || (retired?.state === 'just-spent' && (await presentation.isBurst())))
    return 'race'
  const since = await findUseSince(database, hash)
  if (!since) throw new errors.InvalidGrant('grant revoked')
  return causeOfReuse({ ...since, presentedBy: origin }, accessTokenSeconds)
}
