// For Koa: `router.get('/bookings', guard(latchkey, { scopes: ['read:bookings'] }), handler)`.
import type { NodeRequest } from './request.ts'
import type { ResourceServer } from './resource-server.ts'
import type { VerifyOptions } from './verdict.ts'

/** What is needed of Koa's `Context`. */
export interface KoaContext {
  readonly req: NodeRequest
  readonly originalUrl: string
  readonly state: object
  status: number
  body: unknown
  set(name: string, value: string): void
}

/** Middleware that lets good requests through, with who it is in `ctx.state.latchkey`, and answers all others. */
export function guard(latchkey: ResourceServer, options: VerifyOptions = {}) {
  return async (ctx: KoaContext, next: () => Promise<unknown>): Promise<void> => {
    const { method, rawHeaders, socket } = ctx.req
    const verdict = await latchkey.verify({ method, rawHeaders, socket, url: ctx.originalUrl }, options)
    if (verdict.ok) {
      Object.assign(ctx.state, { latchkey: verdict })
      await next()
      return
    }
    ctx.status = verdict.status
    for (const [name, value] of Object.entries(verdict.headers)) ctx.set(name, value)
    ctx.body = verdict.body
  }
}
