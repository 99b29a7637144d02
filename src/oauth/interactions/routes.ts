// The pages between an app's link and its answer. Each POST returns to the dispatcher, which asks
// nextStep; no page knows another.
import Router from '@koa/router'
import type { Context } from 'koa'
import type { App } from '../../apps/app.ts'
import { findApp } from '../../apps/app-store.ts'
import { Problem } from '../../core/problems.ts'
import type { Profile } from '../../core/profile.ts'
import { parseScopes } from '../../core/scopes.ts'
import type { Database } from '../../db/connect.ts'
import type { Clock } from '../../lib/time.ts'
import type { Person } from '../../operators/person-store.ts'
import { findSessionPerson } from '../../operators/session.ts'
import type { SignIn } from '../../operators/sign-in.ts'
import { listMemberships, mayDelegate } from '../../organizations/membership-store.ts'
import { findOrganization } from '../../organizations/organization-store.ts'
import { readForm } from '../../web/body.ts'
import type { BrowserSessions } from '../../web/browser-session.ts'
import { originOf } from '../../web/client-address.ts'
import { seeOther } from '../../web/see-other.ts'
import type { Views } from '../../web/views.ts'
import { type Engine, errors, type Interaction, type InteractionResults } from '../engine.ts'
import type { Resources } from '../resources.ts'
import { allow, appIsStopped } from './allow.ts'
import { consentPage } from './consent-page.ts'
import { nextStep } from './next-step.ts'
import { addSignInSteps, showSignIn } from './sign-in-steps.ts'

export interface InteractionParts {
  readonly engine: Engine
  readonly database: Database
  readonly profile: Profile
  readonly resources: Resources
  readonly views: Views
  readonly sessions: BrowserSessions
  readonly signIn: SignIn
  readonly clock: Clock
  readonly trustedProxies: number
}

/** What every step needs to know. */
export interface Visit {
  readonly interaction: Interaction
  readonly app: App
  readonly person: Person | null
  readonly scopes: readonly string[]
  /** The one that they are for (RFC 8707). */
  readonly resource: string
  readonly redirectUri: string
}

export function interactionRoutes(parts: InteractionParts): Router {
  const { engine, database, views, sessions, clock } = parts
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

  const visit = async (ctx: Context): Promise<Visit> => {
    const interaction = await findInteraction(ctx)
    const app = await findApp(database, String(interaction.params['client_id']))
    if (!app) throw new errors.SessionNotFound('the app of this interaction is gone')
    if (app.isStopped) throw appIsStopped()
    const session = sessions.read(ctx)
    const asked = parseScopes(String(interaction.params['scope'] ?? ''))
    const resource = await parts.resources.find(String(interaction.params['resource']))
    if (!resource) throw new errors.SessionNotFound('the resource of this interaction is gone')
    return {
      interaction,
      app,
      person: session ? await findSessionPerson(database.knex, session, clock()) : null,
      scopes: app.scopes.filter((scope) => asked.has(scope) && resource.scopes.includes(scope)),
      resource: resource.audience,
      redirectUri: String(interaction.params['redirect_uri']),
    }
  }

  const findInteraction = async (ctx: Context): Promise<Interaction> => {
    const interaction = await engine.interactionDetails(ctx.req, ctx.res)
    // The cookie is bound to the path, but a browser may hold it for another interaction all the same.
    if (interaction.uid !== ctx['params']['uid']) throw new errors.SessionNotFound('another interaction')
    return interaction
  }

  const stepOf = ({ interaction, person, scopes }: Visit) =>
    nextStep({
      prompt: interaction.prompt.name,
      reasons: interaction.prompt.reasons,
      person: person?.id ?? null,
      begunBy: interaction.session?.accountId ?? null,
      requestedScopes: scopes,
    })

  /** Saves the result; gives the address at which the engine goes on. */
  const settle = (ctx: Context, result: InteractionResults): Promise<string> =>
    engine.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission: true })

  const showConsent = async (
    ctx: Context,
    { app, person, scopes, redirectUri, interaction }: Visit,
    mistake: string | null,
  ) => {
    if (!person) throw new Error('consent is asked of someone')
    const [memberships, owner] = await Promise.all([
      listMemberships(database.knex, person.id),
      app.organization ? findOrganization(database.knex, app.organization) : null,
    ])
    const page = consentPage(parts.profile, {
      app,
      madeBy: owner?.name ?? '',
      redirectUri,
      email: person.email,
      memberships,
      scopes,
      mistake,
    })
    const action = `/interaction/${interaction.uid}/consent`
    views.show(ctx, 'consent', { ...page, action, formToken: sessions.formToken(ctx) }, mistake ? 422 : 200)
  }

  router.get('/interaction/:uid', async (ctx) => {
    const at = await visit(ctx)
    const next = stepOf(at)
    switch (next.step) {
      case 'sign-in':
        return showSignIn(parts, ctx, at, String(at.interaction.params['login_hint'] ?? ''), null)
      case 'finish-sign-in':
        return seeOther(ctx, await settle(ctx, { login: { accountId: next.person } }))
      case 'refuse-scope': {
        const say = 'none of the requested scopes is one that this app may ask for'
        return seeOther(ctx, await settle(ctx, { error: 'invalid_scope', error_description: say }))
      }
      case 'another-person':
        throw new errors.SessionNotFound('somebody else signed in while this page was open')
      case 'consent':
        return await showConsent(ctx, at, null)
    }
  })

  addSignInSteps(router, { ...parts, visit, settle })

  router.post('/interaction/:uid/consent', async (ctx) => {
    const form = await readForm(ctx.req)
    sessions.checkForm(ctx, form)
    const at = await visit(ctx)
    const { app, person, scopes, resource, interaction } = at
    if (!person || stepOf(at).step !== 'consent') return seeOther(ctx, `/interaction/${interaction.uid}`)
    const decision = form.get('decision')
    if (decision === 'deny') {
      const say = 'the person did not allow it'
      return returnTo(ctx, app, await settle(ctx, { error: 'access_denied', error_description: say }))
    }
    if (decision !== 'allow') throw new Problem('invalid_parameter', { param: 'decision' })
    const chosen = (await listMemberships(database.knex, person.id)).find(
      (membership) => membership.organization.id === form.get('organization') && mayDelegate(membership),
    )
    if (!chosen) return await showConsent(ctx, at, 'Choose the account that the app may use.')
    const consent = {
      interaction: interaction.uid,
      app,
      person: person.id,
      organization: chosen.organization.id,
      scopes,
      resource,
      by: { ...originOf(ctx, parts.trustedProxies), actor: { kind: 'person', id: person.id } } as const,
    }
    const grantId = await allow(database.knex, consent, clock())
    return returnTo(ctx, app, await settle(ctx, { consent: { grantId } }))
  })

  // A redirect here would be the answer to a form, and Chromium holds those to form-action 'self': the app
  // would never hear. A page that goes on by itself is no form's redirect.
  const returnTo = (ctx: Context, app: App, address: string) => {
    views.show(ctx, 'returning', { app: app.name, address })
  }

  return router
}
