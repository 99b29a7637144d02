// The only file that knows the table `oauth_apps`.
import { insertEventFrom } from '../audit/audit-store.ts'
import { type Attribution, actorId } from '../core/attribution.ts'
import type { ClientId, OrganizationId } from '../core/ids.ts'
import type { Mode } from '../core/principal.ts'
import type { Database, Db, Statement, Tx } from '../db/connect.ts'
import type { Digest } from '../lib/digest.ts'
import type { App, Registration, ReuseResponse } from './app.ts'
import type { AppDetails } from './app-details.ts'

export interface AppRow {
  readonly client_id: ClientId
  readonly organization_id: OrganizationId | null
  readonly registration: Registration
  readonly mode: Mode
  readonly name: string
  readonly homepage: string | null
  readonly policy_uri: string | null
  readonly terms_uri: string | null
  readonly redirect_uris: readonly string[]
  readonly scopes: readonly string[]
  readonly optional_scopes: readonly string[]
  readonly refresh_grace_seconds: number
  readonly refresh_lifetime_seconds: number
  readonly refresh_idle_seconds: number | null
  readonly reuse_response: ReuseResponse
  readonly requires_dpop: boolean
  readonly verified_at: Date | null
  readonly suspended_at: Date | null
  readonly created_at: Date
  readonly is_stopped: boolean
  readonly fingerprint: Digest | null
}

export const toApp = (row: AppRow): App => ({
  clientId: row.client_id,
  organization: row.organization_id,
  registration: row.registration,
  mode: row.mode,
  name: row.name,
  homepage: row.homepage,
  policyUri: row.policy_uri,
  termsUri: row.terms_uri,
  redirectUris: row.redirect_uris,
  scopes: row.scopes,
  optionalScopes: row.optional_scopes,
  refreshGraceSeconds: row.refresh_grace_seconds,
  refreshLifetimeSeconds: row.refresh_lifetime_seconds,
  refreshIdleSeconds: row.refresh_idle_seconds,
  reuseResponse: row.reuse_response,
  requiresDpop: row.requires_dpop,
  isVerified: row.verified_at !== null,
  isSuspended: row.suspended_at !== null,
  createdAt: row.created_at,
  isStopped: row.is_stopped,
  fingerprint: row.fingerprint,
})

/** What is said of an app at its registration. */
export type NewAppRow = Omit<App, 'isStopped' | 'isSuspended' | 'isVerified'>

/** The columns of a registration. */
export const toColumns = (app: NewAppRow) => ({
  client_id: app.clientId,
  organization_id: app.organization,
  registration: app.registration,
  mode: app.mode,
  name: app.name,
  homepage: app.homepage,
  policy_uri: app.policyUri,
  terms_uri: app.termsUri,
  redirect_uris: app.redirectUris,
  scopes: app.scopes,
  optional_scopes: app.optionalScopes,
  refresh_grace_seconds: app.refreshGraceSeconds,
  refresh_lifetime_seconds: app.refreshLifetimeSeconds,
  refresh_idle_seconds: app.refreshIdleSeconds,
  reuse_response: app.reuseResponse,
  requires_dpop: app.requiresDpop,
  created_at: app.createdAt,
  fingerprint: app.fingerprint,
})

export async function insertApp(db: Db, app: NewAppRow): Promise<void> {
  await db('oauth_apps').insert(toColumns(app))
}

const findByClientId: Statement = {
  name: 'app-by-client-id',
  text: 'select * from oauth_apps where client_id = any($1)',
}

/** Primary key, named statement. */
export async function findApp(database: Database, clientId: string): Promise<App | null> {
  const [app] = await findApps(database, [clientId])
  return app ?? null
}

/** Those of these ids, in their order; null for each that is not there. */
export async function findApps(database: Database, clientIds: readonly string[]): Promise<(App | null)[]> {
  const rows = await database.run<AppRow>(findByClientId, [[...new Set(clientIds)]])
  const apps = new Map<string, App>(rows.map((row) => [row.client_id, toApp(row)]))
  return clientIds.map((id) => apps.get(id) ?? null)
}

/** Whether the app may be used, held against a suspension of its organization that is under way. */
export async function holdApp(tx: Tx, clientId: ClientId): Promise<boolean> {
  const row = await tx('oauth_apps')
    .where({ client_id: clientId, is_stopped: false })
    .forShare()
    .first('client_id')
  return row !== undefined
}

/**
 * A person allows the app something: what registered itself is kept for that (migration 003). Not more than once
 * a minute, for people who allow the same app at the same time would wait for each other. To be called before
 * the app is held by anything else in the transaction, which would have two of them wait in a circle.
 */
export async function noteConsent(tx: Tx, clientId: ClientId, now: Date): Promise<void> {
  await tx.raw(
    `update oauth_apps set consented_at = coalesce(consented_at, ?), last_consented_at = ?
     where client_id = ? and (last_consented_at is null or last_consented_at < ?::timestamptz - interval '1 minute')`,
    [now, now, clientId, now],
  )
}

/** The app as it is, held against consent and every other change. */
export async function lockApp(tx: Tx, clientId: ClientId): Promise<App | null> {
  const row = await tx<AppRow>('oauth_apps').where({ client_id: clientId }).forUpdate().first()
  return row ? toApp(row) : null
}

