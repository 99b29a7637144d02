// Consent given: one grant for one interaction, however often the button is pressed.
import type { App } from '../../apps/app.ts'
import { record } from '../../audit/record.ts'
import type { Attribution } from '../../core/attribution.ts'
import type { GrantId, OrganizationId, PersonId } from '../../core/ids.ts'
import { Problem } from '../../core/problems.ts'
import type { Db } from '../../db/connect.ts'
import { sha256 } from '../../lib/digest.ts'
import { addSeconds } from '../../lib/time.ts'
import { holdPerson } from '../../operators/person-store.ts'
import { holdMembership } from '../../organizations/membership-store.ts'
import { requireActiveOrganization } from '../../organizations/organization-store.ts'
import { insertGrant } from '../grant-store.ts'

export interface Consent {
  /** The interaction's id: consenting to it twice gives the first grant again. */
  readonly interaction: string
  readonly app: App
  readonly person: PersonId
  readonly organization: OrganizationId
  readonly scopes: readonly string[]
  readonly resource: string
  readonly by: Attribution
}

/**
 * The id of the grant that stands for this consent.
 * @throws Problem organization_suspended; not_allowed for somebody who is no administrator (any more)
 */
export async function allow(db: Db, consent: Consent, now: Date): Promise<GrantId> {
  const id = grantIdOf(consent.interaction)
  await db.transaction(async (tx) => {
    await requireActiveOrganization(tx, consent.organization)
    const role = await holdMembership(tx, consent.organization, consent.person)
    if (role !== 'ADMIN' || !(await holdPerson(tx, consent.person))) throw new Problem('not_allowed')
    const isNew = await insertGrant(tx, {
      id,
      client: consent.app.clientId,
      person: consent.person,
      organization: consent.organization,
      mode: consent.app.mode,
      scopes: [...consent.scopes].sort(),
      resource: consent.resource,
      createdAt: now,
      expiresAt: addSeconds(now, consent.app.refreshLifetimeSeconds),
    })
    if (!isNew) return
    await record(tx, {
      organization: consent.organization,
      by: consent.by,
      action: 'grant.allowed',
      target: id,
      details: { client: consent.app.clientId, mode: consent.app.mode, scopes: consent.scopes },
    })
  })
  return id
}

/** As hard to guess as the interaction's id, which it does not give away. */
function grantIdOf(interaction: string): GrantId {
  const digest = sha256(`latchkey grant of interaction ${interaction}`).toString('hex')
  return `grant_${BigInt(`0x${digest}`).toString(36).slice(-24)}`
}
