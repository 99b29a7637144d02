// What the verifier reads: the chains in their order beside the events as they are now, and what has no seal.
import type { Db, Tx } from '../db/connect.ts'
import { bodyOf, type Link } from './chain.ts'

export interface SealedRow {
  readonly chain: string
  readonly sequence: number
  readonly event: number
  readonly hash: Link
  /** The event as it is now; null when it is gone. */
  readonly body: string | null
}

export interface StrayEvent {
  readonly chain: string
  readonly event: number
  readonly body: string
  /** The chain that has its seal, which is not its own; null for an event without a seal. */
  readonly sealedIn: string | null
}

/** A place in the ledger: the seal of this sequence in this chain. */
export interface Place {
  readonly chain: string
  readonly sequence: number
}

/** Reads the ledger as it is at one instant, however long that takes and whatever is written meanwhile. */
export function atOneInstant<T>(db: Db, work: (tx: Tx) => Promise<T>): Promise<T> {
  return db.transaction(work, { isolationLevel: 'repeatable read', readOnly: true })
}

interface SealedRowAsRead {
  readonly organization_id: string
  readonly sequence: string
  readonly event_id: string
  readonly hash: Link
  readonly body: string | null
}

/**
 * The seals that follow `after`, chain by chain, in their order; of one chain alone if `only` names one. Primary keys:
 * `limit 1` keeps the planner from reading all events for one batch of seals.
 */
export async function readSeals(
  tx: Tx,
  only: string | null,
  after: Place,
  limit: number,
): Promise<SealedRow[]> {
  const { rows } = await tx.raw<{ rows: SealedRowAsRead[] }>(
    `select s.organization_id, s.sequence, s.event_id, encode(s.hash, 'hex') as hash, e.body
     from (
       select organization_id, sequence, event_id, hash from audit_seals
       where (organization_id, sequence) > (?, ?) ${only === null ? '' : 'and organization_id = ?'}
       order by organization_id, sequence limit ?
     ) s
     left join lateral (
       select ${bodyOf('audit_events')} as body from audit_events where id = s.event_id limit 1
     ) e on true
     order by s.organization_id, s.sequence`,
    [after.chain, after.sequence, ...(only === null ? [] : [only]), limit],
  )
  return rows.map((row) => ({
    chain: row.organization_id,
    sequence: Number(row.sequence),
    event: Number(row.event_id),
    hash: row.hash,
    body: row.body,
  }))
}

/** The number of seals, for whoever wants to know how far the verifier has come. */
export async function countSeals(tx: Tx, only: string | null): Promise<number> {
  const { rows } = await tx.raw<{ rows: { count: string }[] }>(
    `select count(*) from audit_seals ${only === null ? '' : 'where organization_id = ?'}`,
    only === null ? [] : [only],
  )
  return Number(rows[0]?.count ?? 0)
}

/** The first and the last id of all events; null when there are none. */
export async function eventIdRange(
  tx: Tx,
): Promise<{ readonly first: number; readonly last: number } | null> {
  const { rows } = await tx.raw<{ rows: { first: string | null; last: string | null }[] }>(
    'select min(id) as first, max(id) as last from audit_events',
  )
  const { first, last } = rows[0] ?? {}
  return first == null || last == null ? null : { first: Number(first), last: Number(last) }
}

/** Of a ledger whose seals are all gone the first ones say enough. */
const mostStrays = 10_000

/**
 * Events with ids from `first` to `last` that are neither sealed in their own chain nor noted as waiting for it. A
 * link does not tell its chain: where only the seals were given to another, each of them still follows.
 */
export async function findStrays(
  tx: Tx,
  only: string | null,
  { first, last }: { readonly first: number; readonly last: number },
): Promise<StrayEvent[]> {
  const { rows } = await tx.raw<{
    rows: { id: string; chain: string; body: string; sealed_in: string | null }[]
  }>(
    `select e.id, coalesce(e.organization_id, '') as chain, ${bodyOf('e')} as body, s.organization_id as sealed_in
     from audit_events e left join audit_seals s on s.event_id = e.id
     where e.id between ? and ? ${only === null ? '' : "and coalesce(e.organization_id, '') = ?"}
       and s.organization_id is distinct from coalesce(e.organization_id, '')
       and not exists (select from audit_unsealed u where u.event_id = e.id)
     order by e.id limit ${mostStrays}`,
    [first, last, ...(only === null ? [] : [only])],
  )
  return rows.map((row) => ({
    event: Number(row.id),
    chain: row.chain,
    body: row.body,
    sealedIn: row.sealed_in,
  }))
}

/** How many events wait for their seal, and those notes whose event is gone. */
export async function readNotes(
  tx: Tx,
  only: string | null,
): Promise<{ readonly pending: number; readonly gone: readonly number[] }> {
  const { rows } = await tx.raw<{ rows: { pending: string; gone: string[] }[] }>(
    `select count(*) filter (where e.id is not null ${only === null ? '' : "and coalesce(e.organization_id, '') = ?"})
              as pending,
            coalesce(array_agg(u.event_id order by u.event_id) filter (where e.id is null), '{}') as gone
     from audit_unsealed u left join audit_events e on e.id = u.event_id`,
    only === null ? [] : [only],
  )
  return { pending: Number(rows[0]?.pending ?? 0), gone: (rows[0]?.gone ?? []).map(Number) }
}
