// One line for each request: what was asked and how it ended, never the query, a header or a body.
import type { Context, Middleware } from 'koa'
import type { Log } from '../core/telemetry.ts'
import { arrivalOf, requestId } from './request-id.ts'

/** What a room may add to the line of its request. */
export function addToLog(ctx: Context, fields: Readonly<Record<string, unknown>>): void {
  ctx.state['log'] = { ...ctx.state['log'], ...fields }
}

/** Logs each request when its answer is made. `hide` takes out of a path what should not be kept. */
export function logRequests(log: Log, hide: (path: string) => string): Middleware {
  return async (ctx, next) => {
    const startedAt = arrivalOf(ctx.req)?.at ?? performance.now()
    try {
      await next()
    } finally {
      const line = {
        request_id: requestId(ctx),
        method: ctx.method,
        path: hide(ctx.path),
        status: ctx.status,
        ms: Math.round((performance.now() - startedAt) * 10) / 10,
        ...ctx.state['log'],
      }
      if (ctx.status >= 500) log.error(line, 'request')
      else log.info(line, 'request')
    }
  }
}
