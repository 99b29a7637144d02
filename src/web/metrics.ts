// /metrics, for Prometheus: it says how much is going on, which is nobody's business but the operator's.
import type { Middleware } from 'koa'
import { Problem } from '../core/problems.ts'
import { equal } from '../lib/digest.ts'
import { isWithin } from '../lib/network.ts'
import type { Secret } from '../lib/secret.ts'

const loopback = ['127.0.0.0/8', '::1/128']

/**
 * Answers who brings the token as a bearer credential; where there is none, programs of this machine alone, and
 * none that a proxy stands for.
 */
export function metricsPage(
  read: () => Promise<{ readonly text: string; readonly contentType: string }>,
  token: Secret | null,
): Middleware {
  return async (ctx, next) => {
    if (ctx.path !== '/metrics' || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return await next()
    const isDirect = isWithin(ctx.req.socket.remoteAddress ?? '', loopback) && !ctx.get('x-forwarded-for')
    const brought = /^bearer +(\S+)$/i.exec(ctx.get('authorization'))?.[1]
    const mayRead = token ? equal(brought ?? '', token.reveal()) : isDirect
    if (!mayRead) throw new Problem('page_not_found')
    const page = await read()
    ctx.set('Cache-Control', 'no-store')
    ctx.type = page.contentType
    ctx.body = page.text
  }
}
