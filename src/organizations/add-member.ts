// Who belongs to an organization from now on.
import { record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import type { OrganizationId, PersonId } from '../core/ids.ts'
import type { Tx } from '../db/connect.ts'
import { insertMembership, type Role } from './membership-store.ts'

export interface NewMembership {
  readonly organization: OrganizationId
  readonly person: PersonId
  readonly role: Role
  /** The id that a platform has for the person; null where none does. */
  readonly externalId?: string | null
  /** How it came about, for the ledger. */
  readonly details?: Readonly<Record<string, unknown>>
  readonly by: Attribution
}

/** False for who is a member already: their role stays as it is. */
export async function addMember(tx: Tx, it: NewMembership): Promise<boolean> {
  const { organization, person, role, externalId = null, details = {}, by } = it
  if (!(await insertMembership(tx, organization, person, role, externalId))) return false
  const told = { role, ...details }
  await record(tx, { organization, by, action: 'member.added', target: person, details: told })
  return true
}
