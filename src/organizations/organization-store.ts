// Organizations: the only file that knows `organizations`.
import { isOrganizationId, newOrganizationId, type OrganizationId, type PlatformId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Db, Tx } from '../db/connect.ts'

export interface Organization {
  readonly id: OrganizationId
  readonly name: string
  readonly slug: string
  readonly createdAt: Date
  readonly suspendedAt: Date | null
  /** By itself, or with its platform: nothing of it opens anything. */
  readonly isStopped: boolean
  /** The platform that provisioned it, and that platform's own name for it. */
  readonly platform: { readonly id: PlatformId; readonly externalId: string } | null
}

export interface OrganizationRow {
  readonly id: OrganizationId
  readonly name: string
  readonly slug: string
  readonly created_at: Date
  readonly suspended_at: Date | null
  readonly is_stopped: boolean
  readonly platform_id: PlatformId | null
  readonly external_id: string | null
}

export const toOrganization = (row: OrganizationRow): Organization => ({
  id: row.id,
  name: row.name,
  slug: row.slug,
  createdAt: row.created_at,
  suspendedAt: row.suspended_at,
  isStopped: row.is_stopped,
  platform: row.platform_id && row.external_id ? { id: row.platform_id, externalId: row.external_id } : null,
})

/** The new organization, or null when the slug is taken. */
export async function insertOrganization(db: Db, name: string, slug: string): Promise<Organization | null> {
  const [row] = await db('organizations')
    .insert({ id: newOrganizationId(), name, slug })
    .onConflict('slug')
    .ignore()
    .returning<OrganizationRow[]>('*')
  return row ? toOrganization(row) : null
}

/**
 * A platform's organization under the platform's own name for it; null when the platform has one of that name
 * already, or the slug is taken. Of two that come at once the second waits for the first.
 */
export async function insertProvisionedOrganization(
  db: Db,
  it: {
    readonly name: string
    readonly slug: string
    readonly platform: PlatformId
    readonly externalId: string
  },
): Promise<Organization | null> {
  const [row] = await db('organizations')
    .insert({
      id: newOrganizationId(),
      name: it.name,
      slug: it.slug,
      platform_id: it.platform,
      external_id: it.externalId,
    })
    .onConflict()
    .ignore()
    .returning<OrganizationRow[]>('*')
  return row ? toOrganization(row) : null
}

/**
 * Locked: of two calls that provision for it the second waits for the first. Keys can be made for it
 * all the while; a suspension can not pass.
 */
export async function lockProvisionedOrganization(
  tx: Tx,
  platform: PlatformId,
  externalId: string,
): Promise<Organization | null> {
  const row = await tx<OrganizationRow>('organizations')
    .where({ platform_id: platform, external_id: externalId })
    .forNoKeyUpdate()
    .first()
  return row ? toOrganization(row) : null
}

/** By id or by slug. */
export async function findOrganization(db: Db, idOrSlug: string): Promise<Organization | null> {
  const column = isOrganizationId(idOrSlug) ? 'id' : 'slug'
  const row = await db<OrganizationRow>('organizations').where(column, idOrSlug).first()
  return row ? toOrganization(row) : null
}

/**
 * Those that there are of these ids and slugs, held as by `requireActiveOrganization`: of each the caller asks whether
 * it is stopped before he makes a credential for it.
 */
export async function holdOrganizations(tx: Tx, idsOrSlugs: readonly string[]): Promise<Organization[]> {
  const ids = idsOrSlugs.filter(isOrganizationId)
  const slugs = idsOrSlugs.filter((it) => !isOrganizationId(it))
  const { rows } = await tx.raw<{ rows: OrganizationRow[] }>(
    'select * from organizations where id = any(?) or slug = any(?) order by id for key share',
    [ids, slugs],
  )
  return rows.map(toOrganization)
}

/** New organizations, named as their slugs are; a slug that is taken is left out. */
export async function insertOrganizations(tx: Tx, slugs: readonly string[]): Promise<Organization[]> {
  if (slugs.length === 0) return []
  const rows = slugs.map((slug) => ({ id: newOrganizationId(), name: slug, slug }))
  const made = await tx('organizations')
    .insert([...rows].sort((a, b) => (a.slug < b.slug ? -1 : 1)))
    .onConflict('slug')
    .ignore()
    .returning<OrganizationRow[]>('*')
  return made.map(toOrganization)
}

/** Oldest first. */
export async function listOrganizations(db: Db): Promise<Organization[]> {
  return (await db<OrganizationRow>('organizations').orderBy('created_at')).map(toOrganization)
}

export async function listOrganizationsOfPlatform(db: Db, platform: PlatformId): Promise<Organization[]> {
  const rows = await db<OrganizationRow>('organizations')
    .where({ platform_id: platform })
    .orderBy('created_at')
  return rows.map(toOrganization)
}

/**
 * To be asked first by every transaction that makes a credential for the organization: it waits for a
 * suspension that is under way, and makes a later one wait for it, so that none slips through.
 * @throws Problem organization_suspended
 */
export async function requireActiveOrganization(tx: Tx, id: OrganizationId): Promise<void> {
  const { rows } = await tx.raw<{ rows: { is_stopped: boolean }[] }>(
    'select is_stopped from organizations where id = ? for key share',
    [id],
  )
  if (rows[0]?.is_stopped !== false) throw new Problem('organization_suspended')
}

/**
 * Part of a larger statement's `with`, for those that wait for nobody: the ids among `ids` (SQL) of organizations that
 * are active, held as by `requireActiveOrganization`. One that somebody else changes at this moment is left out. Primary
 * key, whatever the number of rows: `limit 1` keeps the planner to it.
 */
export function activeOrganizationsFrom(ids: string): string {
  return `active as (
      select found.id from unnest(${ids}) as wanted(id)
      cross join lateral (
        select id from organizations where id = wanted.id and not is_stopped limit 1 for key share skip locked
      ) found
    )`
}

/** Locked against every transaction that would make a credential for one of them. */
export async function lockOrganizations(tx: Tx, ids: readonly OrganizationId[]): Promise<void> {
  await tx.raw('select 1 from organizations where id = any(?) order by id for update', [[...ids]])
}

/** By itself, from a time on or (null) not any more; false when it was so already. */
export async function setSuspended(tx: Tx, id: OrganizationId, at: Date | null): Promise<boolean> {
  const changed = await tx('organizations')
    .where({ id })
    .where((query) => (at ? query.whereNull('suspended_at') : query.whereNotNull('suspended_at')))
    .update({ suspended_at: at })
  return changed === 1
}

/**
 * Says of each whether it is stopped: it is when itself or its platform is suspended. Gives those of which
 * the answer has changed.
 */
export async function refreshStopped(
  tx: Tx,
  ids: readonly OrganizationId[],
): Promise<readonly { readonly id: OrganizationId; readonly isStopped: boolean }[]> {
  const { rows } = await tx.raw<{ rows: { id: OrganizationId; is_stopped: boolean }[] }>(
    `update organizations o set is_stopped = now_stopped
     from (
       select o.id, o.suspended_at is not null or p.suspended_at is not null as now_stopped
       from organizations o left join platforms p on p.id = o.platform_id where o.id = any(?)
     ) as truth
     where truth.id = o.id and o.is_stopped <> now_stopped
     returning o.id, o.is_stopped`,
    [[...ids]],
  )
  return rows.map((row) => ({ id: row.id, isStopped: row.is_stopped }))
}
