// The apps that have access, as people see them: what one person gave one app for one organization is one
// connected app, however many installs of it there are.
import type { ClientId, GrantId, OrganizationId, PersonId } from '../core/ids.ts'
import type { Mode } from '../core/principal.ts'
import type { CredentialUse } from '../credentials/last-use.ts'
import type { Db } from '../db/connect.ts'

export interface Install {
  readonly grant: GrantId
  readonly scopes: readonly string[]
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly lastUse: CredentialUse | null
}

export interface ConnectedApp {
  /** Its newest install, which names it. */
  readonly grant: GrantId
  readonly createdAt: Date
  readonly client: ClientId
  readonly person: PersonId
  /** Name and address of who gave it; null for one who can't be seen from here. */
  readonly personName: string | null
  readonly organization: OrganizationId
  readonly mode: Mode
  /** Of all its installs. */
  readonly scopes: readonly string[]
  /** True while the account or the app is suspended. */
  readonly isStopped: boolean
  /** How many there are. */
  readonly installs: number
  /** Some of them, the newest first. */
  readonly newest: readonly Install[]
  /** Of whichever install was used last. */
  readonly lastUse: CredentialUse | null
}

/** After this grant. */
export interface GrantCursor {
  readonly createdAt: Date
  readonly id: GrantId
}

/** Those of an organization, those of a person, or the one that a grant belongs to. */
export type Which =
  | { readonly organization: OrganizationId }
  | { readonly person: PersonId }
  | { readonly grant: GrantId }

/** Which installs of each to give: the newest, those after one of them, or this one alone. */
export type InstallQuery =
  | { readonly limit: number; readonly after?: GrantCursor | null }
  | { readonly only: GrantId }

export interface ConnectedAppQuery {
  readonly which: Which
  readonly after: GrantCursor | null
  readonly limit: number
  readonly installs: InstallQuery
  readonly now: Date
}

interface UseColumns {
  readonly used_at: Date | null
  readonly address: string | null
  readonly client: string | null
  readonly operation: string | null
}

interface Row extends UseColumns {
  readonly id: GrantId
  readonly created_at: Date
  readonly client_id: ClientId
  readonly person_id: PersonId
  readonly person_name: string | null
  readonly organization_id: OrganizationId
  readonly mode: Mode
  readonly all_scopes: readonly string[]
  readonly is_stopped: boolean
  readonly installs: number
  readonly install_id: GrantId | null
  readonly install_scopes: readonly string[]
  readonly install_created_at: Date
  readonly install_expires_at: Date
  readonly install_used_at: Date | null
  readonly install_address: string | null
  readonly install_client: string | null
  readonly install_operation: string | null
}

/**
 * Newest first, in one statement; what has expired is left out. Pages by grants_organization_id_index or
 * grants_person_id_index, what belongs together by grants_client_id_index.
 */
