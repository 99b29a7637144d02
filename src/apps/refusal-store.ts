// What apps were refused: the only file that knows `app_refusals`.
import type { ClientId } from '../core/ids.ts'
import type { Db } from '../db/connect.ts'
import type { Sweep } from '../db/sweep.ts'
import { addSeconds, daySeconds, hourSeconds } from '../lib/time.ts'
import type { Refusal } from './refusals.ts'

export interface StoredRefusal extends Omit<Refusal, 'clientId'> {
  readonly at: Date
}

/** One statement; those of apps that there are not (any more) are left out. */
export async function insertRefusals(db: Db, refusals: readonly Refusal[]): Promise<void> {
  const rows = refusals.map((it) => ({
    client_id: it.clientId,
    endpoint: it.endpoint,
    error: it.error,
    reason: it.reason,
    request_id: it.requestId,
  }))
  await db.raw(
    `insert into app_refusals (client_id, endpoint, error, reason, request_id)
     select told.* from jsonb_to_recordset(?::jsonb)
       as told (client_id text, endpoint text, error text, reason text, request_id text)
     where exists (select from oauth_apps app where app.client_id = told.client_id)`,
    [JSON.stringify(rows)],
  )
}

/** The newest first, at most `limit`; index app_refusals_client_id_index. */
export async function listRefusals(db: Db, clientId: ClientId, limit: number): Promise<StoredRefusal[]> {
  const rows: {
    at: Date
    endpoint: Refusal['endpoint']
    error: string
    reason: string
    request_id: Refusal['requestId']
  }[] = await db('app_refusals')
    .where({ client_id: clientId })
    .orderBy('id', 'desc')
    .limit(limit)
    .select('at', 'endpoint', 'error', 'reason', 'request_id')
  return rows.map(({ request_id: requestId, ...row }) => ({ ...row, requestId }))
}

/** What is kept of an app's refusals. */
export const keptRefusals = { number: 200, seconds: 30 * daySeconds } as const

/** Index app_refusals_client_id_index, walked from app to app: a probe each, however many rows there are. */
const apps = `with recursive app as (
    (select client_id from app_refusals order by client_id limit 1)
    union all
    select (select r.client_id from app_refusals r where r.client_id > app.client_id order by r.client_id limit 1)
    from app where app.client_id is not null
  )`
const surplus = `select r.id from app cross join lateral (
    select id from app_refusals where client_id = app.client_id order by id desc offset ${keptRefusals.number}
  ) r where app.client_id is not null`

/** The old ones, and those beyond an app's newest. Every app is looked at: so it is done now and then. */
export const surplusRefusals: Sweep = {
  name: 'app_refusals',
  restsSeconds: hourSeconds,
  start: (before) => async (tx, limit) => {
    const { rowCount: old } = await tx.raw<{ rowCount: number }>(
      // Ids rise with the time: where the lowest are young, all are.
      `delete from app_refusals where at < ? and id in (select id from app_refusals order by id limit ?)`,
      [addSeconds(before, -keptRefusals.seconds), limit],
    )
    if (old > 0) return { rows: old, isLast: false }
    const { rowCount } = await tx.raw<{ rowCount: number }>(
      `${apps} delete from app_refusals where id in (${surplus} limit ?)`,
      [limit],
    )
    return { rows: rowCount, isLast: rowCount < limit }
  },
  count: async (db, before) => {
    const { rows } = await db.raw<{ rows: { count: number }[] }>(
      `${apps} select count(*)::int as count from app_refusals where at < ? or id in (${surplus})`,
      [addSeconds(before, -keptRefusals.seconds)],
    )
    return rows[0]?.count ?? 0
  },
}
