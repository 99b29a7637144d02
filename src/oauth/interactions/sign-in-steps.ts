// Signing in on the way to an app: the password, and the code where there is a second factor.
import type Router from '@koa/router'
import type { Context } from 'koa'
import { sessionSeconds } from '../../operators/session.ts'
import { type Admission, stepSeconds } from '../../operators/sign-in.ts'
import { readForm } from '../../web/body.ts'
import { sessionOrigin } from '../../web/client-address.ts'
import { seeOther } from '../../web/see-other.ts'
import { whereTo } from './consent-page.ts'
import { type InteractionParts, showPage, type Visit, type Visits } from './visits.ts'

type ShownBy = Pick<InteractionParts, 'views' | 'sessions'>

/** The sign-in page of an interaction; `email` is what stands in the field. */
export function showSignIn(
  parts: ShownBy,
  ctx: Context,
  at: Visit,
  email: string,
  mistake: string | null,
): void {
  const action = `/interaction/${at.interaction.uid}/sign-in`
  const props = { to: whereTo(at.app, at.asked.redirectUri), action, email, mistake }
  showPage(parts, ctx, at, ['signIn', 'sign-in'], props, mistake ? 422 : 200)
}

export function addSignInSteps(router: Router, parts: InteractionParts, visits: Visits): void {
  const { sessions, signIn, trustedProxies } = parts

  const arrivalOf = (ctx: Context) => ({
    from: sessionOrigin(ctx, trustedProxies),
    replaces: sessions.read(ctx),
  })

  const goOn = async (ctx: Context, { interaction }: Visit, admission: Admission) => {
    const here = `/interaction/${interaction.uid}`
    if (admission.kind === 'code_needed') {
      sessions.writeStep(ctx, admission.step, stepSeconds)
      return seeOther(ctx, `${here}/code`)
    }
    sessions.write(ctx, admission.session, sessionSeconds)
    if (interaction.prompt.name !== 'login') return seeOther(ctx, here)
    return seeOther(ctx, await visits.settle(ctx, { login: { accountId: admission.person.id } }))
  }

  router.post('/interaction/:uid/sign-in', async (ctx) => {
    const form = await readForm(ctx.req)
    sessions.checkSignInForm(ctx, form)
    const at = await visits.find(ctx)
    const email = form.get('email') ?? ''
    const password = form.get('password') ?? ''
    const result = await signIn.withPassword({ email, password, ...arrivalOf(ctx) })
    if (result.kind !== 'refused') return await goOn(ctx, at, result)
    return showSignIn(parts, ctx, at, email, at.words.signIn.wrongPassword)
  })

  const showCode = (ctx: Context, at: Visit, isRecovery: boolean, mistake: string | null) => {
    const here = `/interaction/${at.interaction.uid}`
    const props = {
      to: whereTo(at.app, at.asked.redirectUri),
      action: `${here}/code`,
      otherWay: isRecovery ? `${here}/code` : `${here}/code?use=recovery`,
      startOver: here,
      next: null,
      isRecovery,
      mistake,
    }
    showPage(parts, ctx, at, ['code', 'sign-in-code'], props, mistake ? 422 : 200)
  }

  router.get('/interaction/:uid/code', async (ctx) => {
    const at = await visits.find(ctx)
    const step = sessions.readStep(ctx)
    if (!step || !(await signIn.whoseStep(step))) return seeOther(ctx, `/interaction/${at.interaction.uid}`)
    return showCode(ctx, at, ctx.query['use'] === 'recovery', null)
  })

  router.post('/interaction/:uid/code', async (ctx) => {
    const form = await readForm(ctx.req)
    sessions.checkSignInForm(ctx, form)
    const at = await visits.find(ctx)
    const step = sessions.readStep(ctx) ?? ''
    const result = await signIn.withCode(step, form.get('code') ?? '', arrivalOf(ctx))
    const isRecovery = form.get('use') === 'recovery'
    switch (result.kind) {
      case 'too_late':
        return showSignIn(parts, ctx, at, '', at.words.signIn.tooLate)
      case 'refused':
        return showCode(ctx, at, isRecovery, isRecovery ? at.words.code.wrongRecovery : at.words.code.wrong)
      default:
        sessions.clearStep(ctx)
        return await goOn(ctx, at, result)
    }
  })
}
