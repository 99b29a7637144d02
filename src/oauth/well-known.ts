// The documents that clients find us by: for programs of any origin, and for a while from their memory.
import type { Context, Middleware } from 'koa'
import { Problem } from '../core/problems.ts'
import type { ProtectedResource } from './protected-resource.ts'

/** So long a client may go by what it has read. */
const freshSeconds = 300

/** Tells browsers and clients that a document may be read by any page, and kept for a while. */
export function isPublicDocument(ctx: Context): void {
  ctx.set('Access-Control-Allow-Origin', '*')
  ctx.set('Cache-Control', `public, max-age=${freshSeconds}`)
}

/** A browser asks first where a page adds headers of its own, as clients of MCP do. True when it was answered. */
export function answerPreflight(ctx: Context): boolean {
  if (ctx.method !== 'OPTIONS') return false
  ctx.set('Access-Control-Allow-Origin', '*')
  ctx.set('Access-Control-Allow-Methods', 'GET, HEAD')
  ctx.set('Access-Control-Allow-Headers', ctx.get('Access-Control-Request-Headers') || '*')
  ctx.set('Access-Control-Max-Age', '3600')
  ctx.status = 204
  return true
}

export const isRead = ({ method }: { readonly method?: string | undefined }) =>
  method === 'GET' || method === 'HEAD'

/**
 * RFC 9728's document about our API. And no document of OpenID Connect, though the engine has one: who finds that
 * asks for the scope `openid` and waits for an identity token, which is never made here (SECURITY M6).
 */
export function wellKnown({ metadata, metadataPath }: ProtectedResource): Middleware {
  return (ctx, next) => {
    if (/^\/\.well-known\/openid-configuration(\/|$)/i.test(ctx.path)) throw new Problem('page_not_found')
    if (ctx.path !== metadataPath) return next()
    if (answerPreflight(ctx)) return undefined
    if (!isRead(ctx)) return next()
    isPublicDocument(ctx)
    ctx.body = metadata
    return undefined
  }
}
