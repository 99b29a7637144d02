// A member who is an administrator no longer, or is one from now on.
import { record } from '../audit/record.ts'
import type { Db } from '../db/connect.ts'
import { deleteConsents } from '../oauth/consent-store.ts'
import { revokeGrantsOf } from '../oauth/revoke-grant.ts'
import { lockRoles, type Role, updateRole } from '../organizations/membership-store.ts'
import { cancelInvitationsBy } from './cancel-invitations.ts'
import { type MemberRequest, requireAdministrator, requireMember } from './remove-member.ts'

/**
 * Gives a member the role. Who becomes a MEMBER loses with it what they allowed apps to do for the organization:
 * delegating is an administrator's right, and a grant exercises it anew at each refresh; and their open invitations. Sessions go on: each
 * page asks for the role. Giving the role that they have already changes nothing.
 * @throws Problem not_allowed for a person who is no administrator (any more); resource_not_found for somebody who
 *   is no member; member_conflict for the last administrator
 */
export async function changeRole(
  db: Db,
  { organization, person, role, by }: MemberRequest & { readonly role: Role },
): Promise<void> {
  await db.transaction(async (tx) => {
    const members = await lockRoles(tx, organization)
    requireAdministrator(members, by)
    const before = requireMember(members, person, role)
    if (before === role) return
    await updateRole(tx, organization, person, role)
    const ended = { person, organization }
    if (role !== 'ADMIN') await deleteConsents(tx, { person, client: null, organization })
    const grants = role === 'ADMIN' ? 0 : await revokeGrantsOf(tx, ended, by, 'member_demoted')
    const invitations = role === 'ADMIN' ? 0 : await cancelInvitationsBy(tx, ended, by)
    await record(tx, {
      organization,
      by,
      action: 'member.role_changed',
      target: person,
      details: { from: before, to: role, grants_revoked: grants, invitations_cancelled: invitations },
    })
  })
}
