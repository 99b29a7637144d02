// Calls of each day by organization and mode: the only file that knows `organization_calls`. The sum of what keys
// and grants made, which stays when they go.
import type { OrganizationId } from '../core/ids.ts'
import type { Mode } from '../core/principal.ts'
import type { Db, Tx } from '../db/connect.ts'
import { expiredRows } from '../db/sweep.ts'
import { type CallsRow, type DayCalls, type Days, keptCallsSeconds, toDayCalls } from './calls.ts'
import type { UseBatch } from './last-use.ts'

/** Adds a batch to what its day has. Rows are locked in the order of the primary key, so that nodes never wait in a circle. */
export async function addOrganizationCalls(tx: Tx, { day, uses }: UseBatch): Promise<void> {
  const rows = uses.map(({ who: { organization, mode }, calls, limited }) => ({
    organization,
    mode,
    calls,
    limited,
  }))
  await tx.raw(
    `insert into organization_calls (organization_id, mode, day, calls, limited)
     select organization, mode, ?::date, sum(calls), sum(limited)
     from jsonb_to_recordset(?::jsonb) as noted (organization text, mode text, calls bigint, limited bigint)
     group by organization, mode order by organization, mode
     on conflict (organization_id, mode, day) do update
       set calls = organization_calls.calls + excluded.calls,
         limited = organization_calls.limited + excluded.limited`,
    [day, JSON.stringify(rows)],
  )
}

/** Days that had calls, the earliest first; of one mode or of all. Primary key. Behind the tenant wall. */
export async function listOrganizationCalls(
  db: Db,
  organization: OrganizationId,
  mode: Mode | 'any',
  { from, to }: Days,
): Promise<DayCalls[]> {
  const rows = await db('organization_calls')
    .where({ organization_id: organization })
    .modify((it) => {
      if (mode !== 'any') it.where({ mode })
    })
    .whereBetween('day', [from, to])
    .groupBy('day')
    .orderBy('day')
    .select<CallsRow[]>(db.raw('day::text'), db.raw('sum(calls) as calls'), db.raw('sum(limited) as limited'))
  return rows.map(toDayCalls)
}

export const oldOrganizationCalls = expiredRows('organization_calls', keptCallsSeconds, 'day')
