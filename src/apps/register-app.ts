// Registering and deleting an OAuth app.
import { record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import { type ClientId, newClientId, type OrganizationId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Db } from '../db/connect.ts'
import { requireActiveOrganization } from '../organizations/organization-store.ts'
import type { App } from './app.ts'
import { checkAppDetails } from './app-details.ts'
import { countApps, deleteAppRow, insertApp, lockApp } from './app-store.ts'

/** Its scopes are names from the profile's catalogue: the caller has checked them. */
export type NewApp = Required<Pick<App, 'mode' | 'name' | 'redirectUris' | 'scopes'>> &
  Pick<App, 'refreshGraceSeconds' | 'refreshLifetimeSeconds'> &
  Partial<
    Pick<
      App,
      | 'homepage'
      | 'policyUri'
      | 'termsUri'
      | 'optionalScopes'
      | 'refreshIdleSeconds'
      | 'reuseResponse'
      | 'requiresDpop'
    >
  > & {
    readonly organization: OrganizationId
    readonly by: Attribution
  }

/**
 * @throws Problem invalid_parameter for a name, a redirect URI or whatever else can't be registered;
 *   organization_suspended
 */
export async function registerApp(db: Db, wanted: NewApp, now: Date): Promise<App> {
  const { by, organization, ...fields } = wanted
  const details = checkAppDetails({
    homepage: null,
    policyUri: null,
    termsUri: null,
    optionalScopes: [],
    refreshIdleSeconds: null,
    reuseResponse: 'revoke',
    requiresDpop: false,
    ...fields,
  })
  const app: App = {
    ...details,
    mode: wanted.mode,
    organization,
    registration: 'manual',
    clientId: newClientId(),
    createdAt: now,
    isStopped: false,
    isSuspended: false,
    isVerified: false,
    fingerprint: null,
  }
  await db.transaction(async (tx) => {
    await requireActiveOrganization(tx, organization)
    await insertApp(tx, app)
    await record(tx, {
      organization,
      by,
      action: 'app.created',
      target: app.clientId,
      details: { name: app.name, mode: app.mode, redirect_uris: app.redirectUris, scopes: app.scopes },
    })
  })
  return app
}

/** More than developers make by hand; and a list that pages read whole. */
export const mostApps = 200

/** For who registers by page or by API. @throws Problem invalid_parameter */
export async function requireRoomForApp(db: Db, organization: OrganizationId): Promise<void> {
  if ((await countApps(db, organization)) < mostApps) return
  const say = `An account can have at most ${mostApps} apps.`
  throw new Problem('invalid_parameter', { param: 'name', say })
}

/** The app that was; null when there is none. Each organization that it could act for is told. */
export function deleteApp(db: Db, clientId: ClientId, by: Attribution): Promise<App | null> {
  return db.transaction(async (tx) => {
    // Consent holds the app: who is allowed by nobody any more is known once we have it.
    if (!(await lockApp(tx, clientId))) return null
    const { app, actedFor } = await deleteAppRow(tx, clientId, by)
    const details = { name: app.name }
    // By this every ledger that tells of the app remembers what it was called.
    for (const organization of new Set([app.organization, ...actedFor]))
      await record(tx, { organization, by, action: 'app.deleted', target: clientId, details })
    return app
  })
}
