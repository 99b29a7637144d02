// People whom a platform brings along with an organization. Who is new belongs to it from the start, and can sign in
// once they have chosen a password. Who is somebody already is invited: no platform makes a person a member of
// something without their word, and none gets what they do elsewhere told by its ledger.
import { record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import type { OrganizationId, PersonId, PlatformId } from '../core/ids.ts'
import type { Tx } from '../db/connect.ts'
import { addMember } from '../organizations/add-member.ts'
import { isOfPlatform, type Role } from '../organizations/membership-store.ts'
import { type Invited, inviteMember } from './invite.ts'
import { findPersonByEmail, insertPerson } from './person-store.ts'

export interface NewMember {
  readonly email: string
  readonly name: string | null
  readonly role: Role
  /** What the platform calls the person; null when it did not say. */
  readonly externalId: string | null
}

export interface Import {
  readonly organization: OrganizationId
  readonly platform: PlatformId
  readonly members: readonly NewMember[]
  readonly by: Attribution
}

/**
 * Makes them members, and persons where they are none yet. Somebody who is there already keeps their name and
 * password: they join if they belong to another organization of this platform, and are invited otherwise. Of
 * several with one address (in any case of letters) the first counts.
 * @returns the invitations, whose links are still to be sent
 */
export async function importMembers(tx: Tx, wanted: Import, now: Date): Promise<readonly Invited[]> {
  const { organization, members, by } = wanted
  const joining = new Map<string, PersonId | null>()
  const firsts = new Map([...members].reverse().map((member) => [addressOf(member), member]))
  // In one order everywhere: two that bring the same people along wait for each other once, and not in a circle.
  for (const [address, member] of [...firsts].sort(([left], [right]) => (left < right ? -1 : 1)))
    joining.set(address, await findJoining(tx, wanted, member))

  const invited: Invited[] = []
  for (const member of members) {
    if (firsts.get(addressOf(member)) !== member) continue
    const { email, role, externalId } = member
    const person = joining.get(addressOf(member)) ?? null
    const details = { external_id: externalId }
    if (person) await addMember(tx, { organization, person, role, externalId, details, by })
    else invited.push(await inviteMember(tx, { organization, email, role, by }, now))
  }
  return invited
}

/** Who becomes a member right away; null for somebody who is to be asked. */
async function findJoining(
  tx: Tx,
  { organization, platform, by }: Import,
  { email, name }: NewMember,
): Promise<PersonId | null> {
  const made = await insertPerson(tx, email, name)
  if (made) {
    await record(tx, { organization, by, action: 'person.created', target: made.id, details: { name } })
    return made.id
  }
  const known = await findPersonByEmail(tx, email)
  return known && (await isOfPlatform(tx, known.id, platform)) ? known.id : null
}

const addressOf = ({ email }: NewMember) => email.toLowerCase()
