// When keys were last used, and how often on each day: the only file that writes `api_key_uses`, and that knows
// `api_key_calls`.
import type { KeyId } from '../core/ids.ts'
import type { ApiKeyPrincipal } from '../core/principal.ts'
import {
  type CallsRow,
  type DayCalls,
  type Days,
  keptCallsSeconds,
  toDayCalls,
} from '../credentials/calls.ts'
import type { UseBatch } from '../credentials/last-use.ts'
import type { Db, Tx } from '../db/connect.ts'
import { expiredRows } from '../db/sweep.ts'

/**
 * Two statements for any number of keys. An earlier use than the one that is known changes nothing. A key that is gone
 * is left out, also one that goes while we write: each is held first, and who deletes it is waited for. Held and
 * written in the order of their ids, so that nobody waits in a circle.
 */
export async function writeKeyUses(tx: Tx, { day, uses }: UseBatch<ApiKeyPrincipal>): Promise<void> {
  const rows = uses.map(({ who, calls, limited, last }) => ({
    key_id: who.key,
    organization_id: who.organization,
    mode: who.mode,
    used_at: last?.at ?? null,
    address: last?.address ?? null,
    client: last?.client ?? null,
    operation: last?.operation ?? null,
    calls,
    limited,
  }))
  const { rows: held } = await tx.raw<{ rows: { id: string }[] }>(
    'select id from api_keys where id = any(?) order by id for key share',
    [rows.map(({ key_id }) => key_id)],
  )
  const living = new Set(held.map(({ id }) => id))
  const noted = JSON.stringify(rows.filter(({ key_id }) => living.has(key_id)))
  await tx.raw(
    `insert into api_key_uses (key_id, organization_id, mode, used_at, address, client, operation)
     select * from jsonb_to_recordset(?::jsonb)
       as noted (key_id text, organization_id text, mode text, used_at timestamptz, address text, client text,
         operation text)
     where used_at is not null
     order by key_id
     on conflict (key_id) do update
       set used_at = excluded.used_at, address = excluded.address, client = excluded.client,
         operation = excluded.operation
       where api_key_uses.used_at < excluded.used_at`,
    [noted],
  )
  await tx.raw(
    `insert into api_key_calls (key_id, day, calls, limited)
     select key_id, ?::date, calls, limited
     from jsonb_to_recordset(?::jsonb) as noted (key_id text, calls bigint, limited bigint)
     order by key_id
     on conflict (key_id, day) do update
       set calls = api_key_calls.calls + excluded.calls, limited = api_key_calls.limited + excluded.limited`,
    [day, noted],
  )
}

/** Days on which the key was used, the earliest first. Primary key. Behind the tenant wall. */
export async function listKeyCalls(db: Db, key: KeyId, { from, to }: Days): Promise<DayCalls[]> {
  const rows = await db('api_key_calls')
    .where({ key_id: key })
    .whereBetween('day', [from, to])
    .orderBy('day')
    .select<CallsRow[]>(db.raw('day::text'), 'calls', 'limited')
  return rows.map(toDayCalls)
}

/** How many calls each of these keys made in these days; one that made none is not in it. Primary key. */
export async function countKeyCalls(
  db: Db,
  keys: readonly KeyId[],
  { from, to }: Days,
): Promise<ReadonlyMap<KeyId, number>> {
  const rows = await db('api_key_calls')
    .whereIn('key_id', [...keys])
    .whereBetween('day', [from, to])
    .groupBy('key_id')
    .select<{ key_id: KeyId; calls: string }[]>('key_id', db.raw('sum(calls) as calls'))
  return new Map(rows.map(({ key_id, calls }) => [key_id, Number(calls)]))
}

export const oldKeyCalls = expiredRows('api_key_calls', keptCallsSeconds, 'day')