/** @param details that checkAppDetails has made */
export async function updateDetails(tx: Tx, clientId: ClientId, details: AppDetails): Promise<void> {
  await tx('oauth_apps').where({ client_id: clientId }).update({
    name: details.name,
    homepage: details.homepage,
    policy_uri: details.policyUri,
    terms_uri: details.termsUri,
    redirect_uris: details.redirectUris,
    scopes: details.scopes,
    optional_scopes: details.optionalScopes,
    refresh_grace_seconds: details.refreshGraceSeconds,
    refresh_lifetime_seconds: details.refreshLifetimeSeconds,
    refresh_idle_seconds: details.refreshIdleSeconds,
    reuse_response: details.reuseResponse,
    requires_dpop: details.requiresDpop,
  })
}

/** The vendor says from now on (null: not any more) who the app is. False when that was so already. */
export async function setVerified(tx: Tx, clientId: ClientId, at: Date | null): Promise<boolean> {
  const changed = await tx('oauth_apps')
    .where({ client_id: clientId })
    .where((query) => (at ? query.whereNull('verified_at') : query.whereNotNull('verified_at')))
    .update({ verified_at: at })
  return changed === 1
}

/** From the commit on, the organizations' apps can or can't be used (one suspended itself never can); index oauth_apps_organization_id_index. */
export async function setAppsStopped(
  tx: Tx,
  organizations: readonly OrganizationId[],
  isStopped: boolean,
): Promise<void> {
  await tx('oauth_apps')
    .whereRaw('organization_id = any(?)', [[...organizations]])
    .update({ is_stopped: tx.raw('? or suspended_at is not null', [isStopped]) })
}

/** Whose developers it belongs to; null for one that registered itself, or that there is not. */
export async function findAppOwner(db: Db, clientId: ClientId): Promise<OrganizationId | null> {
  const row = await db<AppRow>('oauth_apps').where({ client_id: clientId }).first('organization_id')
  return row?.organization_id ?? null
}

/** Behind the tenant wall. */
export async function findAppOf(
  tx: Tx,
  organization: OrganizationId,
  clientId: ClientId,
): Promise<App | null> {
  const row = await tx<AppRow>('oauth_apps')
    .where({ organization_id: organization, client_id: clientId })
    .first()
  return row ? toApp(row) : null
}

/** Newest first; of one organization, or of all. */
export async function listApps(db: Db, organization: OrganizationId | null): Promise<App[]> {
  const rows = await db<AppRow>('oauth_apps')
    .modify((query) => {
      if (organization) query.where({ organization_id: organization })
    })
    .orderBy('created_at', 'desc')
  return rows.map(toApp)
}

/** Where a page of apps begins: after the app that was registered at this time under this id. */
export interface AppCursor {
  readonly createdAt: Date
  readonly id: ClientId
}

export interface AppQuery {
  readonly organization: OrganizationId
  readonly mode: Mode
  readonly after: AppCursor | null
  readonly limit: number
}

/** Newest first, behind the tenant wall; index oauth_apps_organization_id_index. */
export async function listAppsOf(
  tx: Tx,
  { organization, mode, after, limit }: AppQuery,
): Promise<readonly App[]> {
  const rows = await tx<AppRow>('oauth_apps')
    .where({ organization_id: organization, mode })
    .modify((query) => {
      if (after) query.whereRaw('(created_at, client_id) < (?, ?)', [after.createdAt, after.id])
    })
    .orderBy([
      { column: 'created_at', order: 'desc' },
      { column: 'client_id', order: 'desc' },
    ])
    .limit(limit)
  return rows.map(toApp)
}

/** How many an organization has, of both modes. */
export async function countApps(db: Db, organization: OrganizationId): Promise<number> {
  const [row] = await db('oauth_apps').where({ organization_id: organization }).count<{ count: string }[]>()
  return Number(row?.count ?? 0)
}

/**
 * Its grants go with it, and every token of theirs (decision 2). The ledger of whom it acted for is told of each in
 * the same statement, however many there are; for whom it could act is said. The app is locked.
 */
export async function deleteAppRow(
  tx: Tx,
  clientId: ClientId,
  by: Attribution,
): Promise<{ readonly app: App; readonly actedFor: readonly OrganizationId[] }> {
  // In the order of their ids, as everybody does who ends more than one.
  await tx.raw('select 1 from grants where client_id = ? order by id for update', [clientId])
  const { rows } = await tx.raw<{ rows: { organization_id: OrganizationId }[] }>(
    `with gone as (
       delete from grants where client_id = ? returning id, organization_id, person_id
     ), ${insertEventFrom(
       'gone',
       `organization_id, ?::text, ?::text, null, 'grant.revoked', id, ?::text, ?::text,
        jsonb_build_object('cause', 'app_deleted', 'client', ?::text, 'person', person_id)`,
     )}
     select distinct organization_id from gone`,
    [clientId, by.actor.kind, actorId(by.actor), by.address, by.requestId, clientId],
  )
  const [row] = await tx('oauth_apps').where({ client_id: clientId }).delete().returning<AppRow[]>('*')
  if (!row) throw new Error('an app that was not locked')
  return { app: toApp(row), actedFor: rows.map((it) => it.organization_id) }
}

/** What these apps are called, by name. */
export async function listAppNames(db: Db, clients: readonly ClientId[]): Promise<string[]> {
  const rows: { name: string }[] = await db<AppRow>('oauth_apps')
    .whereIn('client_id', clients)
    .orderBy(['name', 'client_id'])
    .select('name')
  return rows.map(({ name }) => name)
}
