// The refresh grant: ours, atomic and idempotent (decision 5). It takes the place of the engine's own
// through registerGrantType; client authentication, parameters, CORS and error answers stay the engine's.
import type { Origin } from '../core/attribution.ts'
import type { Metrics } from '../core/metrics.ts'
import { missingScopes, parseScopes, printScopes } from '../core/scopes.ts'
import type { Proofs } from '../credentials/dpop.ts'
import type { SecretFormat } from '../credentials/format.ts'
import type { Database } from '../db/connect.ts'
import { deriveKey, sha256 } from '../lib/digest.ts'
import { seal, unseal } from '../lib/seal.ts'
import { addSeconds, type Clock, earlier, secondMs } from '../lib/time.ts'
import { provePossession, requireKeyOf } from './bound-refresh.ts'
import { errors, unavailable } from './engine.ts'
import { refreshExpiry } from './lifetime.ts'
import type { Presentation } from './presentation.ts'
import type { StoredRefreshToken } from './refresh-token-store.ts'
import { createRefreshTokens, type RefreshTokens } from './refresh-tokens.ts'
import { createReuseAnswer } from './reuse.ts'
import type { Place } from './reuse-cause.ts'

export interface RefreshRequest {
  readonly clientId: string
  readonly refreshToken: string
  /** Absent: all that the token carries (RFC 6749 section 6). */
  readonly scope: string | undefined
  /** Absent: the one that the grant is for (RFC 8707 section 2.2). */
  readonly resource: readonly string[]
  /** The header DPoP; null for none. */
  readonly proof: string | null
  /** ms since the request arrived. */
  readonly elapsedMs: () => number
  readonly presentation: Presentation
  /** For the ledger, and to tell one client from another. */
  readonly origin: Origin & Place
}

export interface RotationParts {
  readonly database: Database
  readonly format: SecretFormat
  readonly clock: Clock
  readonly accessTokenSeconds: number
  readonly proofs: Proofs
  readonly metrics: Metrics
  /** The token endpoint's address: what a proof must be for. */
  readonly tokenUrl: string
}

/** The body of the token endpoint's answer, as JSON: kept sealed, so that it can be given again byte for byte. */
export type SerializedAnswer = string

/** A refresh in two steps, between which whoever asks may see whether the token's app is one to be answered. */
export interface Refresh {
  /** The token that the client presents. @throws the engine's InvalidGrant where it is none, or another client's */
  find(request: RefreshRequest): Promise<StoredRefreshToken>
  /**
   * Rotates it. The same token from the same client inside the app's grace window gets the same answer again; after
   * it, it is reuse.
   * @throws the engine's InvalidGrant, InvalidScope, InvalidTarget, InvalidDpopProof; TemporarilyUnavailable while the
   *   grant is stopped; a request refused for its scope, resource or proof, or while stopped, costs the token nothing
   */
  answer(request: RefreshRequest, token: StoredRefreshToken): Promise<SerializedAnswer>
}

const sealPurpose = 'latchkey refresh answer v1'

export function createRefresh(parts: RotationParts): Refresh {
  const answerReuse = createReuseAnswer(parts)
  const tokens = createRefreshTokens(parts.database)

  const answerRetired = async (request: RefreshRequest, token: StoredRefreshToken) => {
    const { retired } = token
    if (!retired) throw new Error('asked about a token that is not retired')
    if (retired.withinGrace) {
      const answer = unseal(answerKey(request.refreshToken), retired.sealedAnswer)
      if (answer === null) throw new Error('a sealed answer that its own token does not open')
      return answer
    }
    // Sooner or later it is swept away: until then too it proves nothing any more.
    requireAlive(token, parts.clock())
    return await answerReuse(token, request)
  }

  return {
    find: async ({ refreshToken, clientId, elapsedMs }) => {
      if (parts.format.read(refreshToken) !== 'refresh_token') throw new errors.InvalidGrant('malformed')
      const token = await tokens.find({ hash: sha256(refreshToken), elapsedMs })
      if (!token) throw new errors.InvalidGrant('refresh token not found')
      if (token.grant.client !== clientId) throw new errors.InvalidGrant('client mismatch')
      return token
    },
    answer: async (request, token) => {
      if (token.grant.isStopped) throw stopped()
      // Whoever presents it has all that it ever took to use it, whichever key its successors were bound to since: a
      // thief who binds the family to his own must not be safe from being noticed.
      if (token.retired && !token.retired.withinGrace && !token.isBound)
        return await answerRetired(request, token)
      // Before anything that a bound one brings about: who has the token alone shall not end its family.
      const thumbprint = await provePossession(parts.proofs, token, request.proof, parts.tokenUrl)
      if (token.retired) return await answerRetired(request, token)
      const answer = await rotate(parts, tokens, request, token, thumbprint)
      if (answer) return answer

      // Another request has rotated it since we looked, or its grant was revoked or stopped. Look again.
      const after = await tokens.find({ hash: token.hash, elapsedMs: request.elapsedMs })
      if (!after) throw new errors.InvalidGrant('grant revoked')
      // Nobody has rotated it: its grant was stopped when we tried, whether or not it goes on again by now.
      if (after.grant.isStopped || !after.retired) throw stopped()
      requireKeyOf(after.grant, thumbprint)
      return await answerRetired(request, after)
    },
  }
}

