// The redirect after a form: 303, so that the browser asks with GET (RFC 9110 section 15.4.4).
import type { Context } from 'koa'

export function seeOther(ctx: Context, address: string): void {
  ctx.status = 303
  ctx.redirect(address)
}
