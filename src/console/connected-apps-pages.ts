// Pages for the apps that have access: those that one allowed oneself, those of the account, and taking it back.
import type Router from '@koa/router'
import type { Context } from 'koa'
import { findShownApps } from '../apps/shown-app-store.ts'
import { type GrantId, isGrantId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'
import type { Db } from '../db/connect.ts'
import { asTenant } from '../db/tenant.ts'
import type { Clock } from '../lib/time.ts'
import {
  type ConnectedApp,
  findConnectedApp,
  type InstallQuery,
  listConnectedApps,
} from '../oauth/connected-app-store.ts'
import { readGrantCursor, writeGrantCursor } from '../oauth/grant-cursor.ts'
import { listConnectedAppCalls } from '../oauth/grant-use-store.ts'
import { type Extent, removeAccess } from '../oauth/remove-access.ts'
import { readForm } from '../web/body.ts'
import type { BrowserSessions } from '../web/browser-session.ts'
import { seeOther } from '../web/see-other.ts'
import { describeCalls, shownDays } from './call-words.ts'
import { describeConnected } from './connected-words.ts'
import { endedAccess } from './ended-access.ts'
import { type MemberVisitor, refusedToRole, type Visits } from './visit.ts'
import { sentenceFor } from './words.ts'

export const connectedAppsPath = '/admin/settings/connected-apps'
const appsShown = 25
/** Of an app in the list; its own page has them all. */
const installsInList = 10
const installsShown = 50

export interface ConnectedAppsParts {
  readonly db: Db
  readonly profile: Profile
  readonly visits: Visits
  readonly sessions: BrowserSessions
  readonly clock: Clock
}

/** Whose: what one allowed oneself, over all one's accounts, or what everybody allowed for this one. */
type View = 'mine' | 'account'

const done: Readonly<Record<string, string>> = {
  removed: 'The app has no access any more. Its tokens are refused from now on.',
  'install-removed': 'This install has no access any more. The others of the app go on.',
}

const removals = {
  remove: { extent: 'app', done: 'removed' },
  'remove-install': { extent: 'install', done: 'install-removed' },
} as const satisfies Record<string, { extent: Extent; done: keyof typeof done }>

const gone = () =>
  new Problem('page_not_found', { say: 'This app has no access any more, or it is none of yours.' })

export function addConnectedAppsPages(router: Router, parts: ConnectedAppsParts): void {
  const { db, profile, visits, sessions, clock } = parts

  const describeAll = async (found: readonly ConnectedApp[], who: MemberVisitor) => {
    const apps = await findShownApps(
      db,
      found.map(({ client }) => client),
    )
    const now = clock()
    return found.map((it) => ({
      ...describeConnected(it, apps.get(it.client), { profile, now }),
      account: accountOf(it, who),
      isYours: it.person === who.person.id,
    }))
  }

  router.get(connectedAppsPath, async (ctx) => {
    const visitor = await visits.signedIn(ctx)
    if (!visitor.current) return visits.show(ctx, visitor, connectedAppsPath, 'no-account', {})
    const who = await visits.member(ctx)
    const view: View = ctx.query['of'] === 'account' ? 'account' : 'mine'
    const { organization, role } = who.current
    if (view === 'account' && role !== 'ADMIN') throw refusedToRole()
    const after = readGrantCursor(String(ctx.query['after'] ?? ''))
    const page = { after, limit: appsShown + 1, installs: { limit: installsInList }, now: clock() }
    const reach = { organization: organization.id, mode: 'any' } as const
    const found =
      view === 'account'
        ? await asTenant(db, reach, (tx) =>
            listConnectedApps(tx, { ...page, which: { organization: organization.id } }),
          )
        : await listConnectedApps(db, { ...page, which: { person: who.person.id } })
    const shown = found.slice(0, appsShown)
    const last = shown.at(-1)
    visits.show(ctx, who, connectedAppsPath, 'connected-apps', {
      done: sentenceFor(done, ctx.query['done']),
      view,
      lists: { mine: listOf(who, 'mine'), account: listOf(who, 'account') },
      isAdmin: role === 'ADMIN',
      isFirstPage: after === null,
      apps: await describeAll(shown, who),
      older: found.length > appsShown && last ? cursorOf(last) : null,
      ended: await endedAccess(parts, who, view === 'account', String(ctx.query['ended'] ?? '')),
    })
  })

  /** The connected app of the page's address, as seen by who gave it or by an administrator of its account. */
  const visitApp = async (ctx: Context, installsOf: (grant: GrantId) => InstallQuery) => {
    const visitor = await visits.signedIn(ctx)
    const grant = String(ctx['params']['id'])
    if (!isGrantId(grant)) throw gone()
    const app = await findConnectedApp(db, { grant, installs: installsOf(grant), now: clock() })
    const theirs = visitor.memberships.find(({ organization }) => organization.id === app?.organization)
    // Another's is as one that is not there, also to a member of the same account: they see their own alone.
    if (!app || !theirs || !(app.person === visitor.person.id || theirs.role === 'ADMIN')) throw gone()
    const who: MemberVisitor = { ...visitor, current: theirs }
    const view: View = app.person === visitor.person.id ? 'mine' : 'account'
    return { who, app, grant, view, list: listOf(who, view) }
  }

  router.get(`${connectedAppsPath}/:id`, async (ctx) => {
    const after = readGrantCursor(String(ctx.query['after'] ?? ''))
    const { who, app, list } = await visitApp(ctx, () => ({ limit: installsShown + 1, after }))
    const newest = app.newest.slice(0, installsShown)
    const last = newest.at(-1)
    const isMore = app.newest.length > installsShown && last
    const [described] = await describeAll([{ ...app, newest }], who)
    const now = clock()
    const calls = await asTenant(db, { organization: app.organization, mode: 'any' }, (tx) =>
      listConnectedAppCalls(tx, app.grant, shownDays(now)),
    )
    visits.show(ctx, who, connectedAppsPath, 'connected-app', {
      app: described,
      calls: describeCalls(calls, now),
      list,
      isFirstPage: after === null,
      older: isMore ? writeGrantCursor({ createdAt: last.createdAt, id: last.grant }) : null,
    })
  })

  for (const [verb, { extent, done: word }] of Object.entries(removals)) {
    router.get(`${connectedAppsPath}/:id/${verb}`, async (ctx) => {
      const { who, app, list } = await visitApp(ctx, (grant) => ({ only: grant }))
      const [described] = await describeAll([app], who)
      // With the last install the whole app goes.
      const install = extent === 'install' && app.installs > 1 ? described?.installs[0] : null
      visits.show(ctx, who, connectedAppsPath, 'connected-app-remove', {
        app: described,
        install,
        lastUse: (install ?? described)?.lastUse,
        scopes: (install ?? described)?.scopes,
        address: ctx.path,
        list,
      })
    })
    router.post(`${connectedAppsPath}/:id/${verb}`, async (ctx) => {
      sessions.checkForm(ctx, await readForm(ctx.req))
      const { who, app, grant, list } = await visitApp(ctx, () => ({ limit: 1 }))
      await removeAccess(db, { grant, extent, person: who.person.id, by: who.by })
      seeOther(ctx, `${list}&done=${app.installs === 1 ? removals.remove.done : word}`)
    })
  }
}

/** The address of the list that an app is in. */
function listOf({ current }: MemberVisitor, view: View): string {
  const query = new URLSearchParams({
    ...(view === 'account' ? { of: view } : {}),
    org: current.organization.slug,
  })
  return `${connectedAppsPath}?${query}`
}

const cursorOf = ({ createdAt, grant }: ConnectedApp) => writeGrantCursor({ createdAt, id: grant })

/** The name of the account that it acts for. */
function accountOf({ organization }: ConnectedApp, { memberships }: MemberVisitor): string {
  const theirs = memberships.find((it) => it.organization.id === organization)
  return theirs?.organization.name ?? 'an account that you have left'
}
