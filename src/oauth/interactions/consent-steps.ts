// Consent: the page, the answer to it, and the way out for somebody else at this browser.
import type Router from '@koa/router'
import type { Context } from 'koa'
import { logoAddress } from '../../apps/logo-store.ts'
import { Problem } from '../../core/problems.ts'
import { endSession } from '../../operators/session.ts'
import { listMemberships, mayDelegate } from '../../organizations/membership-store.ts'
import { findOrganization } from '../../organizations/organization-store.ts'
import { readForm } from '../../web/body.ts'
import { originOf } from '../../web/client-address.ts'
import { seeOther } from '../../web/see-other.ts'
import { listConsents } from '../consent-store.ts'
import { allow } from './allow.ts'
import { consentPage } from './consent-page.ts'
import { shownRequest } from './shown-request.ts'
import { type InteractionParts, returnTo, showPage, stepOf, type Visit, type Visits } from './visits.ts'

/** What is wrong with the form, with what the person has filled in; the field is the one to go to. */
interface Mistake {
  readonly say: string
  readonly field: string
  readonly organization: string | null
  readonly optional: readonly string[]
}

export async function showConsent(
  parts: InteractionParts,
  ctx: Context,
  visit: Visit,
  mistake: Mistake | null,
): Promise<void> {
  const { app, person, asked, interaction, words } = visit
  if (!person) throw new Error('consent is asked of someone')
  const db = parts.database.knex
  const [memberships, owner, logo, remembered] = await Promise.all([
    listMemberships(db, person.id),
    app.organization ? findOrganization(db, app.organization) : null,
    logoAddress(db, app.clientId),
    listConsents(db, person.id, app.clientId),
  ])
  const page = consentPage(parts.profile, words, {
    app,
    logo,
    madeBy: owner?.name ?? null,
    redirectUri: asked.redirectUri,
    email: person.email,
    memberships,
    scopes: asked.scopes,
    organization: asked.organization,
    remembered,
    filledIn: mistake ?? { organization: null, optional: [] },
  })
  const here = `/interaction/${interaction.uid}`
  const wrong = { mistake: mistake?.say ?? null, field: mistake?.field ?? null }
  const shown = shownRequest(app, asked)
  const props = { ...page, ...wrong, shown, action: `${here}/consent`, notMe: `${here}/not-you` }
  showPage(parts, ctx, visit, ['consent', 'consent'], props, mistake ? 422 : 200)
}

export function addConsentSteps(router: Router, parts: InteractionParts, visits: Visits): void {
  const { database, sessions, clock, trustedProxies } = parts
  const db = database.knex

  router.post('/interaction/:uid/consent', async (ctx) => {
    const form = await readForm(ctx.req)
    sessions.checkForm(ctx, form)
    const at = await visits.find(ctx)
    const { app, person, asked, interaction, words } = at
    if (!person || stepOf(at).step !== 'consent') return seeOther(ctx, `/interaction/${interaction.uid}`)
    const decision = form.get('decision')
    if (decision === 'deny') {
      const result = { error: 'access_denied', error_description: 'the person did not allow it' }
      return returnTo(parts, ctx, at, await visits.settle(ctx, result))
    }
    if (decision !== 'allow') throw new Problem('invalid_parameter', { param: 'decision' })
    if (form.get('shown') !== shownRequest(app, asked)) {
      const anew = { organization: null, optional: [] }
      const mistake = { ...anew, say: words.consent.changed, field: 'organization-0' }
      return await showConsent(parts, ctx, at, mistake)
    }
    const optional = asked.scopes.filter((scope) => app.optionalScopes.includes(scope))
    const ticked = new Set(form.getAll('optional_scope'))
    const declinedScopes = optional.filter((scope) => !ticked.has(scope))
    const scopes = asked.scopes.filter((scope) => !declinedScopes.includes(scope))
    const chosen = (await listMemberships(db, person.id)).find(
      (membership) => membership.organization.id === form.get('organization') && mayDelegate(membership),
    )
    const filledIn = { organization: chosen?.organization.id ?? null, optional: [...ticked] }
    if (!chosen) {
      const mistake = { ...filledIn, say: words.consent.chooseAccount, field: 'organization-0' }
      return await showConsent(parts, ctx, at, mistake)
    }
    if (scopes.length === 0) {
      const mistake = { ...filledIn, say: words.consent.chooseScope, field: 'optional-0' }
      return await showConsent(parts, ctx, at, mistake)
    }
    const consent = {
      interaction: interaction.uid,
      app,
      person: person.id,
      organization: chosen.organization.id,
      scopes,
      declinedScopes,
      resource: asked.resource,
      redirectUri: asked.redirectUri,
      by: { ...originOf(ctx, trustedProxies), actor: { kind: 'person', id: person.id } } as const,
    }
    const grantId = await allow(db, consent, clock())
    return returnTo(parts, ctx, at, await visits.settle(ctx, { consent: { grantId } }))
  })

  /** Signs out, and sends the same request again: whoever is here signs in to it from its beginning. */
  router.post('/interaction/:uid/not-you', async (ctx) => {
    const form = await readForm(ctx.req)
    sessions.checkForm(ctx, form)
    const { person, interaction } = await visits.find(ctx)
    const session = sessions.read(ctx)
    if (person && session) await endSession(db, session, person.id, originOf(ctx, trustedProxies))
    sessions.clear(ctx)
    return seeOther(ctx, `/oauth/authorize?${requestAgain(interaction.params)}`)
  })
}

/** The parameters of the request as the engine has kept them: checked, and none but those that it knows. */
function requestAgain(params: Readonly<Record<string, unknown>>): URLSearchParams {
  const again = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) {
    for (const one of [value].flat()) if (typeof one === 'string') again.append(name, one)
  }
  return again
}