export async function listConnectedApps(db: Db, query: ConnectedAppQuery): Promise<ConnectedApp[]> {
  const { which, after, limit, installs, now } = query
  const [isWanted, wanted] = installsOf(installs)
  const [place, value] = placeOf(which)
  const together = (one: string, other: string) =>
    ['client_id', 'person_id', 'organization_id'].map((it) => `${one}.${it} = ${other}.${it}`).join(' and ')
  const { rows } = await db.raw<{ rows: Row[] }>(
    `with page as materialized (
       select g.id, g.created_at, g.client_id, g.person_id, g.organization_id, g.mode, g.is_stopped
       from grants g
       where ${place} and g.expires_at > :now
         ${after ? 'and (g.created_at, g.id) < (:afterAt, :afterId)' : ''}
         and not exists (
           select from grants newer
           where ${together('newer', 'g')} and (newer.created_at, newer.id) > (g.created_at, g.id)
             and newer.expires_at > :now
         )
       order by g.created_at desc, g.id desc
       limit :limit
     )
     select page.*, coalesce(p.name || ' (' || p.email || ')', p.email) as person_name, counted.installs,
       scoped.all_scopes, used.used_at, used.address, used.client, used.operation,
       i.id as install_id, i.scopes as install_scopes, i.created_at as install_created_at, i.expires_at as install_expires_at,
       i.used_at as install_used_at, i.address as install_address, i.client as install_client,
       i.operation as install_operation
     from page
     left join persons p on p.id = page.person_id
     cross join lateral (
       select count(*)::int as installs from grants i where ${together('i', 'page')} and i.expires_at > :now
     ) counted
     cross join lateral (
       select coalesce(array_agg(distinct scope order by scope), '{}') as all_scopes
       from grants i, unnest(i.scopes) scope where ${together('i', 'page')} and i.expires_at > :now
     ) scoped
     left join lateral (
       select u.used_at, u.address, u.client, u.operation
       from grants i join grant_uses u on u.grant_id = i.id
       where ${together('i', 'page')} and i.expires_at > :now
       order by u.used_at desc limit 1
     ) used on true
     left join lateral (
       select i.id, i.scopes, i.created_at, i.expires_at, u.used_at, u.address, u.client, u.operation
       from grants i left join grant_uses u on u.grant_id = i.id
       where ${together('i', 'page')} and i.expires_at > :now
         and ${isWanted}
       order by i.created_at desc, i.id desc limit :installs
     ) i on true
     order by page.created_at desc, page.id desc, i.created_at desc, i.id desc`,
    {
      value,
      now,
      limit,
      ...(after ? { afterAt: after.createdAt, afterId: after.id } : {}),
      ...wanted,
    },
  )
  // Rows of one connected app stand together, one for each install.
  const first = rows.filter(({ id }, index) => id !== rows[index - 1]?.id)
  return first.map((row) => toConnectedApp(row, rows))
}

/** The one that this grant belongs to, with a page of its installs; null when it has ended. */
export async function findConnectedApp(
  db: Db,
  query: Pick<ConnectedAppQuery, 'installs' | 'now'> & { readonly grant: GrantId },
): Promise<ConnectedApp | null> {
  const { grant, ...others } = query
  const [found] = await listConnectedApps(db, { ...others, which: { grant }, after: null, limit: 1 })
  return found ?? null
}

/** The condition on `g`, and the value that it is about. */
function placeOf(which: Which): readonly [condition: string, value: string] {
  if ('organization' in which) return ['g.organization_id = :value', which.organization]
  if ('person' in which) return ['g.person_id = :value', which.person]
  const same = '(g.client_id, g.person_id, g.organization_id)'
  const its = `(select client_id, person_id, organization_id from grants where id = :value and expires_at > :now)`
  return [`${same} = ${its}`, which.grant]
}

/** The condition on `i`, and the values that it is about. */
function installsOf(query: InstallQuery) {
  if ('only' in query) return ['i.id = :only', { only: query.only, installs: 1 }] as const
  const { limit, after } = query
  if (!after) return ['true', { installs: limit }] as const
  return [
    '(i.created_at, i.id) < (:installsAfterAt, :installsAfterId)',
    { installs: limit, installsAfterAt: after.createdAt, installsAfterId: after.id },
  ] as const
}

function toConnectedApp(row: Row, rows: readonly Row[]): ConnectedApp {
  return {
    grant: row.id,
    createdAt: row.created_at,
    client: row.client_id,
    person: row.person_id,
    personName: row.person_name,
    organization: row.organization_id,
    mode: row.mode,
    scopes: row.all_scopes,
    isStopped: row.is_stopped,
    installs: row.installs,
    newest: rows.filter(({ id }) => id === row.id).flatMap(toInstall),
    lastUse: toUse(row),
  }
}

function toInstall(row: Row): Install[] {
  if (row.install_id === null) return []
  const lastUse = toUse({
    used_at: row.install_used_at,
    address: row.install_address,
    client: row.install_client,
    operation: row.install_operation,
  })
  return [
    {
      grant: row.install_id,
      scopes: row.install_scopes,
      createdAt: row.install_created_at,
      expiresAt: row.install_expires_at,
      lastUse,
    },
  ]
}

function toUse({ used_at: at, address, client, operation }: UseColumns): CredentialUse | null {
  return at && { at, address, client, operation }
}
