// For Fastify: `app.get('/bookings', { onRequest: guard(latchkey, { scopes: ['read:bookings'] }) }, handler)`.
// Its types are not extended from here, which would need them: `declare module 'fastify' { interface FastifyRequest {
// latchkey?: Allowed } }` does it where they are.
import type { NodeRequest } from './request.ts'
import type { ResourceServer } from './resource-server.ts'
import type { Allowed, VerifyOptions } from './verdict.ts'

/** What is needed of Fastify's `Request` and `Reply`. */
export interface FastifyRequestLike {
  readonly raw: NodeRequest
  readonly originalUrl: string
  latchkey?: Allowed
}
export interface FastifyReplyLike {
  code(status: number): unknown
  headers(headers: Record<string, string>): unknown
  send(body: unknown): unknown
}

/** A hook that lets good requests through, with who it is in `request.latchkey`, and answers all others. */
export function guard(latchkey: ResourceServer, options: VerifyOptions = {}) {
  return async (request: FastifyRequestLike, reply: FastifyReplyLike): Promise<unknown> => {
    const { method, rawHeaders, socket } = request.raw
    const verdict = await latchkey.verify({ method, rawHeaders, socket, url: request.originalUrl }, options)
    if (verdict.ok) {
      request.latchkey = verdict
      return undefined
    }
    reply.code(verdict.status)
    reply.headers({ ...verdict.headers })
    reply.send(verdict.body)
    return reply // an async hook that has answered says so by it
  }
}
