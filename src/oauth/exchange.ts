// A request to the token endpoint as one unit: what the engine asks to be spent and stored is gathered,
// and written by one statement when the engine has made its answer (decision 4).
import type { Middleware } from 'koa'
import type { Refusals } from '../apps/refusals.ts'
import type { Origin } from '../core/attribution.ts'
import type { ClientId } from '../core/ids.ts'
import type { Metrics } from '../core/metrics.ts'
import { sessionOrigin } from '../web/client-address.ts'
import type { StoredCode } from './code-store.ts'
import type { Codes } from './codes.ts'
import type { MintedToken } from './mint-store.ts'
import type { Presentation } from './presentation.ts'
import { lostRace } from './reasons.ts'
import { createRequestContext } from './request-context.ts'
import type { Place } from './reuse-cause.ts'

/** What one request has found and wants written. */
export interface Exchange {
  /** ms since the request arrived. */
  readonly elapsedMs: () => number
  /** For the ledger, and to tell one client from another. */
  readonly origin: Origin & Place
  presentation: Presentation | null
  /** The code that was presented, once the engine has asked for it. */
  code: StoredCode | null
  /** True once the engine has consumed the code: the answer, if it is a good one, must be committed. */
  consumed: boolean
  accessToken: MintedToken | null
  refreshToken: MintedToken | null
  /** Of the key that the tokens are bound to (RFC 9449); null for none. */
  thumbprint: string | null
}

export interface ExchangeParts {
  readonly codes: Pick<Codes, 'spend'>
  readonly trustedProxies: number
  readonly refusals: Refusals
  readonly metrics: Pick<Metrics, 'tokensIssued'>
}

const exchanges = createRequestContext<Exchange>()

/** The exchange that this code runs in; null outside the token endpoint. */
export function currentExchange(): Exchange | null {
  return exchanges.getStore() ?? null
}

/**
 * Wraps the engine: its writes for a code exchange are committed after it has decided and before the
 * client hears of it. An error anywhere leaves the code as it was; a request that finds the code spent
 * by another in the meantime is told `invalid_grant`.
 */
export function commitExchanges(parts: ExchangeParts): Middleware {
  const { codes, trustedProxies, refusals, metrics } = parts
  return (ctx, next) => {
    const arrivedAt = performance.now()
    const exchange: Exchange = {
      elapsedMs: () => performance.now() - arrivedAt,
      origin: sessionOrigin(ctx, trustedProxies),
      presentation: null,
      code: null,
      consumed: false,
      accessToken: null,
      refreshToken: null,
      thumbprint: null,
    }
    return exchanges.run(exchange, async () => {
      await next()
      if (!exchange.consumed || ctx.status !== 200) return
      const code = await commit(codes, exchange)
      if (code.isMine) {
        metrics.tokensIssued.inc({ grant_type: 'authorization_code' })
        return
      }
      const error = 'invalid_grant'
      ctx.status = 400
      ctx.body = { error, error_description: 'grant request is invalid' }
      const { requestId } = exchange.origin
      refusals.note({ clientId: code.client, endpoint: 'token', error, reason: lostRace, requestId })
    })
  }
}

/** Not mine when another request was first. */
async function commit(
  codes: Pick<Codes, 'spend'>,
  exchange: Exchange,
): Promise<{ readonly isMine: boolean; readonly client: ClientId }> {
  const { code, accessToken, refreshToken, thumbprint, presentation, origin } = exchange
  if (!code || !accessToken) throw new Error('the engine answered a code exchange without a token')
  const minted = { access: accessToken, refresh: refreshToken, thumbprint }
  const isMine = await codes.spend({ code, minted, origin })
  if (isMine) presentation?.wasFirst()
  return { isMine, client: code.grant.client }
}
