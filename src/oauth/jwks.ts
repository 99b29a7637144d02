// GET /oauth/jwks (RFC 7517): from the database, so that a rotation is seen without a restart, by every node.
import type { Middleware } from 'koa'
import { answerPreflight, isPublicDocument, isRead } from './well-known.ts'

/** So long an answer of the database is given again, in ms: a flood of questions is one. */
const keptMs = 5000

export function jwks(read: () => Promise<object>): Middleware {
  let kept: { readonly at: number; readonly keys: Promise<object> } | null = null
  const current = () => {
    if (!kept || performance.now() - kept.at >= keptMs) {
      const mine = { at: performance.now(), keys: read() }
      kept = mine
      mine.keys.catch(() => {
        if (kept === mine) kept = null
      })
    }
    return kept.keys
  }
  return async (ctx, next) => {
    if (!/^\/oauth\/jwks\/*$/i.test(ctx.path)) return await next()
    if (answerPreflight(ctx)) return
    if (!isRead(ctx)) return await next()
    isPublicDocument(ctx)
    ctx.type = 'application/jwk-set+json; charset=utf-8'
    ctx.body = JSON.stringify(await current())
  }
}
