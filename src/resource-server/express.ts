// For Express: `app.get('/bookings', guard(latchkey, { scopes: ['read:bookings'] }), handler)`.
import type { NodeRequest } from './request.ts'
import type { ResourceServer } from './resource-server.ts'
import type { Allowed, VerifyOptions } from './verdict.ts'

declare global {
  namespace Express {
    interface Request {
      /** Whom `guard` has let in. */
      latchkey?: Allowed
    }
  }
}

/** What is needed of Express's `Response`. */
export interface ExpressResponse {
  status(code: number): unknown
  set(headers: Record<string, string>): unknown
  json(body: unknown): unknown
}

/** Middleware that lets good requests through, with who it is in `req.latchkey`, and answers all others. */
export function guard(latchkey: ResourceServer, options: VerifyOptions = {}) {
  return (
    req: NodeRequest & { latchkey?: Allowed },
    res: ExpressResponse,
    next: (error?: unknown) => void,
  ): void => {
    latchkey
      .verify(req, options)
      .then((verdict) => {
        if (verdict.ok) {
          req.latchkey = verdict
          next()
          return
        }
        res.status(verdict.status)
        res.set({ ...verdict.headers })
        res.json(verdict.body)
      })
      .catch(next)
  }
}