function stopped(): Error {
  return unavailable('the account is suspended; the refresh token stays good')
}

/** @throws the engine's InvalidGrant */
function requireAlive({ expiresAt, grant }: StoredRefreshToken, now: Date): void {
  if (grant.expiresAt <= now)
    throw new errors.InvalidGrant('The authorization has come to its end: ask the person again.')
  if (expiresAt <= now)
    throw new errors.InvalidGrant(
      "The refresh token was not used for longer than the app's idle lifetime: ask the person again.",
    )
}

/** null when it is not the family's current token any more. */
async function rotate(
  parts: RotationParts,
  tokens: RefreshTokens,
  request: RefreshRequest,
  token: StoredRefreshToken,
  thumbprint: string | null,
): Promise<SerializedAnswer | null> {
  const { grant, app } = token
  const now = parts.clock()
  requireAlive(token, now)
  const scopes = wantedScopes(request, token)
  const tooMuch = missingScopes(scopes, new Set(token.scopes))
  if (tooMuch.length > 0)
    throw new errors.InvalidScope('refresh token missing requested scope', tooMuch.join(' '))
  const granted = scopes.filter((scope) => grant.scopes.includes(scope))
  if (granted.length === 0)
    throw new errors.InvalidScope(
      'the app has given up every scope that this refresh asks for',
      printScopes(scopes),
    )
  if (request.resource.some((resource) => resource !== grant.resource)) throw new errors.InvalidTarget()

  const accessToken = parts.format.write('access_token', grant.mode)
  const successor = parts.format.write('refresh_token', grant.mode)
  const expiresAt = earlier(addSeconds(now, parts.accessTokenSeconds), grant.expiresAt)
  const answer = JSON.stringify({
    access_token: accessToken.reveal(),
    expires_in: Math.round((expiresAt.getTime() - now.getTime()) / secondMs),
    refresh_token: successor.reveal(),
    scope: printScopes(granted),
    token_type: thumbprint === null ? 'Bearer' : 'DPoP',
  })
  const rotation = {
    sealedAnswer: seal(answerKey(request.refreshToken), answer),
    access: { hash: sha256(accessToken.reveal()), scopes: granted, expiresAt },
    refresh: {
      hash: sha256(successor.reveal()),
      scopes: token.scopes,
      expiresAt: refreshExpiry(now, grant.expiresAt, app.refreshIdleSeconds),
    },
    thumbprint,
  }
  if (!(await tokens.rotate({ token, rotation, origin: request.origin }))) return null
  request.presentation.wasFirst()
  return answer
}

/** `offline_access` is answered with the refresh token: clients that repeat all that they asked for name it again. */
function wantedScopes(request: RefreshRequest, token: StoredRefreshToken): readonly string[] {
  const wanted = [...parseScopes(request.scope)].filter((scope) => scope !== 'offline_access')
  return wanted.length > 0 ? wanted : token.scopes
}

/** Only who holds the retired token can derive it: a dump of the database opens nothing. */
function answerKey(refreshToken: string): Buffer {
  return deriveKey(refreshToken, sealPurpose)
}
