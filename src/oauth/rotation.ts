// The refresh grant: ours, atomic and idempotent (decision 5). It takes the place of the engine's own
// through registerGrantType; client authentication, parameters, CORS and error answers stay the engine's.
import type { Origin } from '../core/attribution.ts'
import { missingScopes, parseScopes, printScopes } from '../core/scopes.ts'
import type { SecretFormat } from '../credentials/format.ts'
import type { Database } from '../db/connect.ts'
import { deriveKey, sha256 } from '../lib/digest.ts'
import { seal, unseal } from '../lib/seal.ts'
import { addSeconds, type Clock, earlier, secondMs } from '../lib/time.ts'
import { errors, unavailable } from './engine.ts'
import type { Presentation } from './presentation.ts'
import { findRefreshToken, rotateRefreshToken, type StoredRefreshToken } from './refresh-token-store.ts'
import { byItsClient, revokeGrant } from './revoke-grant.ts'

export interface RefreshRequest {
  readonly clientId: string
  readonly refreshToken: string
  /** Absent: all that the token carries (RFC 6749 section 6). */
  readonly scope: string | undefined
  /** Absent: the one that the grant is for (RFC 8707 section 2.2). */
  readonly resource: readonly string[]
  /** ms since the request arrived. */
  readonly elapsedMs: () => number
  readonly presentation: Presentation
  /** For the ledger. */
  readonly origin: Origin
}

export interface RotationParts {
  readonly database: Database
  readonly format: SecretFormat
  readonly clock: Clock
  readonly accessTokenSeconds: number
}

/** The body of the token endpoint's answer, as JSON: kept sealed, so that it can be given again byte for byte. */
export type SerializedAnswer = string

const sealPurpose = 'latchkey refresh answer v1'

/**
 * Rotates a refresh token. The same token from the same client inside the app's grace window gets the same
 * answer again; after it, its family is ended.
 * @throws the engine's InvalidGrant, InvalidScope, InvalidTarget; TemporarilyUnavailable while the grant is
 *   stopped; a request refused for its scope or resource, or while stopped, costs the token nothing
 */
export async function refresh(parts: RotationParts, request: RefreshRequest): Promise<SerializedAnswer> {
  if (parts.format.read(request.refreshToken) !== 'refresh_token') throw new errors.InvalidGrant('malformed')
  const hash = sha256(request.refreshToken)
  const token = await findRefreshToken(parts.database, hash, request.elapsedMs)
  if (!token) throw new errors.InvalidGrant('refresh token not found')
  if (token.grant.client !== request.clientId) throw new errors.InvalidGrant('client mismatch')
  if (token.grant.isStopped) throw stopped()
  if (token.retired) return await answerRetired(parts, request, token)
  const answer = await rotate(parts, request, token)
  if (answer) return answer

  // Another request has rotated it since we looked, or its grant was revoked or stopped. Look again.
  const after = await findRefreshToken(parts.database, hash, request.elapsedMs)
  if (after?.grant.isStopped) throw stopped()
  if (!after?.retired) throw new errors.InvalidGrant('grant revoked')
  return await answerRetired(parts, request, after)
}

function stopped(): Error {
  return unavailable('the account is suspended; the refresh token stays good')
}

async function rotate(
  parts: RotationParts,
  request: RefreshRequest,
  token: StoredRefreshToken,
): Promise<SerializedAnswer | null> {
  const now = parts.clock()
  if (token.expiresAt <= now || token.grant.expiresAt <= now)
    throw new errors.InvalidGrant('refresh token is expired')
  const scopes = request.scope === undefined ? token.scopes : [...parseScopes(request.scope)]
  const tooMuch = missingScopes(scopes, new Set(token.scopes))
  if (tooMuch.length > 0)
    throw new errors.InvalidScope('refresh token missing requested scope', tooMuch.join(' '))
  if (request.resource.some((resource) => resource !== token.grant.resource)) throw new errors.InvalidTarget()

  const { mode } = token.grant
  const accessToken = parts.format.write('access_token', mode)
  const successor = parts.format.write('refresh_token', mode)
  const expiresAt = earlier(addSeconds(now, parts.accessTokenSeconds), token.grant.expiresAt)
  const granted = scopes.filter((scope) => token.grant.scopes.includes(scope))
  const answer = JSON.stringify({
    access_token: accessToken.reveal(),
    expires_in: Math.round((expiresAt.getTime() - now.getTime()) / secondMs),
    refresh_token: successor.reveal(),
    scope: printScopes(granted),
    token_type: 'Bearer',
  })
  const won = await rotateRefreshToken(
    parts.database,
    token,
    seal(answerKey(request.refreshToken), answer),
    { hash: sha256(accessToken.reveal()), scopes: granted, expiresAt },
    { hash: sha256(successor.reveal()), scopes: token.scopes, expiresAt: token.expiresAt },
    request.origin,
  )
  if (!won) return null
  request.presentation.wasFirst()
  return answer
}

async function answerRetired(
  parts: RotationParts,
  request: RefreshRequest,
  { retired, grant }: StoredRefreshToken,
): Promise<SerializedAnswer> {
  if (!retired) throw new Error('asked about a token that is not retired')
  if (retired.withinGrace) {
    const answer = unseal(answerKey(request.refreshToken), retired.sealedAnswer)
    if (answer === null) throw new Error('a sealed answer that its own token does not open')
    return answer
  }
  // Without a grace window a race is refused, but it is no sign of theft: the family lives on.
  if (
    retired.state === 'raced' ||
    (retired.state === 'just-spent' && (await request.presentation.isBurst()))
  ) {
    throw new errors.InvalidGrant('refresh token rotated by a parallel request')
  }
  await revokeGrant(parts.database.knex, grant.id, byItsClient(request.origin), 'refresh_token_reused')
  throw new errors.InvalidGrant('refresh token already used')
}

/** Only who holds the retired token can derive it: a dump of the database opens nothing. */
function answerKey(refreshToken: string): Buffer {
  return deriveKey(refreshToken, sealPurpose)
}
