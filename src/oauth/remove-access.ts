// Taking an app's access back by hand: what it was granted ends, and what was consented to is forgotten, in one
// transaction, so that the app has to ask again.
import type { Attribution } from '../core/attribution.ts'
import type { GrantId, PersonId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Db, Tx } from '../db/connect.ts'
import { holdMembership } from '../organizations/membership-store.ts'
import { deleteConsents } from './consent-store.ts'
import { findGrantWithin, type Grant } from './grant-store.ts'
import { revokeGrant, revokeGrantsOf } from './revoke-grant.ts'

/** `install`: this grant alone; `app`: all that this person gave the app for this organization. */
export type Extent = 'install' | 'app'

export interface Removal {
  readonly grant: GrantId
  readonly extent: Extent
  /** Who removes it: whoever gave it, or an administrator of the organization that it is for. */
  readonly person: PersonId
  readonly by: Attribution
}

/**
 * By a person, of what they gave themselves or, as an administrator, of what another gave for the organization. A
 * refresh or an exchange that is under way is waited for, and what it issued ends too; a later one issues nothing.
 * @throws Problem resource_not_found for one that is gone, or that is none of theirs
 */
export function removeAccess(db: Db, { grant: id, extent, person, by }: Removal): Promise<Grant> {
  return db.transaction(async (tx) => {
    const grant = await findGrantWithin(tx, id)
    if (!grant || !(await mayRemove(tx, grant, person))) throw new Problem('resource_not_found')
    const cause = grant.person === person ? 'revoked_by_person' : 'revoked_by_operator'
    // First: whoever is allowing the app something out of memory is waited for, and what they allowed ends below.
    await deleteConsents(tx, grant)
    const isEnded =
      extent === 'app'
        ? (await revokeGrantsOf(tx, grant, by, cause)) > 0
        : (await revokeGrant(tx, id, () => by, cause)) !== null
    if (!isEnded) throw new Problem('resource_not_found')
    return grant
  })
}

/** Whose grants somebody reaches: those of one organization, of one mode. */
export type GrantReach = Pick<Grant, 'organization' | 'mode'>

/**
 * By who runs the server, or (within its reach) by a key of the organization. The grant that was; null when there
 * is none.
 */
export function removeGrant(
  db: Db,
  id: GrantId,
  by: Attribution,
  reach: GrantReach | null = null,
): Promise<Grant | null> {
  return db.transaction(async (tx) => {
    const grant = await findGrantWithin(tx, id)
    if (!grant || (reach && !isWithin(grant, reach))) return null
    await deleteConsents(tx, grant)
    return revokeGrant(tx, id, () => by, 'revoked_by_operator')
  })
}

const isWithin = ({ organization, mode }: Grant, reach: GrantReach) =>
  organization === reach.organization && mode === reach.mode

/** Asked again here: another may have taken the role away since the page asked. */
async function mayRemove(tx: Tx, grant: Grant, person: PersonId): Promise<boolean> {
  return grant.person === person || (await holdMembership(tx, grant.organization, person)) === 'ADMIN'
}
