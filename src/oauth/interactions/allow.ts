// Consent given: one grant for one interaction, however often the button is pressed.
import type { App } from '../../apps/app.ts'
import { record } from '../../audit/record.ts'
import type { GrantId, OrganizationId, PersonId } from '../../core/ids.ts'
import type { Db } from '../../db/connect.ts'
import { sha256 } from '../../lib/digest.ts'
import { addSeconds } from '../../lib/time.ts'
import { insertGrant } from '../grant-store.ts'

export interface Consent {
  /** The interaction's id: consenting to it twice gives the first grant again. */
  readonly interaction: string
  readonly app: App
  readonly person: PersonId
  readonly organization: OrganizationId
  readonly scopes: readonly string[]
  readonly resource: string
  readonly requestId: string
}

/** The id of the grant that stands for this consent. */
export async function allow(db: Db, consent: Consent, now: Date): Promise<GrantId> {
  const id = grantIdOf(consent.interaction)
  await db.transaction(async (tx) => {
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
      actor: consent.person,
      action: 'grant.allowed',
      target: id,
      requestId: consent.requestId,
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
