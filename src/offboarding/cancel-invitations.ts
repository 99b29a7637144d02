// Open invitations of somebody who may invite no longer: the link could be their own way back in.
import { record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import type { OrganizationId, PersonId } from '../core/ids.ts'
import type { Tx } from '../db/connect.ts'
import { deleteInvitationsBy } from '../organizations/invitation-store.ts'

export interface Inviter {
  readonly person: PersonId
  /** null: to whichever organization they invited. */
  readonly organization: OrganizationId | null
}

/** How many there were. One that is being accepted at this moment is either accepted or gone. */
export async function cancelInvitationsBy(tx: Tx, inviter: Inviter, by: Attribution): Promise<number> {
  const cancelled = await deleteInvitationsBy(tx, inviter.person, inviter.organization)
  for (const { id, organization, email, role } of cancelled) {
    const details = { email, role, invited_by: inviter.person }
    await record(tx, { organization, by, action: 'member.invitation_cancelled', target: id, details })
  }
  return cancelled.length
}
