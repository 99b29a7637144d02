// Pages for choosing a password without having one: by the one-time link, and asking for that link.
import type Router from '@koa/router'
import type { Context } from 'koa'
import { Problem } from '../core/problems.ts'
import type { Db } from '../db/connect.ts'
import type { Clock } from '../lib/time.ts'
import { isEmail } from '../operators/email.ts'
import { type ForgotPasswordParts, sendResetLink } from '../operators/forgot-password.ts'
import { passwordMinLength } from '../operators/password.ts'
import type { Person } from '../operators/person-store.ts'
import type { EndElsewhere } from '../operators/session.ts'
import { setUpLinkSeconds, setUpPassword, whoseSetUpToken } from '../operators/set-up-link.ts'
import { readForm } from '../web/body.ts'
import type { BrowserSessions } from '../web/browser-session.ts'
import { originOf, sessionOrigin } from '../web/client-address.ts'
import { seeOther } from '../web/see-other.ts'
import type { Views } from '../web/views.ts'
import { type Mistake, mistakeOf, readNewPassword } from './mistake.ts'
import { welcome } from './sign-in-pages.ts'

export interface SetUpPagesParts {
  readonly db: Db
  readonly views: Views
  readonly sessions: BrowserSessions
  readonly forgotPassword: ForgotPasswordParts
  readonly endElsewhere: EndElsewhere
  readonly clock: Clock
  readonly trustedProxies: number
  /** Where one lands who has chosen a password. */
  readonly home: string
}

const forgotPath = '/forgot-password'

export function addSetUpPages(router: Router, parts: SetUpPagesParts): void {
  const { db, views, sessions, forgotPassword, endElsewhere, clock, trustedProxies, home } = parts

  const showSetUp = (ctx: Context, person: Person, token: string, mistake: Mistake | null) => {
    const props = { email: person.email, token, mistake, minLength: passwordMinLength }
    views.show(ctx, 'set-up', { ...props, formToken: sessions.formToken(ctx) }, mistake ? 422 : 200)
  }

  router.get('/setup', async (ctx) => {
    const token = String(ctx.query['token'] ?? '')
    const person = await whoseSetUpToken(db, token, clock())
    if (!person) throw new Problem('link_expired')
    showSetUp(ctx, person, token, null)
  })

  router.post('/setup', async (ctx) => {
    const form = await readForm(ctx.req)
    sessions.checkSignInForm(ctx, form)
    const token = form.get('token') ?? ''
    const person = await whoseSetUpToken(db, token, clock())
    if (!person) throw new Problem('link_expired')
    const arrival = { from: sessionOrigin(ctx, trustedProxies), replaces: sessions.read(ctx) }
    try {
      const password = readNewPassword(form)
      const admission = await setUpPassword(db, endElsewhere, { token, password, ...arrival }, clock())
      if (!admission) throw new Problem('link_expired')
      return welcome(ctx, sessions, admission, home)
    } catch (thrown) {
      return showSetUp(ctx, person, token, mistakeOf(thrown))
    }
  })

  const showForgot = (ctx: Context, email: string, mistake: string | null) => {
    const canMail = forgotPassword.mailer.way !== 'nowhere'
    const props = { canMail, email, mistake, isSent: false }
    views.show(ctx, 'forgot-password', { ...props, formToken: sessions.formToken(ctx) }, mistake ? 422 : 200)
  }

  router.get(forgotPath, (ctx) => showForgot(ctx, '', null))

  router.post(forgotPath, async (ctx) => {
    const form = await readForm(ctx.req)
    sessions.checkSignInForm(ctx, form)
    const email = (form.get('email') ?? '').trim()
    if (forgotPassword.mailer.way === 'nowhere') return showForgot(ctx, email, null)
    if (!isEmail(email)) return showForgot(ctx, email, 'Type an email address, such as you@example.com.')
    await sendResetLink(forgotPassword, email, originOf(ctx, trustedProxies))
    return seeOther(ctx, `${forgotPath}/sent`)
  })

  // The same for everybody: it does not even know which address was asked for.
  router.get(`${forgotPath}/sent`, (ctx) => {
    views.show(ctx, 'forgot-password', { isSent: true, minutes: setUpLinkSeconds / 60, mistake: null })
  })
}
