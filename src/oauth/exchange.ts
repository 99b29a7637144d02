// A request to the token endpoint as one unit: what the engine asks to be spent and stored is gathered,
// and written by one statement when the engine has made its answer (decision 4).
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Middleware } from 'koa'
import type { Origin } from '../core/attribution.ts'
import type { Database } from '../db/connect.ts'
import { originOf } from '../web/client-address.ts'
import { type StoredCode, spendCode } from './code-store.ts'
import type { MintedToken } from './mint-store.ts'
import type { Presentation } from './presentation.ts'

/** What one request has found and wants written. */
export interface Exchange {
  /** ms since the request arrived. */
  readonly elapsedMs: () => number
  /** For the ledger. */
  readonly origin: Origin
  presentation: Presentation | null
  /** The code that was presented, once the engine has asked for it. */
  code: StoredCode | null
  /** True once the engine has consumed the code: the answer, if it is a good one, must be committed. */
  consumed: boolean
  accessToken: MintedToken | null
  refreshToken: MintedToken | null
}

const exchanges = new AsyncLocalStorage<Exchange>()

/** The exchange that this code runs in; null outside the token endpoint. */
export function currentExchange(): Exchange | null {
  return exchanges.getStore() ?? null
}

/**
 * Wraps the engine: its writes for a code exchange are committed after it has decided and before the
 * client hears of it. An error anywhere leaves the code as it was; a request that finds the code spent
 * by another in the meantime is told `invalid_grant`.
 */
export function commitExchanges(database: Database, trustedProxies: number): Middleware {
  return (ctx, next) => {
    const arrivedAt = performance.now()
    const exchange: Exchange = {
      elapsedMs: () => performance.now() - arrivedAt,
      origin: originOf(ctx, trustedProxies),
      presentation: null,
      code: null,
      consumed: false,
      accessToken: null,
      refreshToken: null,
    }
    return exchanges.run(exchange, async () => {
      await next()
      if (exchange.consumed && ctx.status === 200 && !(await commit(database, exchange))) {
        ctx.status = 400
        ctx.body = { error: 'invalid_grant', error_description: 'grant request is invalid' }
      }
    })
  }
}

/** False when another request was first. */
async function commit(database: Database, exchange: Exchange): Promise<boolean> {
  const { code, accessToken, refreshToken, presentation, origin } = exchange
  if (!code || !accessToken) throw new Error('the engine answered a code exchange without a token')
  const isFirst = await spendCode(database, code, accessToken, refreshToken, origin)
  if (isFirst) presentation?.wasFirst()
  return isFirst
}
