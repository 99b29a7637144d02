// An app that is stopped for a while: everything of it is refused at once, and nothing is lost.
import { lockApp } from '../apps/app-store.ts'
import { findSuspension, type Suspender, setSuspension } from '../apps/suspension-store.ts'
import { record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import type { ClientId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import { deleteGrantCredentials } from '../credentials/credential-store.ts'
import type { Db, Tx } from '../db/connect.ts'
import { refreshStoppedGrantsOfApp } from '../oauth/grant-store.ts'
import { lockOrganizations } from '../organizations/organization-store.ts'

export interface AppRequest {
  readonly app: ClientId
  readonly by: Attribution
  /** On whose behalf: its developers can't undo what the vendor did. */
  readonly as: Suspender
}

/**
 * From the commit on the app can ask nobody, and every access token of it is refused; its refresh tokens are kept.
 * False when it was so already. @throws Problem page_not_found
 */
export function suspendApp(db: Db, request: AppRequest, now: Date): Promise<boolean> {
  return change(db, request, async (tx, before) => {
    const isStronger = before === 'developer' && request.as === 'vendor'
    if (before !== null && !isStronger) return false
    await setSuspension(tx, request.app, { at: now, by: request.as })
    return true
  })
}

/**
 * From the commit on the app goes on with the refresh tokens that it holds, unless its organization is suspended.
 * False when it was not suspended. @throws Problem page_not_found; not_allowed for developers of an app that the
 *   vendor has suspended
 */
export function resumeApp(db: Db, request: AppRequest): Promise<boolean> {
  return change(db, request, async (tx, before) => {
    if (before === null) return false
    if (before === 'vendor' && request.as === 'developer') {
      throw new Problem('not_allowed', {
        say: 'This app was suspended by who runs this service. Ask them to resume it.',
      })
    }
    await setSuspension(tx, request.app, null)
    return true
  })
}

/** In the order of `carryOut`: organizations, apps, grants, credentials. */
function change(
  db: Db,
  { app, by, as }: AppRequest,
  decide: (tx: Tx, before: Suspender | null) => Promise<boolean>,
): Promise<boolean> {
  return db.transaction(async (tx) => {
    const owner = (await findSuspension(tx, app))?.organization ?? null
    if (owner) await lockOrganizations(tx, [owner])
    const locked = await lockApp(tx, app)
    const before = await findSuspension(tx, app)
    if (!locked || !before) throw new Problem('page_not_found')
    if (!(await decide(tx, before.suspendedBy))) return false
    await deleteGrantCredentials(tx, await refreshStoppedGrantsOfApp(tx, app))
    const isSuspended = (await findSuspension(tx, app))?.suspendedBy !== null
    await record(tx, {
      organization: locked.organization,
      by,
      action: isSuspended ? 'app.suspended' : 'app.resumed',
      target: app,
      details: { name: locked.name, as },
    })
    return true
  })
}
