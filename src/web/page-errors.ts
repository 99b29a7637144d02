// Errors of pages: a page in plain words, with the request id and what a developer needs.
import type { Context, Middleware } from 'koa'
import { asProblem, Problem } from '../core/problems.ts'
import type { Log } from '../core/telemetry.ts'
import { addToLog } from './access-log.ts'
import { requestId } from './request-id.ts'
import type { Views } from './views.ts'

/** Turns whatever is thrown below into a page, or into JSON for a program. */
export function pageErrors(views: Views, log: Log): Middleware {
  return async (ctx, next) => {
    try {
      await next()
      if (ctx.status === 404 && ctx.body == null) throw new Problem('page_not_found')
    } catch (thrown) {
      const problem = asProblem(thrown)
      if (problem.status >= 500) log.error({ request_id: requestId(ctx), err: problem }, 'request failed')
      addToLog(ctx, { problem: problem.code, reason: problem.details.reason })
      if (problem.details.retryAfter !== undefined) ctx.set('Retry-After', String(problem.details.retryAfter))
      showError(views, ctx, problem.status, { error: problem.code, say: sayToPerson(problem), reason: null })
    }
  }
}

/** A person reads no header: how long to wait is said. */
function sayToPerson({ code, say, details: { retryAfter } }: Problem): string {
  if (code !== 'rate_limit_exceeded' || retryAfter === undefined) return say
  const minutes = Math.ceil(retryAfter / 60)
  const wait = retryAfter < 60 ? 'a minute' : `${minutes} minutes`
  return `There were too many tries. Wait ${minutes > 90 ? 'a few hours' : wait}, then try again.`
}

export interface ShownError {
  readonly error: string
  readonly say: string
  /** For the developer. */
  readonly reason: string | null
}

export function showError(views: Views, ctx: Context, status: number, error: ShownError): void {
  const shown = { ...error, requestId: requestId(ctx), time: new Date().toISOString() }
  // A browser asks for HTML by name; a program that takes anything is told in JSON.
  if (ctx.accepts('json', 'html') === 'json') {
    ctx.status = status
    ctx.body = {
      error: error.error === 'internal_error' ? 'server_error' : error.error,
      error_description: error.reason ?? error.say,
      request_id: shown.requestId,
    }
    return
  }
  views.show(ctx, 'error', shown, status)
}
