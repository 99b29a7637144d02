// What apps were refused: the only file that knows `app_refusals`.
import type { ClientId } from '../core/ids.ts'
import type { Db } from '../db/connect.ts'
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
