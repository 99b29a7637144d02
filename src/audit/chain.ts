// What a link of the ledger's chains is made of. Sealer and verifier both ask here, so that they agree.
import { createHash } from 'node:crypto'

/** An event in the words that are sealed. */
export interface SealedText {
  /** Its id. */
  readonly event: number
  /** What `bodyOf` makes of it. */
  readonly body: string
}

/** What stands before the first link of every chain. */
export const beforeFirst: Buffer = Buffer.alloc(32)

/**
 * The body of an event as an SQL expression: everything but its id, as the text of a JSON array. PostgreSQL writes
 * it, always in the same way: time in UTC to the microsecond, the details' keys in its own order.
 * @param event the alias of `audit_events`
 */
export function bodyOf(event: string): string {
  const columns = [
    'organization_id',
    'actor_kind',
    'actor_id',
    'on_behalf_of',
    'action',
    'target',
    'address',
    'request_id',
    'details',
  ]
  const values = [`${event}.at at time zone 'UTC'`, ...columns.map((column) => `${event}.${column}`)]
  return `jsonb_build_array(${values.join(', ')})::text`
}

/**
 * hash n = SHA-256(hash n−1 ‖ n ‖ the event's id ‖ its body), a line each after the first 32 bytes (SECURITY U15):
 * an event that is changed, taken out or put elsewhere in its chain fits no more.
 */
export function linkOf(before: Buffer, sequence: number, { event, body }: SealedText): Buffer {
  return createHash('sha256').update(before).update(`${sequence}\n${event}\n${body}`).digest()
}
