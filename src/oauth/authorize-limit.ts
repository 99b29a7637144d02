// The authorization endpoint, which writes a row for whoever comes (SECURITY U12): so often for one address.
import type { Middleware } from 'koa'
import type { Turnstile } from '../limits/turnstile.ts'
import { clientAddress } from '../web/client-address.ts'

export const authorizeRateClasses = {
  'authorize-address': [{ requests: 120, seconds: 60 }],
} as const

/**
 * Counts what begins an authorization; a HEAD begins none. The path is compared as the engine's router reads
 * it: in any case of letters, with or without a slash at the end.
 * @throws Problem rate_limit_exceeded
 */
export function limitAuthorize(turnstile: Turnstile, trustedProxies: number): Middleware {
  return async (ctx, next) => {
    if (!/^\/oauth\/authorize\/*$/i.test(ctx.path)) return await next()
    await turnstile.pass('authorize-address', clientAddress(ctx.req, trustedProxies), () => {})
    if (ctx.method !== 'HEAD') return await next()
    // Those who ask with HEAD look whether there is something: mail scanners, link checkers.
    ctx.status = 200
    ctx.type = 'text/html; charset=utf-8'
  }
}
