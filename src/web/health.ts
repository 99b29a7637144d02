// /healthz: the process answers. /readyz: it can do its work. Both on any host, for whoever looks after it.
import type { Middleware } from 'koa'

/** Why the server is not ready; null when it is. */
export type ReadyCheck = () => Promise<string | null>

export function health(notReady: ReadyCheck): Middleware {
  return async (ctx, next) => {
    if (ctx.path === '/healthz') {
      ctx.body = { status: 'ok' }
      return
    }
    if (ctx.path !== '/readyz') {
      await next()
      return
    }
    const reason = await notReady()
    ctx.status = reason === null ? 200 : 503
    ctx.body = reason === null ? { status: 'ready' } : { status: 'not ready', reason }
  }
}
