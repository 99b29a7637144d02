// Every request has an id that its answer, its log line and its errors carry.
import type { Context, Middleware } from 'koa'
import type { RequestId } from '../core/ids.ts'
import { ulid } from '../lib/ulid.ts'

/** Gives the request an id, in `ctx.state` and in the answer's header `name`. */
export function stampRequestId(name: string): Middleware {
  return (ctx, next) => {
    const id: RequestId = `req_${ulid()}`
    ctx.state['requestId'] = id
    ctx.set(name, id)
    return next()
  }
}

export function requestId(ctx: Context): RequestId {
  const id: unknown = ctx.state['requestId']
  if (typeof id !== 'string') throw new Error('a request without an id: stampRequestId comes first')
  return id as RequestId // stampRequestId alone writes it
}
