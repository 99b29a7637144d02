// Where sealing reads and writes: events that wait for their seal, the heads of the chains, new seals.
import type { Tx } from '../db/connect.ts'
import { bodyOf, type Link, type SealedText } from './chain.ts'

export interface PendingEvent extends SealedText {
  /** Whose chain it belongs to; '' is the chain of what belongs to none. */
  readonly chain: string
  /** True for one that has its seal already, and is noted once more all the same. */
  readonly isSealed: boolean
}

export interface Head {
  readonly sequence: number
  readonly hash: Link
}

export interface Seal extends Head {
  readonly chain: string
  readonly event: number
}

interface PendingRow {
  readonly id: string
  readonly chain: string
  readonly body: string
  readonly is_sealed: boolean
}

/**
 * Events that wait, in the order of their ids. The note of an event that is gone stays where it is: the verifier
 * tells of it. Primary keys, whatever the number of rows: `limit 1` keeps the planner to them.
 */
export async function readPending(tx: Tx, limit: number): Promise<PendingEvent[]> {
  const { rows } = await tx.raw<{ rows: PendingRow[] }>(
    `select u.event_id as id, e.chain, e.body, s.event_id is not null as is_sealed
     from audit_unsealed u
     cross join lateral (
       select coalesce(organization_id, '') as chain, ${bodyOf('audit_events')} as body
       from audit_events where id = u.event_id limit 1
     ) e
     left join lateral (select event_id from audit_seals where event_id = u.event_id limit 1) s on true
     order by u.event_id limit ?`,
    [limit],
  )
  return rows.map((row) => ({
    event: Number(row.id),
    chain: row.chain,
    body: row.body,
    isSealed: row.is_sealed,
  }))
}

/** The last link of each of these chains that has one. */
export async function readHeads(tx: Tx, chains: readonly string[]): Promise<Map<string, Head>> {
  const { rows } = await tx.raw<{ rows: { chain: string; sequence: string; hash: Link }[] }>(
    `select c.chain, head.sequence, encode(head.hash, 'hex') as hash
     from unnest(?::text[]) as c(chain)
     cross join lateral (
       select sequence, hash from audit_seals
       where organization_id = c.chain order by sequence desc limit 1
     ) head`,
    [[...chains]],
  )
  return new Map(rows.map((row) => [row.chain, { sequence: Number(row.sequence), hash: row.hash }]))
}

/** Writes the seals and takes the notes of `events` away: one statement. */
export async function appendSeals(tx: Tx, seals: readonly Seal[], events: readonly number[]): Promise<void> {
  await tx.raw(
    `with sealed as (
       insert into audit_seals (organization_id, sequence, event_id, hash)
       select chain, sequence, event, decode(hash, 'hex')
       from unnest(?::text[], ?::bigint[], ?::bigint[], ?::text[]) as s(chain, sequence, event, hash)
     )
     delete from audit_unsealed where event_id = any(?::bigint[])`,
    [
      seals.map(({ chain }) => chain),
      seals.map(({ sequence }) => sequence),
      seals.map(({ event }) => event),
      seals.map(({ hash }) => hash),
      [...events],
    ],
  )
}
