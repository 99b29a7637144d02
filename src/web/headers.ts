// What every page tells the browser to forbid.
import type { Context, Middleware } from 'koa'

const policy = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src 'self' data:",
  // Chromium holds redirects after a form to this too: a form never ends at an app's address, see
  // views/returning.eta.
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

/**
 * Headers of pages. Referrer-Policy is same-origin: no-referrer would make our own forms send
 * `Origin: null`. No Cross-Origin-Opener-Policy: an app that opened us in a pop-up waits for it.
 */
export function pageHeaders(publicUrl: string): Middleware {
  const headers = pageHeaderValues(publicUrl)
  return (ctx, next) => {
    ctx.set(headers)
    return next()
  }
}

/** The same by name, for answers that are not made by Koa. */
export function pageHeaderValues(publicUrl: string): Record<string, string> {
  return {
    'Content-Security-Policy': policy,
    'X-Frame-Options': 'DENY',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'same-origin',
    'Cache-Control': 'no-store',
    ...(publicUrl.startsWith('https:') ? { 'Strict-Transport-Security': 'max-age=31536000' } : {}),
  }
}

/** For a page whose script asks this server for more: to nobody else may it speak. */
export function allowOwnRequests(ctx: Context): void {
  ctx.set('Content-Security-Policy', `${policy}; connect-src 'self'`)
}
