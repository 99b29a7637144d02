// Errors of pages: a page in plain words, with the request id and what a developer needs.
import type { Context, Middleware } from 'koa'
import { asProblem, Problem } from '../core/problems.ts'
import type { Log } from '../core/telemetry.ts'
import { addToLog } from './access-log.ts'
import { requestId } from './request-id.ts'
import type { Views } from './views.ts'

/** What an error page says, in one language. */
export interface ErrorWords {
  readonly locale: string
  readonly skip: string
  readonly title: string
  readonly forDevelopers: string
  readonly error: string
  readonly reason: string
  readonly request: string
  readonly time: string
  readonly console: string
  /** What happened, to the person who sees it. */
  readonly say: (problem: Problem) => string
}

export const englishErrors: ErrorWords = {
  locale: 'en',
  skip: 'Skip to content',
  title: 'Something is not right',
  forDevelopers: 'For developers and support',
  error: 'Error',
  reason: 'Reason',
  request: 'Request',
  time: 'Time',
  console: 'Go to the console',
  say: ({ code, say, details: { retryAfter } }) => {
    if (code !== 'rate_limit_exceeded' || retryAfter === undefined) return say
    const wait = waitInMinutes(retryAfter)
    const time = { minute: 'a minute', minutes: `${wait.minutes} minutes`, hours: 'a few hours' }[wait.unit]
    return `There were too many tries. Wait ${time}, then try again.`
  },
}

/** A person reads no header: how long to wait is said. */
export function waitInMinutes(retryAfter = 60): {
  readonly minutes: number
  readonly unit: 'minute' | 'minutes' | 'hours'
} {
  const minutes = Math.ceil(retryAfter / 60)
  if (retryAfter < 60) return { minutes, unit: 'minute' }
  return { minutes, unit: minutes > 90 ? 'hours' : 'minutes' }
}

/** Turns whatever is thrown below into a page in the language of who sees it, or into JSON for a program. */
export function pageErrors(views: Views, log: Log, wordsOf: (ctx: Context) => ErrorWords): Middleware {
  return async (ctx, next) => {
    try {
      await next()
      if (ctx.status === 404 && ctx.body == null) throw new Problem('page_not_found')
    } catch (thrown) {
      const problem = asProblem(thrown)
      if (problem.status >= 500) log.error({ request_id: requestId(ctx), err: problem }, 'request failed')
      addToLog(ctx, { problem: problem.code, reason: problem.details.reason })
      if (problem.details.retryAfter !== undefined) ctx.set('Retry-After', String(problem.details.retryAfter))
      const words = wordsOf(ctx)
      const shown = { error: problem.code, say: words.say(problem), reason: null }
      showError(views, ctx, problem.status, shown, words)
    }
  }
}

export interface ShownError {
  readonly error: string
  readonly say: string
  /** For the developer. */
  readonly reason: string | null
  /** In place of the one that stands for all errors. */
  readonly title?: string
}

export function showError(
  views: Views,
  ctx: Context,
  status: number,
  error: ShownError,
  words: ErrorWords = englishErrors,
): void {
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
  const { locale, skip } = words
  ctx.set('Content-Language', locale)
  views.show(ctx, 'error', { ...shown, title: error.title ?? words.title, words, locale, skip }, status)
}
