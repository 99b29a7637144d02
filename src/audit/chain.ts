// What a link of the ledger's chains is made of. Sealer and verifier both ask here, so that they agree.
import { hash } from 'node:crypto'

/** An event in the words that are sealed. */
export interface SealedText {
  /** Its id. */
  readonly event: number
  /** What `bodyOf` makes of it. */
  readonly body: string
}

/**
 * The hash of a link, in hex. Text, and one piece of memory to hash in: small buffers by the million would keep the
 * garbage collector busier than the hashing.
 */
export type Link = string

/** What stands before the first link of every chain. */
export const beforeFirst: Link = '00'.repeat(32)

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
export function linkOf(before: Link, sequence: number, { event, body }: SealedText): Link {
  const text = `${sequence}\n${event}\n${body}`
  // UTF-8 takes at most three bytes for each of JavaScript's units.
  const most = linkBytes + text.length * 3
  if (scratch.length < most) scratch = Buffer.alloc(most * 2)
  scratch.write(before, 'hex')
  const length = linkBytes + scratch.write(text, linkBytes)
  return hash('sha256', scratch.subarray(0, length), 'hex')
}

const linkBytes = 32
let scratch = Buffer.alloc(64 * 1024)
