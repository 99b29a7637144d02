// Consent given: one grant for one interaction, however often the button is pressed; and a grant for each later
// authorization that need not ask again.
import type { App } from '../../apps/app.ts'
import { holdApp, noteConsent } from '../../apps/app-store.ts'
import { record } from '../../audit/record.ts'
import type { Attribution } from '../../core/attribution.ts'
import { type GrantId, newGrantId, type OrganizationId, type PersonId } from '../../core/ids.ts'
import { Problem } from '../../core/problems.ts'
import type { Db, Tx } from '../../db/connect.ts'
import { sha256 } from '../../lib/digest.ts'
import { addSeconds } from '../../lib/time.ts'
import { holdPerson } from '../../operators/person-store.ts'
import { holdMembership } from '../../organizations/membership-store.ts'
import { requireActiveOrganization } from '../../organizations/organization-store.ts'
import { holdConsent, upsertConsent } from '../consent-store.ts'
import { insertGrant } from '../grant-store.ts'
import { type AskedConsent, recollect, remember } from '../remembered-consent.ts'

interface Authorization {
  readonly app: App
  readonly person: PersonId
  readonly organization: OrganizationId
  readonly resource: string
  readonly redirectUri: string
  readonly by: Attribution
}

export interface Consent extends Authorization {
  /** The interaction's id: consenting to it twice gives the first grant again. */
  readonly interaction: string
  /** Those that the app is given. */
  readonly scopes: readonly string[]
  /** Those that it asked for and the person left out. */
  readonly declinedScopes: readonly string[]
}

/**
 * The id of the grant that stands for this consent, which is remembered.
 * @throws Problem organization_suspended; app_suspended; not_allowed for somebody who is no administrator (any more)
 */
export async function allow(db: Db, consent: Consent, now: Date): Promise<GrantId> {
  const id = grantIdOf(consent.interaction)
  await db.transaction(async (tx) => {
    await requireStanding(tx, consent, now)
    if (!(await insert(tx, id, consent, consent.scopes, now))) return
    const of = consentOf(consent)
    const memory = remember(await holdConsent(tx, of), { ...consent, fingerprint: consent.app.fingerprint })
    await upsertConsent(tx, of, memory, now)
    const details = { client: consent.app.clientId, mode: consent.app.mode, scopes: consent.scopes }
    await tell(tx, id, consent, details)
  })
  return id
}

/**
 * A grant of its own for an authorization that the person need not be asked about (decision 6); null when it
 * turns out, with everything held that it hangs on, that they have to be.
 */
export async function allowAgain(
  db: Db,
  authorization: Authorization & { readonly asked: AskedConsent },
  now: Date,
): Promise<GrantId | null> {
  const { app, asked } = authorization
  const id = newGrantId()
  try {
    return await db.transaction(async (tx) => {
      await requireStanding(tx, authorization, now)
      // What was read before the locks may have been taken back since.
      const consent = await holdConsent(tx, consentOf(authorization))
      const recollection = recollect(asked, consent ? [consent] : [])
      if (recollection.ask !== null) return null
      const { scopes } = recollection
      await insert(tx, id, authorization, scopes, now)
      const details = { client: app.clientId, mode: app.mode, scopes, remembered: true }
      await tell(tx, id, authorization, details)
      return id
    })
  } catch (thrown) {
    // A suspended organization, or a role that was taken away: the page says so in its own words.
    if (thrown instanceof Problem) return null
    throw thrown
  }
}

/** Holds all that an authorization hangs on, so that none slips through while one of them ends. */
async function requireStanding(
  tx: Tx,
  { app, person, organization }: Authorization,
  now: Date,
): Promise<void> {
  await requireActiveOrganization(tx, organization)
  const role = await holdMembership(tx, organization, person)
  if (role !== 'ADMIN' || !(await holdPerson(tx, person))) throw new Problem('not_allowed')
  // After the organization and before the app is held: the order of a suspension, and see noteConsent.
  await noteConsent(tx, app.clientId, now)
  if (!(await holdApp(tx, app.clientId))) throw new Problem('app_suspended')
}

/** False when the grant is there already. */
function insert(
  tx: Tx,
  id: GrantId,
  { app, person, organization, resource }: Authorization,
  scopes: readonly string[],
  now: Date,
): Promise<boolean> {
  return insertGrant(tx, {
    id,
    client: app.clientId,
    person,
    organization,
    mode: app.mode,
    scopes: [...scopes].sort(),
    resource,
    createdAt: now,
    expiresAt: addSeconds(now, app.refreshLifetimeSeconds),
  })
}

function tell(tx: Tx, target: GrantId, { organization, by }: Authorization, details: object): Promise<void> {
  return record(tx, { organization, by, action: 'grant.allowed', target, details: { ...details } })
}

const consentOf = ({ app, person, organization }: Authorization) => ({
  person,
  client: app.clientId,
  organization,
})

/** As hard to guess as the interaction's id, which it does not give away. */
function grantIdOf(interaction: string): GrantId {
  const digest = sha256(`latchkey grant of interaction ${interaction}`).toString('hex')
  return `grant_${BigInt(`0x${digest}`).toString(36).slice(-24)}`
}
