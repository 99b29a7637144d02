// For Hono: `app.get('/bookings', guard(latchkey, { scopes: ['read:bookings'] }), handler)`,
// in an app of `new Hono<{ Variables: { latchkey: Allowed } }>()`.
import { toResponse } from './fetch.ts'
import type { FetchRequest } from './request.ts'
import type { ResourceServer } from './resource-server.ts'
import type { Allowed, VerifyOptions } from './verdict.ts'

/** What is needed of Hono's `Context`. */
export interface HonoContext {
  readonly req: { readonly raw: FetchRequest }
  set(name: 'latchkey', who: Allowed): void
}

/** Middleware that lets good requests through, with who it is in `c.get('latchkey')`, and answers all others. */
export function guard(latchkey: ResourceServer, options: VerifyOptions = {}) {
  return async (c: HonoContext, next: () => Promise<void>): Promise<Response | undefined> => {
    const verdict = await latchkey.verify(c.req.raw, options)
    if (!verdict.ok) return toResponse(verdict)
    c.set('latchkey', verdict)
    await next()
    return undefined
  }
}
