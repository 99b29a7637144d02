// People whom a platform brings along with an organization: they belong to it from the start, and can sign in
// once they have chosen a password.
import { record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import type { OrganizationId, PersonId } from '../core/ids.ts'
import type { Tx } from '../db/connect.ts'
import { addMember } from '../organizations/add-member.ts'
import type { Role } from '../organizations/membership-store.ts'
import { findPersonByEmail, insertPerson } from './person-store.ts'

export interface NewMember {
  readonly email: string
  readonly name: string | null
  readonly role: Role
  /** What the platform calls the person; null when it did not say. */
  readonly externalId: string | null
}

/**
 * Makes them members, and persons where they are none yet; whoever is there already keeps their name and
 * password. Of several with one address (in any case of letters) the first counts.
 */
export async function importMembers(
  tx: Tx,
  organization: OrganizationId,
  members: readonly NewMember[],
  by: Attribution,
): Promise<void> {
  const persons = new Map<string, PersonId>()
  const firsts = new Map([...members].reverse().map((member) => [addressOf(member), member]))
  // In one order everywhere: two that bring the same people along wait for each other once, and not in a circle.
  for (const [address, member] of [...firsts].sort(([left], [right]) => (left < right ? -1 : 1)))
    persons.set(address, await findOrInsert(tx, organization, member, by))

  for (const member of members) {
    const person = persons.get(addressOf(member))
    if (!person || firsts.get(addressOf(member)) !== member) continue
    const { role, externalId } = member
    const details = { external_id: externalId }
    await addMember(tx, { organization, person, role, externalId, details, by })
  }
}

async function findOrInsert(
  tx: Tx,
  organization: OrganizationId,
  { email, name }: NewMember,
  by: Attribution,
): Promise<PersonId> {
  const made = await insertPerson(tx, email, name)
  if (made) {
    await record(tx, { organization, by, action: 'person.created', target: made.id, details: { name } })
    return made.id
  }
  const known = await findPersonByEmail(tx, email)
  if (!known) throw new Error('an address that is taken, and nobody who has it')
  return known.id
}

const addressOf = ({ email }: NewMember) => email.toLowerCase()
