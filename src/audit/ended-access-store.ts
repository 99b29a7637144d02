// What the ledger tells of apps whose access has ended: newest first, a page at a time.
import type { Db } from '../db/connect.ts'
import { type Cursor, type EventRow, type LedgerEvent, toEvent } from './read-store.ts'

/** Everybody's in the ledger of one organization, or what one person had allowed, in those of several. */
export type EndedFor =
  | { readonly organization: string }
  | { readonly person: string; readonly organizations: readonly string[] }

export interface EndedAccessQuery {
  readonly of: EndedFor
  readonly since: Date
  readonly after: Cursor | null
  readonly limit: number
}

/**
 * By audit_events_ended_access_index or audit_events_ended_access_of_person_index. A refresh token that was
 * refused and no more ended nothing. Of an app that was deleted it says so once, for everybody who had allowed it.
 */
export async function listEndedAccess(db: Db, query: EndedAccessQuery): Promise<LedgerEvent[]> {
  const { of, since, after, limit } = query
  const isTheirs =
    'person' in of
      ? `details->>'person' = :person and organization_id = any(:organizations)`
      : 'organization_id = :organization'
  const { rows } = await db.raw<{ rows: EventRow[] }>(
    `select *, to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as exact_at
     from audit_events
     where ${isTheirs} and at >= :since
       and action in ('grant.revoked', 'refresh_token.reused', 'app.deleted') and details->>'response' is distinct from 'refused'
       ${after ? 'and (at, id) < (cast(:afterAt as timestamptz), cast(:afterId as bigint))' : ''}
     order by at desc, id desc
     limit :limit`,
    { ...of, since, limit, ...(after ? { afterAt: after.at, afterId: after.id } : {}) },
  )
  return rows.map(toEvent)
}
