// Reading the ledger: events by what people look for, newest first, a page at a time.
import type { Actor } from '../core/attribution.ts'
import type { Db } from '../db/connect.ts'

export type ActorKind = Actor['kind']

export interface LedgerEvent {
  readonly id: number
  /** To the microsecond, in UTC, as 2026-11-26T14:03:11.123456Z. */
  readonly at: string
  readonly organization: string | null
  readonly actorKind: ActorKind
  readonly actorId: string | null
  readonly onBehalfOf: string | null
  readonly action: string
  readonly target: string | null
  readonly address: string | null
  readonly requestId: string | null
  readonly details: Readonly<Record<string, unknown>>
}

/** Everything that is given must be so. */
export interface EventFilter {
  readonly organization?: string
  readonly action?: string
  /** By id, or, of whom there is only one and who has no id, by kind. */
  readonly actor?: { readonly id: string } | { readonly kind: ActorKind }
  readonly target?: string
  readonly from?: Date
  /** Not included. */
  readonly until?: Date
}

/** An event, as the one after which a page goes on. */
export type Cursor = Pick<LedgerEvent, 'at' | 'id'>

export interface EventRow {
  readonly id: string
  readonly exact_at: string
  readonly organization_id: string | null
  readonly actor_kind: ActorKind
  readonly actor_id: string | null
  readonly on_behalf_of: string | null
  readonly action: string
  readonly target: string | null
  readonly address: string | null
  readonly request_id: string | null
  readonly details: Readonly<Record<string, unknown>>
}

export const toEvent = (row: EventRow): LedgerEvent => ({
  id: Number(row.id),
  at: row.exact_at,
  organization: row.organization_id,
  actorKind: row.actor_kind,
  actorId: row.actor_id,
  onBehalfOf: row.on_behalf_of,
  action: row.action,
  target: row.target,
  address: row.address,
  requestId: row.request_id,
  details: row.details,
})

/**
 * Newest first, after the cursor. Of one organization by audit_events_at_index and its three sisters for action,
 * actor and target; of all by the primary key.
 */
export async function listEvents(
  db: Db,
  filter: EventFilter,
  after: Cursor | null,
  limit: number,
): Promise<LedgerEvent[]> {
  return (await eventsQuery(db, filter, after, limit)).map(toEvent)
}

/** The statement itself, so that a test can ask PostgreSQL how it goes about it. */
export function eventsQuery(db: Db, filter: EventFilter, after: Cursor | null, limit: number) {
  const query = matching(db, filter)
    .select<EventRow[]>(
      '*',
      db.raw(`to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as exact_at`),
    )
    .limit(limit)
  if (filter.organization === undefined) {
    query.orderBy('id', 'desc')
    return after ? query.where('id', '<', after.id) : query
  }
  query.orderBy([
    { column: 'at', order: 'desc' },
    { column: 'id', order: 'desc' },
  ])
  return after ? query.whereRaw('(at, id) < (?::timestamptz, ?::bigint)', [after.at, after.id]) : query
}

/** How many there are: it reads them all, so it is for an export, not for a page. */
export async function countEvents(db: Db, filter: EventFilter): Promise<number> {
  const [row] = await matching(db, filter).count<{ count: string }[]>()
  return Number(row?.count ?? 0)
}

function matching(db: Db, { organization, action, actor, target, from, until }: EventFilter) {
  const query = db<EventRow>('audit_events')
  if (organization !== undefined) query.where('organization_id', organization)
  if (action !== undefined) query.where('action', action)
  if (actor && 'id' in actor) query.where('actor_id', actor.id)
  // With the id, that is null, for the index's sake.
  if (actor && 'kind' in actor) query.whereNull('actor_id').where('actor_kind', actor.kind)
  if (target !== undefined) query.where('target', target)
  if (from) query.where('at', '>=', from)
  if (until) query.where('at', '<', until)
  return query
}
