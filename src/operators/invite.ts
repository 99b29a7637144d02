// Invitations: how people come into an organization. The link works once, for 7 days; only its hash is kept.
import { record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import { type InvitationId, newInvitationId, type OrganizationId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Db, Tx } from '../db/connect.ts'
import { sha256 } from '../lib/digest.ts'
import { randomToken } from '../lib/random.ts'
import { Secret } from '../lib/secret.ts'
import { addSeconds, daySeconds } from '../lib/time.ts'
import {
  deleteInvitation,
  type Invitation,
  putInvitation,
  renewInvitation,
} from '../organizations/invitation-store.ts'
import { holdMembership, type Role } from '../organizations/membership-store.ts'
import { requireActiveOrganization } from '../organizations/organization-store.ts'
import { isEmail } from './email.ts'
import { findPersonByEmail } from './person-store.ts'

export const invitationSeconds = 7 * daySeconds

/** Mails to addresses of anybody's choice: an organization may send so many. */
export const invitationRateClasses = {
  'invitations-of-organization': [{ requests: 100, seconds: 3600 }],
} as const

export interface NewInvitation {
  readonly organization: OrganizationId
  readonly email: string
  readonly role: Role
  readonly by: Attribution
}

/** One of an organization's open invitations. */
export interface InvitationRequest {
  readonly organization: OrganizationId
  readonly invitation: InvitationId
  readonly by: Attribution
}

export interface Invited {
  readonly invitation: Invitation
  /** What the link carries; it is in this answer and nowhere else. */
  readonly token: Secret
}

/**
 * Invites an address. One that has an open invitation gets another link, role and end in its place: the older
 * link is worth nothing from now on. It ends with the right of who made it.
 * @throws Problem not_allowed, organization_suspended; invalid_parameter for an address that is malformed or
 *   that of a member
 */
export async function inviteMember(db: Db, wanted: NewInvitation, now: Date): Promise<Invited> {
  const { organization, role, by } = wanted
  const email = wanted.email.trim()
  if (!isEmail(email)) {
    const say = 'Enter an email address, such as name@example.com.'
    throw new Problem('invalid_parameter', { param: 'email', say })
  }
  return await db.transaction(async (tx) => {
    await requireInviter(tx, organization, by)
    const token = new Secret(randomToken())
    const asked = { id: newInvitationId(), organization, email, role, ...terms(by, now) }
    const invitation = await putInvitation(tx, asked, sha256(token.reveal()))
    // Asked after the row is ours: somebody who was accepting an older one just now is a member by then.
    const person = await findPersonByEmail(tx, email)
    if (person && (await holdMembership(tx, organization, person.id)) !== null) {
      throw new Problem('invalid_parameter', { param: 'email', say: `${email} is a member already.` })
    }
    await recordInvited(tx, invitation, by)
    return { invitation, token }
  })
}

/**
 * The same invitation with another link and a later end; the older link is worth nothing from now on.
 * @throws Problem not_allowed, organization_suspended; member_conflict when it is open no more
 */
export function inviteAgain(
  db: Db,
  { organization, invitation: id, by }: InvitationRequest,
  now: Date,
): Promise<Invited> {
  return db.transaction(async (tx) => {
    await requireInviter(tx, organization, by)
    const token = new Secret(randomToken())
    const which = { organization, invitation: id }
    const invitation = await renewInvitation(tx, which, terms(by, now), sha256(token.reveal()))
    if (!invitation) throw goneInvitation()
    await recordInvited(tx, invitation, by)
    return { invitation, token }
  })
}

/** @throws Problem not_allowed, organization_suspended; member_conflict when it is open no more */
export function cancelInvitation(
  db: Db,
  { organization, invitation: id, by }: InvitationRequest,
): Promise<Invitation> {
  return db.transaction(async (tx) => {
    await requireInviter(tx, organization, by)
    const invitation = await deleteInvitation(tx, organization, id)
    if (!invitation) throw goneInvitation()
    const { email, role } = invitation
    await record(tx, {
      organization,
      by,
      action: 'member.invitation_cancelled',
      target: id,
      details: { email, role },
    })
    return invitation
  })
}

/** Where the token is used; the whole address is as secret as the token. */
export function invitationUrl(publicUrl: string, token: Secret): Secret {
  return new Secret(publicUrl + invitationPath(token.reveal()))
}

/** The same without the host. */
export function invitationPath(token: string): string {
  return `/invitation?token=${encodeURIComponent(token)}`
}

const terms = ({ actor }: Attribution, now: Date) => ({
  invitedBy: actor.kind === 'person' ? actor.id : null,
  createdAt: now,
  expiresAt: addSeconds(now, invitationSeconds),
})

/** Of a person it is asked again here, in the transaction: the page was opened a while ago. */
async function requireInviter(tx: Tx, organization: OrganizationId, { actor }: Attribution): Promise<void> {
  await requireActiveOrganization(tx, organization)
  if (actor.kind !== 'person') return
  if ((await holdMembership(tx, organization, actor.id)) !== 'ADMIN') throw new Problem('not_allowed')
}

async function recordInvited(tx: Tx, invitation: Invitation, by: Attribution): Promise<void> {
  const { id, organization, email, role, expiresAt } = invitation
  await record(tx, {
    organization,
    by,
    action: 'member.invited',
    target: id,
    details: { email, role, expires_at: expiresAt },
  })
}

const goneInvitation = () =>
  new Problem('member_conflict', {
    say: 'This invitation is not open any more: it was accepted or cancelled.',
  })
