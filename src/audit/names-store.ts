// The names of what the ledger tells of by id alone: as they are today, or else as the ledger itself remembers
// them, for what has been deleted since.
import type { Db, Tx } from '../db/connect.ts'

/** By id. What nobody knows a name of is not in it. */
export type Names = ReadonlyMap<string, string>

interface NameRow {
  readonly id: string
  readonly name: string
}

/** Events of one target that are looked through for a name. */
const mostRemembered = 100

const toNames = (rows: readonly NameRow[]): Names => new Map(rows.map(({ id, name }) => [id, name]))

/** Behind the tenant wall: members, keys, invitations, and the organization itself. */
export async function findNames(tx: Tx, organization: string, ids: readonly string[]): Promise<Names> {
  const { rows } = await tx.raw<{ rows: NameRow[] }>(
    `with wanted as (select unnest(?::text[]) as id), known as (
       select id, coalesce(name || ' (' || email || ')', email) as name from persons
       where id in (select id from wanted)
       union all select id, name from api_keys where id in (select id from wanted)
       union all select id, email from invitations where id in (select id from wanted)
       union all select id, name from organizations where id in (select id from wanted)
     )
     select id, name from known
     union all
     select wanted.id, remembered.name from wanted
     cross join lateral (
       select coalesce(details->>'email', details->>'name') as name
       from (
         select at, id, details from audit_events
         where organization_id = ? and target = wanted.id
         order by at desc, id desc limit ${mostRemembered}
       ) recent
       where coalesce(details->>'email', details->>'name') is not null
       order by at desc, id desc limit 1
     ) remembered
     where wanted.id not in (select id from known)`,
    [[...ids], organization],
  )
  return toNames(rows)
}

/** Outside of the wall, for they are of no one organization: apps, and the platforms that provisioned it. */
export async function findSharedNames(db: Db, ids: readonly string[]): Promise<Names> {
  const { rows } = await db.raw<{ rows: NameRow[] }>(
    `select client_id as id, name from oauth_apps where client_id = any(?)
     union all select id, name from platforms where id = any(?)`,
    [[...ids], [...ids]],
  )
  return toNames(rows)
}

/** The member with this address (in any case of letters). Behind the tenant wall. */
export async function findMemberId(tx: Tx, organization: string, email: string): Promise<string | null> {
  const { rows } = await tx.raw<{ rows: { id: string }[] }>(
    `select p.id from memberships m join persons p on p.id = m.person_id
     where m.organization_id = ? and lower(p.email) = lower(?)`,
    [organization, email],
  )
  return rows[0]?.id ?? null
}
