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
  const secure = publicUrl.startsWith('https:')
  return (ctx, next) => {
    ctx.set('Content-Security-Policy', policy)
    ctx.set('X-Frame-Options', 'DENY')
    ctx.set('X-Content-Type-Options', 'nosniff')
    ctx.set('Referrer-Policy', 'same-origin')
    ctx.set('Cache-Control', 'no-store')
    if (secure) ctx.set('Strict-Transport-Security', 'max-age=31536000')
    return next()
  }
}

/** For a page whose script asks this server for more: to nobody else may it speak. */
export function allowOwnRequests(ctx: Context): void {
  ctx.set('Content-Security-Policy', `${policy}; connect-src 'self'`)
}
