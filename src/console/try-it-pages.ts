// "Try it": an app's whole flow, run in the developer's own browser, with each step as one would type it.
import type Router from '@koa/router'
import type { Context } from 'koa'
import { findAppOf, findAppOwner } from '../apps/app-store.ts'
import { asTenant } from '../db/tenant.ts'
import type { Tries } from '../oauth/try-it.ts'
import { clientAddress } from '../web/client-address.ts'
import type { AskOurselves } from '../web/own-requests.ts'
import { seeOther } from '../web/see-other.ts'
import { type AppPagesParts, appsPath, visitApp } from './app-pages.ts'
import { describeApp, describeScopes } from './app-words.ts'
import { authorizationAddress, runTry } from './try-it-steps.ts'
import { requireAdmin } from './visit.ts'

export interface TryItParts extends AppPagesParts {
  readonly tries: Tries
  readonly askOurselves: AskOurselves
  readonly trustedProxies: number
  /** What a token is tried at: the path on this server. */
  readonly tryPath: string
}

export const tryItCallbackPath = `${appsPath}/try-it/callback`

export function addTryItPages(router: Router, parts: TryItParts): void {
  const { db, profile, visits, tries, clock, publicUrl } = parts

  const showEnd = (ctx: Context, who: Parameters<typeof visits.show>[1], props: object) =>
    visits.showOnce(ctx, who, appsPath, 'oauth-app-tried', { steps: [], app: null, refused: null, ...props })

  router.get(tryItCallbackPath, async (ctx) => {
    // HEAD comes here too: who asks without wanting to see must not use the code up.
    const who = ctx.method === 'HEAD' ? null : await visits.find(ctx)
    if (!who) return seeOther(ctx, appsPath)
    const begun = tries.read(ctx, who.session)
    tries.end(ctx)
    const owner = begun && (await findAppOwner(db, begun.client))
    const member = owner && who.memberships.find(({ organization }) => organization.id === owner)
    const reach = owner && ({ organization: owner, mode: 'any' } as const)
    const app =
      begun && member && reach && (await asTenant(db, reach, (tx) => findAppOf(tx, owner, begun.client)))
    if (!app || ctx.query['state'] !== begun.state) return showEnd(ctx, who, {})
    const here = { ...who, current: member }
    const described = describeApp(app, undefined, null, clock())
    const { code, error, error_description: reason, iss } = ctx.query
    if (typeof code !== 'string') {
      const refused = { error: String(error ?? ''), reason: String(reason ?? '') }
      return showEnd(ctx, here, { app: described, refused })
    }
    const steps = await runTry({
      publicUrl,
      tryPath: parts.tryPath,
      redirectUri: tries.redirectUri,
      begun,
      code,
      issuer: String(iss ?? ''),
      requiresDpop: app.requiresDpop,
      ask: (request) =>
        parts.askOurselves({ ...request, address: clientAddress(ctx.req, parts.trustedProxies) }),
    })
    return showEnd(ctx, here, { app: described, steps })
  })

  router.get(`${appsPath}/:id/try-it`, async (ctx) => {
    const { who, app } = await visitApp(ctx, parts)
    requireAdmin(who)
    const asked = new Set([ctx.query['scope'] ?? app.scopes].flat().join(' ').split(' '))
    const scopes = app.scopes.filter((scope) => asked.has(scope))
    const begun = tries.begin(ctx, app.clientId, scopes.join(' '), who.session)
    visits.show(ctx, who, appsPath, 'oauth-app-try', {
      app: describeApp(app, undefined, null, clock()),
      address: authorizationAddress(publicUrl, tries.redirectUri, begun),
      challenge: begun.challenge,
      redirectUri: tries.redirectUri,
      scopes: describeScopes(profile, app).map((scope) => ({
        ...scope,
        isAsked: scopes.includes(scope.name),
      })),
      brand: profile.brand.name,
    })
  })
}
