// Accepting an invitation: the link is spent and the membership is there, both or neither.
import { record } from '../audit/record.ts'
import type { Origin } from '../core/attribution.ts'
import type { OrganizationId, PersonId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Db, Tx } from '../db/connect.ts'
import { sha256 } from '../lib/digest.ts'
import { addMember } from '../organizations/add-member.ts'
import {
  findOpenInvitation,
  type Invitation,
  type OpenInvitation,
  spendInvitation,
} from '../organizations/invitation-store.ts'
import { requireActiveOrganization } from '../organizations/organization-store.ts'
import { hashPassword, passwordMistake } from './password.ts'
import { readPersonName } from './person-name.ts'
import { findPersonByEmail, insertPerson, setPasswordHash } from './person-store.ts'

export interface Accepted {
  readonly person: PersonId
  readonly organization: OrganizationId
}

interface Acceptance {
  readonly token: string
  readonly from: Origin
}

/** What the token opens; null when it is unknown, used, replaced, cancelled or expired. */
export function whoseInvitation(db: Db, token: string, now: Date): Promise<OpenInvitation | null> {
  return findOpenInvitation(db, sha256(token), now)
}

/**
 * Somebody who is signed in joins. Whoever is a member already stays what they are, and the link is spent.
 * @returns null when the token is worth nothing (any more)
 * @throws Problem organization_suspended; not_allowed for another person than the one who was invited
 */
export function acceptAsPerson(
  db: Db,
  { token, from, person }: Acceptance & { readonly person: PersonId },
  now: Date,
): Promise<Accepted | null> {
  return db.transaction(async (tx) => {
    const invitation = await spend(tx, token, now)
    if (!invitation) return null
    const invited = await findPersonByEmail(tx, invitation.email)
    if (invited?.id !== person)
      throw new Problem('not_allowed', { say: 'This invitation is for somebody else.' })
    return await join(tx, invitation, person, from)
  })
}

/**
 * Somebody whom we do not know yet becomes a person with this name and password, and joins.
 * @returns null when the token is worth nothing (any more)
 * @throws Problem invalid_parameter for a name or password that can't be taken, and busy: the token stays good;
 *   organization_suspended; not_allowed when there is a person with that address: a link must not open
 *   what their password, and their second factor, keep closed
 */
export async function acceptAsNewcomer(
  db: Db,
  { token, from, ...chosen }: Acceptance & { readonly name: string; readonly password: string },
  now: Date,
): Promise<Accepted | null> {
  const name = readPersonName(chosen.name)
  const mistake = passwordMistake(chosen.password)
  if (mistake) throw new Problem('invalid_parameter', { param: 'password', say: mistake })
  // Outside the transaction: a hash takes its turn, and a connection should not wait with it.
  const hash = await hashPassword(chosen.password)
  return await db.transaction(async (tx) => {
    const invitation = await spend(tx, token, now)
    if (!invitation) return null
    const person = await insertPerson(tx, invitation.email, name)
    if (!person) {
      const say = 'There is an account with this email address by now. Open the link again to sign in.'
      throw new Problem('not_allowed', { say })
    }
    await setPasswordHash(tx, person.id, hash)
    const { organization } = invitation
    const by = { ...from, actor: { kind: 'person', id: person.id } } as const
    await record(tx, { organization, by, action: 'person.created', target: person.id, details: { name } })
    return await join(tx, invitation, person.id, from)
  })
}

/** @throws Problem organization_suspended */
async function spend(tx: Tx, token: string, now: Date): Promise<Invitation | null> {
  const invitation = await spendInvitation(tx, sha256(token), now)
  if (invitation) await requireActiveOrganization(tx, invitation.organization)
  return invitation
}

async function join(tx: Tx, invitation: Invitation, person: PersonId, from: Origin): Promise<Accepted> {
  const { id, organization, role, invitedBy } = invitation
  const by = { ...from, actor: { kind: 'person', id: person } } as const
  const details = { invitation: id, invited_by: invitedBy }
  await addMember(tx, { organization, person, role, details, by })
  return { person, organization }
}
