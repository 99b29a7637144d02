// What a person allowed an app to do for one organization: the only file that knows `grants`.
import type { ClientId, GrantId, OrganizationId, PersonId } from '../core/ids.ts'
import type { Mode } from '../core/principal.ts'
import type { Database, Db, Statement, Tx } from '../db/connect.ts'
import { expiredRows } from '../db/sweep.ts'

/** One authorization of one install of an app (decision 6). */
export interface Grant {
  readonly id: GrantId
  readonly client: ClientId
  readonly person: PersonId
  readonly organization: OrganizationId
  readonly mode: Mode
  readonly scopes: readonly string[]
  readonly resource: string
  readonly createdAt: Date
  /** The absolute end: rotation never moves it. */
  readonly expiresAt: Date
  /** True while its organization, or its app's, is suspended: it mints nothing, and nothing of it is lost. */
  readonly isStopped: boolean
  /** Of the key that its tokens are bound to (RFC 9449); null for none. */
  readonly dpopThumbprint: string | null
}

export interface GrantRow {
  readonly id: GrantId
  readonly client_id: ClientId
  readonly person_id: PersonId
  readonly organization_id: OrganizationId
  readonly mode: Mode
  readonly scopes: readonly string[]
  readonly resource: string
  readonly created_at: Date
  readonly expires_at: Date
  readonly is_stopped: boolean
  readonly dpop_jkt: string | null
}

export const toGrant = (row: GrantRow): Grant => grantOf(row, row.scopes)

/** Of a row in which the grant's scopes are called otherwise. */
export const grantOf = (row: Omit<GrantRow, 'scopes'>, scopes: readonly string[]): Grant => ({
  id: row.id,
  client: row.client_id,
  person: row.person_id,
  organization: row.organization_id,
  mode: row.mode,
  scopes,
  resource: row.resource,
  createdAt: row.created_at,
  expiresAt: row.expires_at,
  isStopped: row.is_stopped,
  dpopThumbprint: row.dpop_jkt,
})

/**
 * With those of the scopes alone that the app (which the caller holds) still has: what it gave up since it was read
 * nobody is allowed. False when a grant of that id is there already: it is left as it is.
 */
export async function insertGrant(
  db: Db,
  grant: Omit<Grant, 'isStopped' | 'dpopThumbprint'>,
): Promise<boolean> {
  const rows = await db('grants')
    .insert({
      id: grant.id,
      client_id: grant.client,
      person_id: grant.person,
      organization_id: grant.organization,
      mode: grant.mode,
      scopes: db.raw(
        `array(select scope from unnest(?::text[]) as scope
               where scope = any((select scopes from oauth_apps where client_id = ?)::text[]))`,
        [[...grant.scopes], grant.client],
      ),
      resource: grant.resource,
      created_at: grant.createdAt,
      expires_at: grant.expiresAt,
    })
    .onConflict('id')
    .ignore()
    .returning('id')
  return rows.length === 1
}

const findById: Statement = { name: 'grant-by-id', text: 'select * from grants where id = $1' }

export async function findGrant(database: Database, id: string): Promise<Grant | null> {
  const [row] = await database.run<GrantRow>(findById, [id])
  return row ? toGrant(row) : null
}

/** As `findGrant`, in a transaction. Not held: who ends it learns whether it was there. */
export async function findGrantWithin(tx: Tx, id: GrantId): Promise<Grant | null> {
  const row = await tx<GrantRow>('grants').where({ id }).first()
  return row ? toGrant(row) : null
}

/** Newest first, at most `limit`. */
export async function listGrants(
  db: Db,
  filter: { readonly organization?: OrganizationId; readonly client?: ClientId; readonly person?: PersonId },
  limit: number,
): Promise<Grant[]> {
  const columns = { organization_id: filter.organization, client_id: filter.client, person_id: filter.person }
  const wanted = Object.entries(columns).filter(([, value]) => value !== undefined)
  const rows = await db<GrantRow>('grants')
    .where(Object.fromEntries(wanted))
    .orderBy('created_at', 'desc')
    .limit(limit)
  return rows.map(toGrant)
}

