// The ledger's tables: the only file that knows `audit_events` and writes to them. Rows are added, never
// changed: the server's own role may not (migration 002).
import type { Tx } from '../db/connect.ts'

export interface NewEvent {
  readonly organization: string | null
  readonly actorKind: string
  readonly actorId: string | null
  readonly onBehalfOf: string | null
  readonly action: string
  readonly target: string
  readonly address: string | null
  readonly requestId: string | null
  readonly details: Readonly<Record<string, unknown>>
}

/** The event, and beside it the note that its seal is still to come: one statement. */
export async function insertEvent(tx: Tx, it: NewEvent): Promise<void> {
  await tx.raw(
    `with event as (
       insert into audit_events
         (organization_id, actor_kind, actor_id, on_behalf_of, action, target, address, request_id, details)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?) returning id
     )
     insert into audit_unsealed select id from event`,
    [
      it.organization,
      it.actorKind,
      it.actorId,
      it.onBehalfOf,
      it.action,
      it.target,
      it.address,
      it.requestId,
      JSON.stringify(it.details),
    ],
  )
}

/** The same for many at once. */
export async function insertEvents(tx: Tx, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return
  const source = `jsonb_to_recordset(?::jsonb) as given ("organization" text, "actorKind" text, "actorId" text,
    "onBehalfOf" text, "action" text, "target" text, "address" text, "requestId" text, "details" jsonb)`
  const columns = `"organization", "actorKind", "actorId", "onBehalfOf", "action", "target", "address", "requestId",
    "details"`
  await tx.raw(`with ${insertEventFrom(source, columns)} select`, [JSON.stringify(events)])
}

/**
 * The same as parts of a larger statement's `with`: an event for each row of `source`.
 * @param columns organization, actor's kind, actor's id, on whose behalf, action, target, address, request id,
 *   details, as SQL
 */
export function insertEventFrom(source: string, columns: string): string {
  return `event as (
      insert into audit_events
        (organization_id, actor_kind, actor_id, on_behalf_of, action, target, address, request_id, details)
      select ${columns} from ${source} returning id
    ), unsealed as (
      insert into audit_unsealed select id from event
    )`
}
