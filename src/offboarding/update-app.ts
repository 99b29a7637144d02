// Changing an app: what its developers take from it is taken from whoever was allowed it as well.
import type { App } from '../apps/app.ts'
import { type AppDetails, checkAppDetails } from '../apps/app-details.ts'
import { lockApp, setVerified, updateDetails } from '../apps/app-store.ts'
import { record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import type { ClientId, OrganizationId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Db } from '../db/connect.ts'
import { requireActiveOrganization } from '../organizations/organization-store.ts'
import { giveUp } from './give-up.ts'

export interface AppUpdate {
  readonly app: ClientId
  /** Whose developers change it. */
  readonly organization: OrganizationId
  /** What it is to be; or, for a change of a part, made of what it is (which is locked meanwhile). */
  readonly details: AppDetails | ((before: App) => AppDetails)
  readonly by: Attribution
}

/** What the ledger calls each detail. */
const columns = {
  name: 'name',
  homepage: 'homepage',
  policyUri: 'policy_uri',
  termsUri: 'terms_uri',
  redirectUris: 'redirect_uris',
  scopes: 'scopes',
  optionalScopes: 'optional_scopes',
  refreshGraceSeconds: 'refresh_grace_seconds',
  refreshLifetimeSeconds: 'refresh_lifetime_seconds',
  refreshIdleSeconds: 'refresh_idle_seconds',
  reuseResponse: 'reuse_response',
  requiresDpop: 'requires_dpop',
} as const satisfies Record<keyof AppDetails, string>

/**
 * From the commit on the app is what the details say. A scope that it gives up is gone from every grant and every
 * access token at once (a grant that is left with none ends), a redirect URI that it gives up takes the codes along
 * that wait to be exchanged; grants stay. A new name, homepage or redirect URI is not what the vendor verified.
 * False when nothing is new.
 * @throws Problem invalid_parameter, organization_suspended; page_not_found for an app that is not the organization's
 */
export function updateApp(db: Db, update: AppUpdate): Promise<boolean> {
  const detailsAfter = checkedDetails(update.details)
  return db.transaction(async (tx) => {
    await requireActiveOrganization(tx, update.organization)
    const before = await lockApp(tx, update.app)
    if (before?.organization !== update.organization) throw new Problem('page_not_found')
    const details = detailsAfter(before)
    const changed = changedDetails(before, details)
    if (changed.length === 0) return false
    await updateDetails(tx, update.app, details)
    const narrowed = await giveUp(tx, before, details, update.by)
    const { by, organization, app: target } = update
    await record(tx, {
      organization,
      by,
      action: 'app.updated',
      target,
      details: {
        // By this name the ledger remembers the app when it is gone.
        name: details.name,
        from: Object.fromEntries(changed.map((key) => [columns[key], before[key]])),
        to: Object.fromEntries(changed.map((key) => [columns[key], details[key]])),
        ...narrowed,
      },
    })
    const isAnother =
      before.name !== details.name ||
      before.homepage !== details.homepage ||
      details.redirectUris.some((uri) => !before.redirectUris.includes(uri))
    if (isAnother && (await setVerified(tx, target, null)))
      await record(tx, { organization, by, action: 'app.unverified', target, details: { cause: 'changed' } })
    return true
  })
}

function checkedDetails(given: AppUpdate['details']): (before: App) => AppDetails {
  if (typeof given === 'function') return (before) => checkAppDetails(given(before))
  // What is wrong whatever was before is told before anybody is waited for.
  const details = checkAppDetails(given)
  return () => details
}

function changedDetails(before: App, details: AppDetails): (keyof AppDetails)[] {
  // The keys of a record that the compiler holds to AppDetails.
  const keys = Object.keys(columns) as (keyof AppDetails)[]
  return keys.filter((key) => JSON.stringify(before[key]) !== JSON.stringify(details[key]))
}
