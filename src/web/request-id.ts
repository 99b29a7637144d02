// Every request has an id that its answer, its log line and its errors carry.
import type { IncomingMessage } from 'node:http'
import type { Context, Middleware } from 'koa'
import type { RequestId } from '../core/ids.ts'
import { ulid } from '../lib/ulid.ts'

export const newRequestId = (): RequestId => `req_${ulid()}`

/** What a request got when it came. */
interface Arrival {
  readonly requestId: RequestId
  /** On the clock of `performance.now()`. */
  readonly at: number
}

const arrivals = new WeakMap<IncomingMessage, Arrival>()

/** For a request that was worked at before it came to Koa: it keeps its id, and its time counts from then. */
export function keepArrival(req: IncomingMessage, arrival: Arrival): void {
  arrivals.set(req, arrival)
}

export function arrivalOf(req: IncomingMessage): Arrival | undefined {
  return arrivals.get(req)
}

/** Gives the request an id, in `ctx.state` and in the answer's header `name`. */
export function stampRequestId(name: string): Middleware {
  return (ctx, next) => {
    const id = arrivalOf(ctx.req)?.requestId ?? newRequestId()
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
