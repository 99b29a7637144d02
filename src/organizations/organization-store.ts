// Organizations, and who belongs to them: the only file that knows `organizations` and `memberships`.
import { isOrganizationId, newOrganizationId, type OrganizationId, type PersonId } from '../core/ids.ts'
import type { Db } from '../db/connect.ts'

export interface Organization {
  readonly id: OrganizationId
  readonly name: string
  readonly slug: string
  readonly createdAt: Date
}

export type Role = 'ADMIN' | 'MEMBER'
export const roles = ['ADMIN', 'MEMBER'] as const satisfies readonly Role[]

export interface Membership {
  readonly organization: Organization
  readonly role: Role
}

interface OrganizationRow {
  readonly id: OrganizationId
  readonly name: string
  readonly slug: string
  readonly created_at: Date
}

const toOrganization = (row: OrganizationRow): Organization => ({
  id: row.id,
  name: row.name,
  slug: row.slug,
  createdAt: row.created_at,
})

/** The new organization, or null when the slug is taken. */
export async function insertOrganization(db: Db, name: string, slug: string): Promise<Organization | null> {
  const [row] = await db('organizations')
    .insert({ id: newOrganizationId(), name, slug })
    .onConflict('slug')
    .ignore()
    .returning<OrganizationRow[]>('*')
  return row ? toOrganization(row) : null
}

/** By id or by slug. */
export async function findOrganization(db: Db, idOrSlug: string): Promise<Organization | null> {
  const column = isOrganizationId(idOrSlug) ? 'id' : 'slug'
  const row = await db<OrganizationRow>('organizations').where(column, idOrSlug).first()
  return row ? toOrganization(row) : null
}

/** Oldest first. */
export async function listOrganizations(db: Db): Promise<Organization[]> {
  return (await db<OrganizationRow>('organizations').orderBy('created_at')).map(toOrganization)
}

export async function insertMembership(
  db: Db,
  organization: OrganizationId,
  person: PersonId,
  role: Role,
): Promise<void> {
  await db('memberships').insert({ organization_id: organization, person_id: person, role })
}

export async function hasMembers(db: Db, organization: OrganizationId): Promise<boolean> {
  return (await db('memberships').where({ organization_id: organization }).first('person_id')) !== undefined
}

/** The organizations of a person, by name. */
export async function listMemberships(db: Db, person: PersonId): Promise<Membership[]> {
  const rows: (OrganizationRow & { role: Role })[] = await db('memberships')
    .join('organizations', 'organizations.id', 'memberships.organization_id')
    .where('memberships.person_id', person)
    .orderBy('organizations.name')
    .select('organizations.*', 'memberships.role')
  return rows.map((row) => ({ organization: toOrganization(row), role: row.role }))
}

/** May this member let an app act for the organization? Delegating is an administrator's right. */
export function mayDelegate(membership: Membership): boolean {
  return membership.role === 'ADMIN'
}
