// When the grants of apps were last used, and how often on each day: the only file that writes `grant_uses` and
// `grant_calls`.
import type { GrantId } from '../core/ids.ts'
import type { AccessTokenPrincipal } from '../core/principal.ts'
import {
  type CallsRow,
  type DayCalls,
  type Days,
  keptCallsSeconds,
  toDayCalls,
} from '../credentials/calls.ts'
import type { CredentialUse, UseBatch } from '../credentials/last-use.ts'
import type { Db, Tx } from '../db/connect.ts'
import { expiredRows } from '../db/sweep.ts'

/**
 * Two statements for any number of grants. An earlier use than the one that is known changes nothing. A grant that
 * is gone is left out, also one that goes while we write: each is held first, and who deletes it is waited for.
 * Held and written in the order of their ids, so that nobody waits in a circle.
 */
export async function writeGrantUses(tx: Tx, { day, uses }: UseBatch<AccessTokenPrincipal>): Promise<void> {
  const rows = uses.map(({ who, calls, limited, last }) => ({
    grant_id: who.grant,
    used_at: last?.at ?? null,
    address: last?.address ?? null,
    client: last?.client ?? null,
    operation: last?.operation ?? null,
    calls,
    limited,
  }))
  const { rows: held } = await tx.raw<{ rows: { id: string }[] }>(
    'select id from grants where id = any(?) order by id for key share',
    [rows.map(({ grant_id }) => grant_id)],
  )
  const living = new Set(held.map(({ id }) => id))
  const noted = JSON.stringify(rows.filter(({ grant_id }) => living.has(grant_id)))
  await tx.raw(
    `insert into grant_uses (grant_id, used_at, address, client, operation)
     select * from jsonb_to_recordset(?::jsonb)
       as noted (grant_id text, used_at timestamptz, address text, client text, operation text)
     where used_at is not null
     order by grant_id
     on conflict (grant_id) do update
       set used_at = excluded.used_at, address = excluded.address, client = excluded.client,
         operation = excluded.operation
       where grant_uses.used_at < excluded.used_at`,
    [noted],
  )
  await tx.raw(
    `insert into grant_calls (grant_id, day, calls, limited)
     select grant_id, ?::date, calls, limited
     from jsonb_to_recordset(?::jsonb) as noted (grant_id text, calls bigint, limited bigint)
     order by grant_id
     on conflict (grant_id, day) do update
       set calls = grant_calls.calls + excluded.calls, limited = grant_calls.limited + excluded.limited`,
    [day, noted],
  )
}

/** When each of these grants was last used; one that never was is not in it. Primary key. */
export async function findGrantUses(
  db: Db,
  grants: readonly GrantId[],
): Promise<ReadonlyMap<GrantId, CredentialUse>> {
  const rows = await db<{
    grant_id: GrantId
    used_at: Date
    address: string | null
    client: string | null
    operation: string | null
  }>('grant_uses').whereIn('grant_id', [...grants])
  return new Map(
    rows.map(({ grant_id, used_at, address, client, operation }) => [
      grant_id,
      { at: used_at, address, client, operation },
    ]),
  )
}

/**
 * Days on which the connected app of this grant was used, by whichever of its installs, the earliest first. What an
 * install did is gone with it. Indexes grants_client_id_index and grant_calls_pkey.
 */
export async function listConnectedAppCalls(db: Db, grant: GrantId, { from, to }: Days): Promise<DayCalls[]> {
  const { rows } = await db.raw<{ rows: CallsRow[] }>(
    `select c.day::text, sum(c.calls) as calls, sum(c.limited) as limited
     from grants it
     join grants install on (install.client_id, install.person_id, install.organization_id)
       = (it.client_id, it.person_id, it.organization_id)
     join grant_calls c on c.grant_id = install.id
     where it.id = ? and c.day between ? and ?
     group by c.day order by c.day`,
    [grant, from, to],
  )
  return rows.map(toDayCalls)
}

export const oldGrantCalls = expiredRows('grant_calls', keptCallsSeconds, 'day')
