// Pages for operators: set-up, sign-in, sign-out, keys.
import Router from '@koa/router'
import type { Context } from 'koa'
import { Problem } from '../core/problems.ts'
import type { Db } from '../db/connect.ts'
import { keyState } from '../keys/key.ts'
import { listKeys } from '../keys/key-store.ts'
import type { Clock } from '../lib/time.ts'
import { passwordMinLength } from '../operators/password.ts'
import type { Person } from '../operators/person-store.ts'
import { endSession, findSessionPerson, sessionSeconds, startSession } from '../operators/session.ts'
import { setUpPassword, whoseSetUpToken } from '../operators/set-up-link.ts'
import type { SignIn } from '../operators/sign-in.ts'
import { listMemberships } from '../organizations/organization-store.ts'
import { readForm } from '../web/body.ts'
import type { BrowserSessions } from '../web/browser-session.ts'
import { clientAddress } from '../web/client-address.ts'
import { seeOther } from '../web/see-other.ts'
import type { Views } from '../web/views.ts'
import { returnPath } from './return-path.ts'

export interface ConsoleParts {
  readonly db: Db
  readonly views: Views
  readonly sessions: BrowserSessions
  readonly signIn: SignIn
  readonly clock: Clock
  readonly trustedProxies: number
}

const home = '/admin/settings/api-keys'
const keysShown = 200

export function consoleRoutes({ db, views, sessions, signIn, clock, trustedProxies }: ConsoleParts): Router {
  const router = new Router({ sensitive: true, strict: true })

  const whoIsIt = async (
    ctx: Context,
  ): Promise<{ readonly person: Person; readonly session: string } | null> => {
    const session = sessions.read(ctx)
    const person = session ? await findSessionPerson(db, session, clock()) : null
    return session && person ? { person, session } : null
  }

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
      if (!(await setUpPassword(db, token, password, clock()))) throw new Problem('link_expired')
    } catch (thrown) {
      if (thrown instanceof Problem && thrown.code === 'invalid_parameter')
        return showSetUp(ctx, person, token, thrown.say)
      throw thrown
    }
    sessions.write(ctx, await startSession(db, person.id, clock()), sessionSeconds)
    seeOther(ctx, home)
  })

  const showSignIn = (ctx: Context, email: string, next: string, mistake: string | null) => {
    const props = { action: '/sign-in', continueTo: null, host: null, email, next, mistake }
    views.show(ctx, 'sign-in', { ...props, formToken: sessions.formToken(ctx) }, mistake ? 422 : 200)
  }

  router.get('/sign-in', async (ctx) => {
    const next = returnPath(String(ctx.query['next'] ?? ''), home)
    if (await whoIsIt(ctx)) return seeOther(ctx, next)
    return showSignIn(ctx, '', next, null)
  })

  router.post('/sign-in', async (ctx) => {
    const form = await readForm(ctx.req)
    sessions.checkSignInForm(ctx, form)
    const email = form.get('email') ?? ''
    const next = returnPath(form.get('next') ?? '', home)
    const address = clientAddress(ctx.req, trustedProxies)
    const person = await signIn({ email, password: form.get('password') ?? '', address })
    if (!person) return showSignIn(ctx, email, next, 'The email address or the password is wrong.')
    sessions.write(ctx, await startSession(db, person.id, clock()), sessionSeconds)
    return seeOther(ctx, next)
  })

  router.post('/sign-out', async (ctx) => {
    sessions.checkForm(ctx, await readForm(ctx.req))
    const who = await whoIsIt(ctx)
    if (who) await endSession(db, who.session, who.person.id)
    sessions.clear(ctx)
    seeOther(ctx, '/sign-in')
  })

  router.get('/admin', (ctx) => seeOther(ctx, home))

  router.get(home, async (ctx) => {
    const who = await whoIsIt(ctx)
    if (!who) return seeOther(ctx, `/sign-in?next=${encodeURIComponent(home)}`)
    const memberships = await listMemberships(db, who.person.id)
    const asked = memberships.find(({ organization }) => organization.slug === ctx.query['org'])
    const current = asked ?? memberships[0]
    const keys = current ? await listKeys(db, current.organization.id, keysShown) : []
    const now = clock()
    return views.show(ctx, 'api-keys', {
      email: who.person.email,
      formToken: sessions.formToken(ctx),
      organizations: memberships.map(({ organization }) => ({
        name: organization.name,
        slug: organization.slug,
        isCurrent: organization.id === current?.organization.id,
      })),
      organization: current ? { name: current.organization.name, slug: current.organization.slug } : null,
      keys: keys.map((key) => ({
        name: key.name,
        shown: `${key.prefix}…${key.lastFour}`,
        mode: key.mode,
        scopes: key.scopes,
        created: key.createdAt,
        expires: key.expiresAt,
        state: keyState(key, now),
      })),
    })
  })

  return router
}
