// A person who may not sign in any more, anywhere; and may again.
import { recordForEach } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import type { PersonId } from '../core/ids.ts'
import type { Db } from '../db/connect.ts'
import { deleteConsents } from '../oauth/consent-store.ts'
import { deleteSessionsOf as deleteEngineSessionsOf } from '../oauth/engine-record-store.ts'
import { revokeGrantsOf } from '../oauth/revoke-grant.ts'
import { deleteSignIns, setDisabled } from '../operators/person-store.ts'
import { listOrganizationIds } from '../organizations/membership-store.ts'
import { cancelInvitationsBy } from './cancel-invitations.ts'

export interface PersonRequest {
  readonly person: PersonId
  readonly by: Attribution
}

/**
 * From the commit on nothing of the person opens anything: sessions, links and half-done sign-ins are gone, and
 * everything that they allowed apps to do has ended. Memberships and keys stay. False when they were disabled
 * already.
 */
export function disablePerson(db: Db, { person, by }: PersonRequest, now: Date): Promise<boolean> {
  return db.transaction(async (tx) => {
    // First: an authorization that is under way is waited for, and a later one finds the person disabled.
    if (!(await setDisabled(tx, person, now))) return false
    await deleteSignIns(tx, person)
    await deleteEngineSessionsOf(tx, person)
    // Each stands in the ledger of its organization: how many there were elsewhere is nobody's business.
    await deleteConsents(tx, { person, client: null, organization: null })
    await revokeGrantsOf(tx, { person, organization: null }, by, 'person_disabled')
    await cancelInvitationsBy(tx, { person, organization: null }, by)
    const organizations = await listOrganizationIds(tx, person)
    await recordForEach(tx, organizations, { by, action: 'person.disabled', target: person })
    return true
  })
}

/** The person may sign in again; what had ended stays ended. False when they were not disabled. */
export function enablePerson(db: Db, { person, by }: PersonRequest): Promise<boolean> {
  return db.transaction(async (tx) => {
    if (!(await setDisabled(tx, person, null))) return false
    // A sign-in that was under way when they were disabled may have written its session after: it ends here.
    await deleteSignIns(tx, person)
    await deleteEngineSessionsOf(tx, person)
    const organizations = await listOrganizationIds(tx, person)
    await recordForEach(tx, organizations, { by, action: 'person.enabled', target: person })
    return true
  })
}
