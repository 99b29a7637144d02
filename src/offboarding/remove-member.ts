// What ends, and what ends with it. This room knows who hangs on whom; the rooms below know how each of them
// is ended. Here: a person who is a member no longer.
import { record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import type { OrganizationId, PersonId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Db } from '../db/connect.ts'
import { deleteConsents } from '../oauth/consent-store.ts'
import { deleteSessionsOf as deleteEngineSessionsOf } from '../oauth/engine-record-store.ts'
import { revokeGrantsOf } from '../oauth/revoke-grant.ts'
import { deleteSessionsOf } from '../operators/person-store.ts'
import { deleteMembership, lockRoles, type Role } from '../organizations/membership-store.ts'
import { cancelInvitationsBy } from './cancel-invitations.ts'

export interface MemberRequest {
  readonly organization: OrganizationId
  readonly person: PersonId
  readonly by: Attribution
}

/**
 * From the commit on the person is no member: what they allowed apps to do for the organization has ended with
 * its tokens, the open invitations that they made are cancelled, and all of their sessions are over, also those in which they look at another organization (a
 * session belongs to a person; signing in again is all it takes). Keys stay: they are the organization's.
 * Of two administrators who remove each other at once, one stays.
 * @throws Problem not_allowed for a person who is no administrator (any more); resource_not_found for somebody who
 *   is no member; member_conflict for the last administrator
 */
export async function removeMember(db: Db, { organization, person, by }: MemberRequest): Promise<void> {
  await db.transaction(async (tx) => {
    const members = await lockRoles(tx, organization)
    requireAdministrator(members, by)
    const role = requireMember(members, person, null)
    const email = await deleteMembership(tx, organization, person)
    await deleteConsents(tx, { person, client: null, organization })
    const grants = await revokeGrantsOf(tx, { person, organization }, by, 'member_removed')
    const invitations = await cancelInvitationsBy(tx, { person, organization }, by)
    const sessions = await deleteSessionsOf(tx, person)
    await deleteEngineSessionsOf(tx, person)
    await record(tx, {
      organization,
      by,
      action: 'member.removed',
      target: person,
      details: {
        role,
        email,
        grants_revoked: grants,
        sessions_ended: sessions,
        invitations_cancelled: invitations,
      },
    })
  })
}

/**
 * Of a person it is asked again here, under the lock: another may have taken the role away since the page asked.
 * @throws Problem not_allowed
 */
export function requireAdministrator(members: ReadonlyMap<PersonId, Role>, { actor }: Attribution): void {
  if (actor.kind === 'person' && members.get(actor.id) !== 'ADMIN') throw new Problem('not_allowed')
}

/**
 * The person's role, when it may become the other (null for none at all).
 * @throws Problem resource_not_found; member_conflict where nobody would be left to administer
 */
export function requireMember(
  members: ReadonlyMap<PersonId, Role>,
  person: PersonId,
  next: Role | null,
): Role {
  const role = members.get(person)
  if (role === undefined) {
    throw new Problem('resource_not_found', { say: 'This person is no member of the organization.' })
  }
  const others = [...members].filter(([id, theirs]) => id !== person && theirs === 'ADMIN')
  if (role === 'ADMIN' && next !== 'ADMIN' && others.length === 0) {
    throw new Problem('member_conflict', {
      say: 'This is the last administrator of the organization. Make somebody else an administrator first.',
    })
  }
  return role
}
