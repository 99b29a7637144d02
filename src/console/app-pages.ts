// Pages for OAuth apps: the list, registering one, one app, and its error log.
import type Router from '@koa/router'
import type { Context } from 'koa'
import type { App } from '../apps/app.ts'
import { longestAppName, longestGrace } from '../apps/app-details.ts'
import { findAppOf, findAppOwner, listApps } from '../apps/app-store.ts'
import { logoAddress, logoAddresses, readLogo } from '../apps/logo-store.ts'
import { notAnUri, redirectUriRules } from '../apps/redirect-uri.ts'
import { listRefusals } from '../apps/refusal-store.ts'
import { registerApp, requireRoomForApp } from '../apps/register-app.ts'
import { findSuspension } from '../apps/suspension-store.ts'
import { isClientId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import { appScopes, type Profile } from '../core/profile.ts'
import type { Db } from '../db/connect.ts'
import { asTenant } from '../db/tenant.ts'
import { Secret } from '../lib/secret.ts'
import type { Clock } from '../lib/time.ts'
import { findAppFigures } from '../oauth/app-figures-store.ts'
import { readForm } from '../web/body.ts'
import type { BrowserSessions } from '../web/browser-session.ts'
import { seeOther } from '../web/see-other.ts'
import { prefilledApp, readAppForm, readMode, type TypedApp, typedApp, wants } from './app-form.ts'
import { authorizationExample, describeApp, describeRefusal, describeScopes } from './app-words.ts'
import { type Mistake, mistakeOf } from './mistake.ts'
import type { Reveals } from './reveal.ts'
import { type MemberVisitor, requireAdmin, type Visits } from './visit.ts'
import { sentenceFor } from './words.ts'

export const appsPath = '/admin/settings/oauth-apps'
const refusalsShown = 50
const refusalsOnPage = 3

export interface AppPagesParts {
  readonly db: Db
  readonly profile: Profile
  readonly visits: Visits
  readonly sessions: BrowserSessions
  readonly reveals: Reveals
  readonly clock: Clock
  readonly publicUrl: string
}

/** What the sentence on the list says after an action. */
const done: Readonly<Record<string, string>> = {
  deleted: 'The app has been deleted, and everything that it was allowed has ended.',
}

/** The same on an app's own page. */
const doneWithApp: Readonly<Record<string, string>> = {
  registered: 'The app is registered. Try it, or give its client id to whoever builds it.',
  saved: 'The changes are saved, and hold from now on.',
  suspended: 'The app is suspended. Its access tokens are refused from now on.',
  resumed: 'The app goes on with what it was allowed before.',
  'logo-saved': 'The logo is saved.',
  'logo-removed': 'The logo has been removed.',
}

export interface AppVisit {
  readonly who: MemberVisitor
  readonly app: App
}

/** The app of the page's address, and the visitor as a member of the organization whose it is. */
export async function visitApp(
  ctx: Context,
  { db, visits }: Pick<AppPagesParts, 'db' | 'visits'>,
): Promise<AppVisit> {
  await visits.signedIn(ctx)
  const id = String(ctx['params']['id'])
  const owner = isClientId(id) ? await findAppOwner(db, id) : null
  if (!isClientId(id) || !owner) throw new Problem('page_not_found')
  const who = await visits.memberOf(ctx, owner)
  const app = await asTenant(db, { organization: owner, mode: 'any' }, (tx) => findAppOf(tx, owner, id))
  if (!app) throw new Problem('page_not_found')
  return { who, app }
}

/** What the form for an app offers, with what was typed. */
export function appFormProps(profile: Profile, typed: TypedApp, mistake: Mistake | null) {
  return {
    typed,
    mistake,
    longestAppName,
    longestGrace,
    uriRules: JSON.stringify({ notAnUri, rules: redirectUriRules }),
    scopes: appScopes(profile).map((name) => ({
      name,
      sentence: profile.scopes[name]?.sentence.en ?? name,
      wants: wants.map((want) => ({ want, isChosen: (typed.scopes[name] ?? 'no') === want })),
    })),
  }
}

export function addAppPages(router: Router, parts: AppPagesParts): void {
  const { db, profile, visits, sessions, reveals, clock, publicUrl } = parts

  router.get('/app-logos/:file', async (ctx) => {
    const png = await readLogo(db, ctx.path)
    if (!png) throw new Problem('page_not_found')
    ctx.type = 'image/png'
    ctx.set('Cache-Control', 'public, max-age=31536000, immutable')
    ctx.set('Cross-Origin-Resource-Policy', 'same-origin')
    ctx.body = png
  })

  router.get(appsPath, async (ctx) => {
    const who = await visits.signedIn(ctx)
    if (!who.current) return visits.show(ctx, who, appsPath, 'no-account', {})
    const member = await visits.member(ctx)
    const { organization, role } = member.current
    const reach = { organization: organization.id, mode: 'any' } as const
    const apps = await asTenant(db, reach, (tx) => listApps(tx, organization.id))
    const ids = apps.map(({ clientId }) => clientId)
    const now = clock()
    const [figures, logos] = await Promise.all([findAppFigures(db, ids, now), logoAddresses(db, ids)])
    return visits.show(ctx, who, appsPath, 'oauth-apps', {
      done: sentenceFor(done, ctx.query['done']),
      isAdmin: role === 'ADMIN',
      apps: apps.map((app) => describeApp(app, figures.get(app.clientId), logos.get(app.clientId), now)),
    })
  })

  const showNew = (
    ctx: Context,
    who: MemberVisitor,
    attempt: string,
    typed: TypedApp,
    more: { readonly mistake: Mistake | null; readonly isPrefilled: boolean },
  ) => {
    const props = { ...appFormProps(profile, typed, more.mistake), attempt, isPrefilled: more.isPrefilled }
    visits.show(ctx, who, appsPath, 'oauth-app-form', { ...props, app: null }, more.mistake ? 422 : 200)
  }

  // A link may fill the form in (that is what a tool gives to its users): it is shown, and sent by nobody but them.
  router.get(`${appsPath}/new`, async (ctx) => {
    const who = await visits.member(ctx)
    requireAdmin(who)
    const query = new URLSearchParams(ctx.querystring)
    query.delete('org')
    const typed = prefilledApp(profile, query)
    showNew(ctx, who, reveals.newAttempt(), typed, { mistake: null, isPrefilled: query.size > 0 })
  })

  router.post(appsPath, async (ctx) => {
    const form = await readForm(ctx.req)
    sessions.checkForm(ctx, form)
    const who = await visits.memberOf(ctx, form.get('org') ?? '')
    requireAdmin(who)
    const organization = who.current.organization.id
    const typed = typedApp(profile, form)
    const attempt = form.get('attempt') ?? ''
    try {
      const mode = readMode(typed)
      const details = readAppForm(profile, typed)
      await requireRoomForApp(db, organization)
      // Pressed twice it registers one app; the way by which keys are shown once sees to it.
      await reveals.make(ctx, who.person.id, attempt, async (tx) => {
        const app = await registerApp(tx, { ...details, mode, organization, by: who.by }, clock())
        return { subject: app.clientId, secret: new Secret(app.clientId) }
      })
    } catch (thrown) {
      return showNew(ctx, who, attempt, typed, { mistake: mistakeOf(thrown), isPrefilled: false })
    }
    seeOther(ctx, `${appsPath}/registered`)
  })

  router.get(`${appsPath}/registered`, async (ctx) => {
    const who = await visits.signedIn(ctx)
    const taken = await reveals.take(ctx, who.person.id)
    seeOther(ctx, taken ? `${appsPath}/${taken.subject}?done=registered` : appsPath)
  })

  router.get(`${appsPath}/:id`, async (ctx) => {
    const { who, app } = await visitApp(ctx, parts)
    const { clientId } = app
    const now = clock()
    const reach = { organization: who.current.organization.id, mode: 'any' } as const
    const [figures, logo, refusals, suspension] = await Promise.all([
      findAppFigures(db, [clientId], now),
      logoAddress(db, clientId),
      asTenant(db, reach, (tx) => listRefusals(tx, clientId, refusalsOnPage)),
      findSuspension(db, clientId),
    ])
    visits.show(ctx, who, appsPath, 'oauth-app', {
      app: describeApp(app, figures.get(clientId), logo, now),
      scopes: describeScopes(profile, app),
      example: authorizationExample(publicUrl, app),
      refusals: refusals.map((refusal) => describeRefusal(refusal, now)),
      suspendedByVendor: suspension?.suspendedBy === 'vendor',
      isAdmin: who.current.role === 'ADMIN',
      brand: profile.brand.name,
      done: sentenceFor(doneWithApp, ctx.query['done']),
    })
  })

  router.get(`${appsPath}/:id/errors`, async (ctx) => {
    const { who, app } = await visitApp(ctx, parts)
    const now = clock()
    const reach = { organization: who.current.organization.id, mode: 'any' } as const
    const refusals = await asTenant(db, reach, (tx) => listRefusals(tx, app.clientId, refusalsShown))
    visits.show(ctx, who, appsPath, 'oauth-app-errors', {
      app: describeApp(app, undefined, null, now),
      refusals: refusals.map((refusal) => describeRefusal(refusal, now)),
      refusalsShown,
    })
  })
}
