// What people remember to have allowed: the only file that knows `consents`.
import type { ClientId, OrganizationId, PersonId } from '../core/ids.ts'
import type { Db, Tx } from '../db/connect.ts'
import type { Digest } from '../lib/digest.ts'
import type { Memory, RememberedConsent } from './remembered-consent.ts'

interface ConsentRow {
  readonly organization_id: OrganizationId
  readonly slug: string
  readonly scopes: readonly string[]
  readonly declined_scopes: readonly string[]
  readonly resource: string
  readonly redirect_hosts: readonly string[]
  readonly fingerprint: Digest | null
}

const toConsent = (row: ConsentRow): RememberedConsent => ({
  organization: row.organization_id,
  slug: row.slug,
  scopes: row.scopes,
  declinedScopes: row.declined_scopes,
  resource: row.resource,
  redirectHosts: row.redirect_hosts,
  fingerprint: row.fingerprint,
})

const consents = (db: Db, person: PersonId, client: ClientId) =>
  db('consents as c')
    .join('organizations as o', 'o.id', 'c.organization_id')
    .where({ 'c.person_id': person, 'c.client_id': client })
    .select('c.*', 'o.slug')

/** What a person allowed an app, one for each organization, the latest first. Prefix of the primary key. */
export async function listConsents(db: Db, person: PersonId, client: ClientId): Promise<RememberedConsent[]> {
  const rows: ConsentRow[] = await consents(db, person, client).orderBy('c.updated_at', 'desc')
  return rows.map(toConsent)
}

/** Whose consent it is, to which app, for which organization. */
export interface ConsentOf {
  readonly person: PersonId
  readonly client: ClientId
  readonly organization: OrganizationId
}

/** The same for one organization, held until the transaction ends against whoever takes it back. */
export async function holdConsent(tx: Tx, of: ConsentOf): Promise<RememberedConsent | null> {
  const row: ConsentRow | undefined = await consents(tx, of.person, of.client)
    .where('c.organization_id', of.organization)
    .forUpdate('c')
    .first()
  return row ? toConsent(row) : null
}

/** In place of what was remembered before. */
export async function upsertConsent(tx: Tx, of: ConsentOf, memory: Memory, now: Date): Promise<void> {
  await tx('consents')
    .insert({
      person_id: of.person,
      client_id: of.client,
      organization_id: of.organization,
      scopes: memory.scopes,
      declined_scopes: memory.declinedScopes,
      resource: memory.resource,
      redirect_hosts: memory.redirectHosts,
      fingerprint: memory.fingerprint,
      updated_at: now,
    })
    .onConflict(['person_id', 'client_id', 'organization_id'])
    .merge()
}

/**
 * From the commit on, these apps have to ask the person again; null for whichever app or organization. To be
 * called before the grants are ended: an authorization that goes on without asking is waited for here, and its
 * grant is then there to be ended.
 */
export async function deleteConsents(
  tx: Tx,
  of: {
    readonly person: PersonId
    readonly client: ClientId | null
    readonly organization: OrganizationId | null
  },
): Promise<void> {
  const columns = { person_id: of.person, client_id: of.client, organization_id: of.organization }
  const wanted = Object.entries(columns).filter(([, value]) => value !== null)
  await tx('consents').where(Object.fromEntries(wanted)).delete()
}
