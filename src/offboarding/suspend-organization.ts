// An organization that is stopped for a while: everything of it is refused at once, and nothing is lost.
import { record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import type { OrganizationId } from '../core/ids.ts'
import type { Db } from '../db/connect.ts'
import { lockOrganizations, setSuspended } from '../organizations/organization-store.ts'
import { carryOut } from './stop.ts'

export interface OrganizationRequest {
  readonly organization: OrganizationId
  readonly by: Attribution
}

/**
 * From the commit on every key of the organization, every token that acts for it and every token of its apps is
 * refused, and none is made. False when it was suspended already.
 */
export function suspendOrganization(db: Db, request: OrganizationRequest, now: Date): Promise<boolean> {
  return change(db, request, now, now)
}

/**
 * From the commit on its keys work again with the secrets that they had, and apps get new access tokens for the
 * refresh tokens that they hold; unless its platform is suspended. False when it was not suspended.
 */
export function resumeOrganization(db: Db, request: OrganizationRequest, now: Date): Promise<boolean> {
  return change(db, request, null, now)
}

function change(
  db: Db,
  { organization, by }: OrganizationRequest,
  suspendedAt: Date | null,
  now: Date,
): Promise<boolean> {
  return db.transaction(async (tx) => {
    await lockOrganizations(tx, [organization])
    if (!(await setSuspended(tx, organization, suspendedAt))) return false
    await carryOut(tx, [organization], now)
    await record(tx, {
      organization,
      by,
      action: suspendedAt ? 'organization.suspended' : 'organization.resumed',
      target: organization,
    })
    return true
  })
}
