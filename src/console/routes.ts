// The console: pages for operators, joined. One file per page's subject adds its own.
import Router from '@koa/router'
import type { Profile } from '../core/profile.ts'
import type { SecretFormat } from '../credentials/format.ts'
import type { Db } from '../db/connect.ts'
import type { Clock } from '../lib/time.ts'
import type { Turnstile } from '../limits/turnstile.ts'
import type { Mailer } from '../mail/mailer.ts'
import type { ForgotPasswordParts } from '../operators/forgot-password.ts'
import type { FactorKeys } from '../operators/second-factor.ts'
import type { EndElsewhere } from '../operators/session.ts'
import type { SignIn } from '../operators/sign-in.ts'
import type { BrowserSessions } from '../web/browser-session.ts'
import { seeOther } from '../web/see-other.ts'
import type { Views } from '../web/views.ts'
import { addAccountPages } from './account-pages.ts'
import { addAppChangePages } from './app-change-pages.ts'
import { addAppPages, appsPath } from './app-pages.ts'
import { addAuditPages } from './audit-pages.ts'
import { addConnectedAppsPages } from './connected-apps-pages.ts'
import { addInvitationPages } from './invitation-pages.ts'
import { addKeyChangePages } from './key-change-pages.ts'
import { addKeysPages, keysPath } from './keys-pages.ts'
import { addMemberPages } from './member-pages.ts'
import { addMembersPages, membersPath } from './members-pages.ts'
import { returnPath } from './return-path.ts'
import { createReveals } from './reveal.ts'
import { addSecondFactorPages, recoveryPath } from './second-factor-pages.ts'
import { addSetUpPages } from './set-up-pages.ts'
import { addSignInPages } from './sign-in-pages.ts'
import { addTryItPages, type TryItParts } from './try-it-pages.ts'
import { addUsagePages } from './usage-pages.ts'
import { createVisits, SignInFirst } from './visit.ts'

export interface ConsoleParts extends Pick<TryItParts, 'tries' | 'askOurselves'> {
  readonly db: Db
  readonly views: Views
  readonly sessions: BrowserSessions
  readonly signIn: SignIn
  readonly clock: Clock
  readonly trustedProxies: number
  readonly publicUrl: string
  readonly profile: Profile
  readonly format: SecretFormat
  readonly turnstile: Turnstile
  readonly factorKeys: FactorKeys
  readonly forgotPassword: ForgotPasswordParts
  readonly endElsewhere: EndElsewhere
  readonly mailer: Mailer
  /** What a credential may be tried at: the path on this server. */
  readonly tryPath: string
}

const home = keysPath

export function consoleRoutes(parts: ConsoleParts): Router {
  const router = new Router({ sensitive: true, strict: true })
  const prefix = parts.publicUrl.startsWith('https:') ? '__Host-' : ''
  const visits = createVisits({ ...parts, shownCookie: `${prefix}latchkey_shown` })

  router.use(async (ctx, next) => {
    try {
      await next()
    } catch (thrown) {
      if (!(thrown instanceof SignInFirst)) throw thrown
      // What a form would have done is not done by coming back to its address.
      const back = ctx.method === 'GET' ? returnPath(ctx.url, home) : home
      seeOther(ctx, `/sign-in?next=${encodeURIComponent(back)}`)
    }
  })
  router.get('/admin', (ctx) => seeOther(ctx, home))
  addSignInPages(router, { ...parts, visits, home })
  addSetUpPages(router, { ...parts, home })
  const revealsAt = (path: string) => createReveals(parts.db, parts.clock, parts.publicUrl, path)
  const reveals = revealsAt(keysPath)
  addKeysPages(router, { ...parts, visits, reveals })
  addKeyChangePages(router, { ...parts, visits, reveals })
  addUsagePages(router, { ...parts, visits })
  // Without OAuth there is nothing at their addresses: not even a way to sign in first.
  if (parts.profile.oauth.enabled) {
    addConnectedAppsPages(router, { ...parts, visits })
    const appParts = { ...parts, visits, reveals: revealsAt(appsPath) }
    addTryItPages(router, appParts)
    addAppPages(router, appParts)
    addAppChangePages(router, appParts)
  }
  addMembersPages(router, { ...parts, visits, reveals: revealsAt(membersPath) })
  addMemberPages(router, { ...parts, visits })
  addInvitationPages(router, { ...parts, visits, home })
  addAuditPages(router, { ...parts, visits })
  addAccountPages(router, { ...parts, visits })
  const brand = parts.profile.brand.name
  addSecondFactorPages(router, { ...parts, visits, brand, reveals: revealsAt(recoveryPath) })
  return router
}
