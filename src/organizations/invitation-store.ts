// Invitations into an organization: the only file that knows the table `invitations`.
import type { InvitationId, OrganizationId, PersonId } from '../core/ids.ts'
import type { Db, Tx } from '../db/connect.ts'
import type { Digest } from '../lib/digest.ts'
import type { Role } from './membership-store.ts'

export interface Invitation {
  readonly id: InvitationId
  readonly organization: OrganizationId
  readonly email: string
  readonly role: Role
  /** null for an invitation by command line, and for whose inviter is gone. */
  readonly invitedBy: PersonId | null
  readonly createdAt: Date
  readonly expiresAt: Date
}

/** With the name of who invited, or their address; null where `invitedBy` is, or when they have left. */
export interface InvitationListing extends Invitation {
  readonly inviter: string | null
}

/** What whoever holds the link is told. */
export interface OpenInvitation extends InvitationListing {
  readonly organizationName: string
  readonly organizationSlug: string
  /** True while the organization, or its platform, is suspended. */
  readonly isStopped: boolean
}

interface InvitationRow {
  readonly id: InvitationId
  readonly organization_id: OrganizationId
  readonly email: string
  readonly role: Role
  readonly invited_by: PersonId | null
  readonly created_at: Date
  readonly expires_at: Date
}

interface ListingRow extends InvitationRow {
  readonly inviter: string | null
}

interface OpenRow extends ListingRow {
  readonly name: string
  readonly slug: string
  readonly is_stopped: boolean
}

const toInvitation = (row: InvitationRow): Invitation => ({
  id: row.id,
  organization: row.organization_id,
  email: row.email,
  role: row.role,
  invitedBy: row.invited_by,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
})

/** The address has one open invitation to an organization: where there is one, it becomes this one. */
export async function putInvitation(tx: Tx, it: Invitation, hash: Digest): Promise<Invitation> {
  const { rows } = await tx.raw<{ rows: InvitationRow[] }>(
    `insert into invitations (id, organization_id, email, role, invited_by, hash, created_at, expires_at)
     values (?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (organization_id, lower(email)) where accepted_at is null do update set
       email = excluded.email, role = excluded.role, invited_by = excluded.invited_by, hash = excluded.hash,
       created_at = excluded.created_at, expires_at = excluded.expires_at
     returning *`,
    [it.id, it.organization, it.email, it.role, it.invitedBy, hash, it.createdAt, it.expiresAt],
  )
  const [row] = rows
  if (!row) throw new Error('an upsert gave no row')
  return toInvitation(row)
}

/** Gives an open invitation another link and end; null when it is open no more. */
export async function renewInvitation(
  tx: Tx,
  { organization, invitation }: { readonly organization: OrganizationId; readonly invitation: InvitationId },
  it: Pick<Invitation, 'invitedBy' | 'createdAt' | 'expiresAt'>,
  hash: Digest,
): Promise<Invitation | null> {
  const [row] = await tx('invitations')
    .where({ id: invitation, organization_id: organization, accepted_at: null })
    .update({ invited_by: it.invitedBy, hash, created_at: it.createdAt, expires_at: it.expiresAt })
    .returning<InvitationRow[]>('*')
  return row ? toInvitation(row) : null
}

/** The open invitation that is gone now; null when there was none (any more). */
export async function deleteInvitation(
  tx: Tx,
  organization: OrganizationId,
  invitation: InvitationId,
): Promise<Invitation | null> {
  const [row] = await tx('invitations')
    .where({ id: invitation, organization_id: organization, accepted_at: null })
    .delete()
    .returning<InvitationRow[]>('*')
  return row ? toInvitation(row) : null
}

/** The open invitations that a person made are gone: those to one organization, or (null) to any. */
export async function deleteInvitationsBy(
  tx: Tx,
  person: PersonId,
  organization: OrganizationId | null,
): Promise<Invitation[]> {
  const rows = await tx('invitations')
    .where({ invited_by: person, accepted_at: null })
    .modify((query) => {
      if (organization) query.where({ organization_id: organization })
    })
    .delete()
    .returning<InvitationRow[]>('*')
  return rows.map(toInvitation)
}

/** One statement: of two that come with the same link, one is told its invitation, the other null. */
export async function spendInvitation(tx: Tx, hash: Digest, now: Date): Promise<Invitation | null> {
  const [row] = await tx('invitations')
    .where({ hash, accepted_at: null })
    .where('expires_at', '>', now)
    .update({ accepted_at: now })
    .returning<InvitationRow[]>('*')
  return row ? toInvitation(row) : null
}

const inviter = 'coalesce(persons.name, persons.email) as inviter'

/** Those not yet accepted, newest first, also the expired ones. Behind the tenant wall. */
export async function listOpenInvitations(
  tx: Tx,
  organization: OrganizationId,
): Promise<InvitationListing[]> {
  const rows: ListingRow[] = await tx('invitations')
    .leftJoin('persons', 'persons.id', 'invitations.invited_by')
    .where('invitations.organization_id', organization)
    .whereNull('invitations.accepted_at')
    .orderBy([{ column: 'invitations.created_at', order: 'desc' }, { column: 'invitations.id' }])
    .select('invitations.*', tx.raw(inviter))
  return rows.map((row) => ({ ...toInvitation(row), inviter: row.inviter }))
}

/** The invitation that a link opens; null when it was used, replaced, cancelled or is too old. */
export async function findOpenInvitation(db: Db, hash: Digest, now: Date): Promise<OpenInvitation | null> {
  const row: OpenRow | undefined = await db('invitations')
    .join('organizations', 'organizations.id', 'invitations.organization_id')
    .leftJoin('persons', 'persons.id', 'invitations.invited_by')
    .where('invitations.hash', hash)
    .whereNull('invitations.accepted_at')
    .where('invitations.expires_at', '>', now)
    .first('invitations.*', 'organizations.name', 'organizations.slug', 'is_stopped', db.raw(inviter))
  if (!row) return null
  return {
    ...toInvitation(row),
    inviter: row.inviter,
    organizationName: row.name,
    organizationSlug: row.slug,
    isStopped: row.is_stopped,
  }
}
