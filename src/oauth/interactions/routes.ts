// The pages between an app's link and its answer. Each POST returns to the dispatcher, which asks
// nextStep; no page knows another.
import Router from '@koa/router'
import { Problem } from '../../core/problems.ts'
import { seeOther } from '../../web/see-other.ts'
import { errors } from '../engine.ts'
import { addConsentSteps, showConsent } from './consent-steps.ts'
import { addSignInSteps, showSignIn } from './sign-in-steps.ts'
import { createVisits, type InteractionParts, stepOf } from './visits.ts'

export function interactionRoutes(parts: InteractionParts): Router {
  const visits = createVisits(parts)
  const router = new Router({ sensitive: true, strict: true })

  router.use(async (_ctx, next) => {
    try {
      await next()
    } catch (thrown) {
      if (!(thrown instanceof errors.SessionNotFound)) throw thrown
      throw new Problem('interaction_expired', {
        reason: thrown.error_description ?? thrown.message,
        cause: thrown,
      })
    }
  })

  router.get('/interaction/:uid', async (ctx) => {
    const at = await visits.find(ctx)
    const next = stepOf(at)
    switch (next.step) {
      case 'sign-in':
        return showSignIn(parts, ctx, at, String(at.interaction.params['login_hint'] ?? ''), null)
      case 'finish-sign-in':
        return seeOther(ctx, await visits.settle(ctx, { login: { accountId: next.person } }))
      case 'refuse-scope': {
        const say = 'none of the requested scopes is one that this app may ask for'
        return seeOther(ctx, await visits.settle(ctx, { error: 'invalid_scope', error_description: say }))
      }
      case 'another-person':
        throw new errors.SessionNotFound('somebody else signed in while this page was open')
      case 'consent':
        return await showConsent(parts, ctx, at, null)
    }
  })

  addSignInSteps(router, parts, visits)
  addConsentSteps(router, parts, visits)
  return router
}
