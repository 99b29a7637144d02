// Pages for getting in and out: set-up, sign-in, sign-out.
import type Router from '@koa/router'
import type { Context } from 'koa'
import { Problem } from '../core/problems.ts'
import type { Db } from '../db/connect.ts'
import type { Clock } from '../lib/time.ts'
import { passwordMinLength } from '../operators/password.ts'
import type { Person } from '../operators/person-store.ts'
import { endSession, sessionSeconds, startSession } from '../operators/session.ts'
import { setUpPassword, whoseSetUpToken } from '../operators/set-up-link.ts'
import type { SignIn } from '../operators/sign-in.ts'
import { readForm } from '../web/body.ts'
import type { BrowserSessions } from '../web/browser-session.ts'
import { originOf, sessionOrigin } from '../web/client-address.ts'
import { seeOther } from '../web/see-other.ts'
import type { Views } from '../web/views.ts'
import { returnPath } from './return-path.ts'
import type { Visits } from './visit.ts'

export interface SignInPagesParts {
  readonly db: Db
  readonly views: Views
  readonly sessions: BrowserSessions
  readonly visits: Visits
  readonly signIn: SignIn
  readonly clock: Clock
  readonly trustedProxies: number
  /** Where one lands who asked for no other page. */
  readonly home: string
}

export function addSignInPages(router: Router, parts: SignInPagesParts): void {
  const { db, views, sessions, visits, signIn, clock, trustedProxies, home } = parts

  const showSetUp = (ctx: Context, person: Person, token: string, mistake: string | null) => {
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
    const password = form.get('password') ?? ''
    try {
      if (password !== form.get('password_again')) {
        throw new Problem('invalid_parameter', {
          param: 'password_again',
          say: 'The two passwords are not the same.',
        })
      }
      const from = originOf(ctx, trustedProxies)
      if (!(await setUpPassword(db, token, password, from, clock()))) throw new Problem('link_expired')
    } catch (thrown) {
      if (thrown instanceof Problem && thrown.code === 'invalid_parameter')
        return showSetUp(ctx, person, token, thrown.say)
      throw thrown
    }
    await begin(ctx, person, home)
  })

  const begin = async (ctx: Context, person: Person, next: string) => {
    const session = await startSession(db, person.id, sessionOrigin(ctx, trustedProxies), clock())
    sessions.write(ctx, session, sessionSeconds)
    seeOther(ctx, next)
  }

  const showSignIn = (ctx: Context, email: string, next: string, mistake: string | null) => {
    const props = { action: '/sign-in', continueTo: null, host: null, email, next, mistake }
    views.show(ctx, 'sign-in', { ...props, formToken: sessions.formToken(ctx) }, mistake ? 422 : 200)
  }

  router.get('/sign-in', async (ctx) => {
    const next = returnPath(String(ctx.query['next'] ?? ''), home)
    if (await visits.find(ctx)) return seeOther(ctx, next)
    return showSignIn(ctx, '', next, null)
  })

  router.post('/sign-in', async (ctx) => {
    const form = await readForm(ctx.req)
    sessions.checkSignInForm(ctx, form)
    const email = form.get('email') ?? ''
    const next = returnPath(form.get('next') ?? '', home)
    const from = originOf(ctx, trustedProxies)
    const person = await signIn({ email, password: form.get('password') ?? '', from })
    if (!person) return showSignIn(ctx, email, next, 'The email address or the password is wrong.')
    return await begin(ctx, person, next)
  })

  router.post('/sign-out', async (ctx) => {
    const form = await readForm(ctx.req)
    sessions.checkForm(ctx, form)
    const who = await visits.find(ctx)
    if (who) await endSession(db, who.session, who.person.id, who.origin)
    sessions.clear(ctx)
    seeOther(ctx, returnPath(form.get('next') ?? '', '/sign-in'))
  })
}
