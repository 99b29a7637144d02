// Who belongs to which organization, and as what: the only file that knows `memberships`.
import type { OrganizationId, PersonId, PlatformId } from '../core/ids.ts'
import type { Db, Tx } from '../db/connect.ts'
import { type Organization, type OrganizationRow, toOrganization } from './organization-store.ts'

export type Role = 'ADMIN' | 'MEMBER'
export const roles = ['ADMIN', 'MEMBER'] as const satisfies readonly Role[]

export interface Membership {
  readonly organization: Organization
  readonly role: Role
  /** True while the organization, or its platform, is suspended. */
  readonly isStopped: boolean
}

export interface Member {
  readonly person: PersonId
  readonly email: string
  readonly name: string | null
  readonly role: Role
  readonly since: Date
}

interface MemberRow {
  readonly person_id: PersonId
  readonly email: string
  readonly name: string | null
  readonly role: Role
  readonly created_at: Date
}

/** False when the person is a member already: the membership is left as it is. */
export async function insertMembership(
  db: Db,
  organization: OrganizationId,
  person: PersonId,
  role: Role,
  externalId: string | null = null,
): Promise<boolean> {
  const rows = await db('memberships')
    .insert({ organization_id: organization, person_id: person, role, external_id: externalId })
    .onConflict(['person_id', 'organization_id'])
    .ignore()
    .returning('person_id')
  return rows.length === 1
}

export async function hasMembers(db: Db, organization: OrganizationId): Promise<boolean> {
  return (await db('memberships').where({ organization_id: organization }).first('person_id')) !== undefined
}

/** Is the person a member of an organization that this platform provisioned? */
export async function isOfPlatform(db: Db, person: PersonId, platform: PlatformId): Promise<boolean> {
  const row = await db('memberships as m')
    .join('organizations as o', 'o.id', 'm.organization_id')
    .where({ 'm.person_id': person, 'o.platform_id': platform })
    .first('m.person_id')
  return row !== undefined
}

/** The organizations of a person, by name. */
export async function listMemberships(db: Db, person: PersonId): Promise<Membership[]> {
  const rows: (OrganizationRow & { role: Role; is_stopped: boolean })[] = await db('memberships')
    .join('organizations', 'organizations.id', 'memberships.organization_id')
    .where('memberships.person_id', person)
    .orderBy(['organizations.name', 'organizations.id'])
    .select('organizations.*', 'memberships.role')
  return rows.map((row) => ({
    organization: toOrganization(row),
    role: row.role,
    isStopped: row.is_stopped,
  }))
}

/** In whose ledgers stands what the person does for himself. */
export async function listOrganizationIds(db: Db, person: PersonId): Promise<OrganizationId[]> {
  const rows: { organization_id: OrganizationId }[] = await db('memberships')
    .where({ person_id: person })
    .orderBy('organization_id')
    .select('organization_id')
  return rows.map((row) => row.organization_id)
}

/** The members of an organization, by address. Behind the tenant wall. */
export async function listMembers(tx: Tx, organization: OrganizationId): Promise<Member[]> {
  const rows: MemberRow[] = await tx('memberships as m')
    .join('persons as p', 'p.id', 'm.person_id')
    .where('m.organization_id', organization)
    .orderByRaw('lower(p.email)')
    .select('m.person_id', 'p.email', 'p.name', 'm.role', 'm.created_at')
  return rows.map((row) => ({
    person: row.person_id,
    email: row.email,
    name: row.name,
    role: row.role,
    since: row.created_at,
  }))
}

/** The role of a person, held against a removal that is under way until the transaction ends. */
export async function holdMembership(
  tx: Tx,
  organization: OrganizationId,
  person: PersonId,
): Promise<Role | null> {
  const { rows } = await tx.raw<{ rows: { role: Role }[] }>(
    'select role from memberships where organization_id = ? and person_id = ? for share',
    [organization, person],
  )
  return rows[0]?.role ?? null
}

/** All roles of an organization, locked: of two that change them the second sees what the first did. */
export async function lockRoles(tx: Tx, organization: OrganizationId): Promise<ReadonlyMap<PersonId, Role>> {
  const { rows } = await tx.raw<{ rows: { person_id: PersonId; role: Role }[] }>(
    'select person_id, role from memberships where organization_id = ? order by person_id for update',
    [organization],
  )
  return new Map(rows.map((row) => [row.person_id, row.role]))
}

export async function updateRole(
  tx: Tx,
  organization: OrganizationId,
  person: PersonId,
  role: Role,
): Promise<void> {
  await tx('memberships').where({ organization_id: organization, person_id: person }).update({ role })
}

/** The address of who left: from now on the ledger alone knows whom it tells of. */
export async function deleteMembership(
  tx: Tx,
  organization: OrganizationId,
  person: PersonId,
): Promise<string> {
  const { rows } = await tx.raw<{ rows: { email: string }[] }>(
    `delete from memberships m using persons p
     where p.id = m.person_id and m.organization_id = ? and m.person_id = ? returning p.email`,
    [organization, person],
  )
  const [row] = rows
  if (!row) throw new Error(`${person} is no member to remove: whoever removes one has locked the roles`)
  return row.email
}

/** May this member let an app act for the organization? Delegating is an administrator's right. */
export function mayDelegate(membership: Membership): boolean {
  return membership.role === 'ADMIN' && !membership.isStopped
}
