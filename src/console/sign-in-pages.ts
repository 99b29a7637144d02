// Pages for getting in and out: sign-in, its second step, sign-out.
import type Router from '@koa/router'
import type { Context } from 'koa'
import type { Db } from '../db/connect.ts'
import { english } from '../oauth/interactions/words-en.ts'
import { endSession, sessionSeconds } from '../operators/session.ts'
import { type Admission, type SignIn, stepSeconds } from '../operators/sign-in.ts'
import { readForm } from '../web/body.ts'
import type { BrowserSessions } from '../web/browser-session.ts'
import { sessionOrigin } from '../web/client-address.ts'
import { fillHtml } from '../web/fill-in.ts'
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
  readonly trustedProxies: number
  /** Where one lands who asked for no other page. */
  readonly home: string
}

const codePath = '/sign-in/code'

/** Sends on whoever was let in, or halfway; `next` is a path of ours. */
export function welcome(ctx: Context, sessions: BrowserSessions, admission: Admission, next: string): void {
  if (admission.kind === 'code_needed') {
    sessions.writeStep(ctx, admission.step, stepSeconds)
    seeOther(ctx, `${codePath}?next=${encodeURIComponent(next)}`)
  } else {
    sessions.write(ctx, admission.session, sessionSeconds)
    seeOther(ctx, next)
  }
}

export function addSignInPages(router: Router, parts: SignInPagesParts): void {
  const { db, views, sessions, visits, signIn, trustedProxies, home } = parts

  const showSignIn = (ctx: Context, email: string, next: string, mistake: string | null) => {
    const props = { words: english.signIn, action: '/sign-in', to: null, email, next, mistake }
    views.show(ctx, 'sign-in', { ...props, formToken: sessions.formToken(ctx) }, mistake ? 422 : 200)
  }
  const arrivalOf = (ctx: Context) => ({
    from: sessionOrigin(ctx, trustedProxies),
    replaces: sessions.read(ctx),
  })

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
    const password = form.get('password') ?? ''
    const result = await signIn.withPassword({ email, password, ...arrivalOf(ctx) })
    if (result.kind === 'refused') return showSignIn(ctx, email, next, english.signIn.wrongPassword)
    return welcome(ctx, sessions, result, next)
  })

  const showCode = (ctx: Context, next: string, isRecovery: boolean, mistake: string | null) => {
    const self = `${codePath}?next=${encodeURIComponent(next)}`
    const props = {
      words: english.code,
      fill: fillHtml,
      action: codePath,
      otherWay: isRecovery ? self : `${self}&use=recovery`,
      startOver: `/sign-in?next=${encodeURIComponent(next)}`,
      to: null,
      next,
      isRecovery,
      mistake,
    }
    views.show(ctx, 'sign-in-code', { ...props, formToken: sessions.formToken(ctx) }, mistake ? 422 : 200)
  }

  router.get(codePath, async (ctx) => {
    const next = returnPath(String(ctx.query['next'] ?? ''), home)
    const step = sessions.readStep(ctx)
    if (!step || !(await signIn.whoseStep(step)))
      return seeOther(ctx, `/sign-in?next=${encodeURIComponent(next)}`)
    return showCode(ctx, next, ctx.query['use'] === 'recovery', null)
  })

  router.post(codePath, async (ctx) => {
    const form = await readForm(ctx.req)
    sessions.checkSignInForm(ctx, form)
    const next = returnPath(form.get('next') ?? '', home)
    const step = sessions.readStep(ctx) ?? ''
    const result = await signIn.withCode(step, form.get('code') ?? '', arrivalOf(ctx))
    if (result.kind === 'too_late') return showSignIn(ctx, '', next, english.signIn.tooLate)
    const isRecovery = form.get('use') === 'recovery'
    if (result.kind === 'refused') return showCode(ctx, next, isRecovery, wrongCode(isRecovery))
    sessions.clearStep(ctx)
    return welcome(ctx, sessions, result, next)
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

const wrongCode = (isRecovery: boolean) => (isRecovery ? english.code.wrongRecovery : english.code.wrong)
