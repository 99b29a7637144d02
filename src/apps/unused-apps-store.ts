// Apps that registered themselves and that nobody uses: nobody ever allowed them anything, or not for long.
// Such an app is told `invalid_client` afterwards, which has it register again.
import { insertEventFrom } from '../audit/audit-store.ts'
import type { Profile } from '../core/profile.ts'
import type { Db, Tx } from '../db/connect.ts'
import type { Sweep } from '../db/sweep.ts'
import { addSeconds, hourSeconds } from '../lib/time.ts'

export type UnusedAppsPolicy = Pick<
  Profile['oauth']['dynamicRegistration'],
  'unconsentedSeconds' | 'idleSeconds'
>

/**
 * Never one with a grant that is still good, and none about which the vendor decided something: a suspended one
 * must not come back as a new one. Indexes oauth_apps_self_registered_index and oauth_apps_last_consented_index.
 */
const isUnused = `
  a.registration <> 'manual' and a.verified_at is null and a.suspended_at is null
  and (
    (a.consented_at is null and a.created_at < :unconsentedBefore)
    or (a.consented_at is not null and a.last_consented_at < :idleBefore)
  )
  and not exists (select from grants g where g.client_id = a.client_id and g.expires_at > :now)`

const bindings = (now: Date, policy: UnusedAppsPolicy) => ({
  now,
  unconsentedBefore: addSeconds(now, -policy.unconsentedSeconds),
  idleBefore: addSeconds(now, -policy.idleSeconds),
})

/** Takes away at most `limit` of them, and tells the ledger of each. How many there were. */
export function sweepUnusedApps(tx: Tx, now: Date, limit: number, policy: UnusedAppsPolicy): Promise<number> {
  return remove(
    tx,
    `select a.client_id from oauth_apps a where ${isUnused} limit :limit for update of a skip locked`,
    { ...bindings(now, policy), limit },
    `case when gone.consented_at is null then 'never_allowed' else 'idle' end`,
  )
}

/** How many there are. */
export async function countUnusedApps(db: Db, now: Date, policy: UnusedAppsPolicy): Promise<number> {
  const { rows } = await db.raw<{ rows: { count: number }[] }>(
    `select count(*)::int as count from oauth_apps a where ${isUnused}`,
    bindings(now, policy),
  )
  return rows[0]?.count ?? 0
}

/** The same, for the list of all that is swept. */
export function unusedApps(policy: UnusedAppsPolicy): Sweep {
  return {
    name: 'oauth_apps',
    start: (before) => async (tx, limit) => {
      const rows = await sweepUnusedApps(tx, before, limit, policy)
      return { rows, isLast: rows < limit }
    },
    count: (db, before) => countUnusedApps(db, before, policy),
  }
}

/** So many that nobody allowed anything are kept at a time … */
export const mostUnconsented = 10_000
/** … and none of them gives way to others before a person had the time to allow it something. */
const keptSeconds = hourSeconds

/**
 * Makes room for one more that nobody allowed anything yet: the oldest ones give way, so that whoever registers
 * apps by the thousand does not keep out the others. False when all are young.
 */
export async function makeRoom(tx: Tx, now: Date, most: number = mostUnconsented): Promise<boolean> {
  const waiting = `registration <> 'manual' and consented_at is null`
  const { rows } = await tx.raw<{ rows: { count: number }[] }>(
    `select count(*)::int as count from (select from oauth_apps where ${waiting} limit ?) as those`,
    [most],
  )
  if ((rows[0]?.count ?? 0) < most) return true
  const oldest = `
    select client_id from oauth_apps
    where ${waiting} and verified_at is null and suspended_at is null and created_at < :youngest
    order by created_at limit 10 for update skip locked`
  const youngest = addSeconds(now, -keptSeconds)
  return (await remove(tx, oldest, { youngest }, `'gave_way'`)) > 0
}

async function remove(
  tx: Tx,
  which: string,
  values: Readonly<Record<string, Date | number>>,
  cause: string,
): Promise<number> {
  const told = `null, 'server', null, null, 'app.deleted', gone.client_id, null, null,
    jsonb_build_object('name', gone.name, 'registration', gone.registration, 'cause', ${cause})`
  const { rows } = await tx.raw<{ rows: { count: number }[] }>(
    `with unused as (${which}),
     gone as (
       delete from oauth_apps using unused where oauth_apps.client_id = unused.client_id
       returning oauth_apps.client_id, name, registration, consented_at
     ),
     ${insertEventFrom('gone', told)}
     select count(*)::int as count from gone`,
    values,
  )
  return rows[0]?.count ?? 0
}
