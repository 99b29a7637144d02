// A link that is shown once, on the page after the form that made it: never in an address, never in a log.
import type { Context } from 'koa'
import type { PersonId } from '../core/ids.ts'
import type { Db } from '../db/connect.ts'
import type { Clock } from '../lib/time.ts'
import { hideForOnce, type Revealed, revealOnce, revealSeconds } from '../operators/reveal.ts'

export interface LinkReveals {
  /** Keeps it for the next page of this very browser. */
  keep(ctx: Context, person: PersonId, it: Revealed): Promise<void>
  /** Shows it, once; null when there is nothing to be shown (any more). */
  show(ctx: Context, person: PersonId): Promise<Revealed | null>
  /**
   * On the page after it. The cookie that this takes away makes the browser drop the page with the link, which
   * it would else show again when one goes back: `no-store` does not hold the back/forward cache.
   */
  forget(ctx: Context): void
}

export function createLinkReveals(db: Db, publicUrl: string, clock: Clock): LinkReveals {
  const secure = publicUrl.startsWith('https:')
  const cookie = `${secure ? '__Host-' : ''}latchkey_link`
  const options = { httpOnly: true, sameSite: 'lax', secure, path: '/', signed: false } as const
  const read = (ctx: Context) => ctx.cookies.get(cookie, { signed: false })
  return {
    keep: async (ctx, person, it) => {
      const token = await hideForOnce(db, person, it, clock())
      ctx.cookies.set(cookie, token.reveal(), { ...options, maxAge: revealSeconds * 1000 })
    },
    show: async (ctx, person) => {
      const token = read(ctx)
      return token ? await revealOnce(db, person, token, clock()) : null
    },
    forget: (ctx) => {
      if (read(ctx)) ctx.cookies.set(cookie, null, options)
    },
  }
}