/** Its codes, refresh tokens and credentials go with it. null when there is none. */
export async function deleteGrant(db: Db, id: string): Promise<Grant | null> {
  const [row] = await db('grants').where({ id }).delete().returning<GrantRow[]>('*')
  return row ? toGrant(row) : null
}

export interface GrantsOf {
  readonly person: PersonId
  /** null for all. */
  readonly organization: OrganizationId | null
  /** Left out: to any app. */
  readonly client?: ClientId
}

/**
 * A person's grants; what hangs on them goes too. Locked in the order of their ids, so that two who end some of
 * the same ones don't wait for each other.
 */
export async function deleteGrantsOf(tx: Tx, { person, organization, client }: GrantsOf): Promise<Grant[]> {
  const { rows: locked } = await tx.raw<{ rows: { id: GrantId }[] }>(
    `select id from grants where person_id = ? and organization_id = coalesce(?, organization_id)
       and client_id = coalesce(?, client_id)
     order by id for update`,
    [person, organization, client ?? null],
  )
  const ids = locked.map(({ id }) => id)
  const rows = await tx('grants').whereIn('id', ids).delete().returning<GrantRow[]>('*')
  return rows.map(toGrant)
}

/**
 * Says of each grant for these organizations, and of each grant to their apps, whether it is stopped: it is when
 * its organization or its app is. A mint that is under way is waited for. Two statements: what another
 * suspension did while the first one waited is seen by the second. Gives those that stop now.
 */
export async function refreshStoppedGrants(
  tx: Tx,
  organizations: readonly OrganizationId[],
): Promise<GrantId[]> {
  const { rows: locked } = await tx.raw<{ rows: { id: GrantId }[] }>(
    `select id from grants where id in (
       select id from grants where organization_id = any(?)
       union select g.id from grants g join oauth_apps a using (client_id) where a.organization_id = any(?)
     ) order by id for update`,
    [[...organizations], [...organizations]],
  )
  return await refreshStoppedOf(
    tx,
    locked.map(({ id }) => id),
  )
}

/** The same for every grant to one app. */
export async function refreshStoppedGrantsOfApp(tx: Tx, client: ClientId): Promise<GrantId[]> {
  return await refreshStoppedOf(tx, await lockGrantsOfApp(tx, client))
}

/** In the order of their ids, against minting. */
export async function lockGrantsOfApp(tx: Tx, client: ClientId): Promise<GrantId[]> {
  const rows: { id: GrantId }[] = await tx('grants')
    .where({ client_id: client })
    .orderBy('id')
    .forUpdate()
    .select('id')
  return rows.map(({ id }) => id)
}

async function refreshStoppedOf(tx: Tx, locked: readonly GrantId[]): Promise<GrantId[]> {
  const { rows: changed } = await tx.raw<{ rows: { id: GrantId; is_stopped: boolean }[] }>(
    `update grants g set is_stopped = truth.is_stopped
     from (
       select g.id, o.is_stopped or a.is_stopped as is_stopped
       from grants g
       join organizations o on o.id = g.organization_id
       join oauth_apps a on a.client_id = g.client_id
       where g.id = any(?)
     ) as truth
     where truth.id = g.id and g.is_stopped <> truth.is_stopped
     returning g.id, g.is_stopped`,
    [[...locked]],
  )
  return changed.filter((row) => row.is_stopped).map(({ id }) => id)
}

/** Takes from every grant to the app what is not among `scopes`. Gives those that had something else, as they are now. */
export async function narrowGrantsOfApp(
  tx: Tx,
  client: ClientId,
  scopes: readonly string[],
): Promise<Grant[]> {
  const locked = await lockGrantsOfApp(tx, client)
  const { rows } = await tx.raw<{ rows: GrantRow[] }>(
    `update grants
     set scopes = array(select scope from unnest(scopes) as scope where scope = any(?) order by scope)
     where id = any(?) and not scopes <@ ?::text[]
     returning *`,
    [[...scopes], locked, [...scopes]],
  )
  return rows.map(toGrant)
}

/** What still hangs on one goes with it. */
export const expiredGrants = expiredRows('grants')
