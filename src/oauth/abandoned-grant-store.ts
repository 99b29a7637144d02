// Grants that nothing can come of any more: the only file that asks all four tables at once, `grants`,
// `authorization_codes`, `refresh_tokens` and `credentials`.
import type { Db } from '../db/connect.ts'
import type { Sweep } from '../db/sweep.ts'
import { addSeconds, hourSeconds } from '../lib/time.ts'

/** No interaction lasts longer (configuration.ts): none is left that could still ask for a code of the grant. */
export const abandonedAfterSeconds = hourSeconds

/**
 * Each `limit 1` keeps the planner to one probe of an index per grant. Parameters: the time before which it was
 * made; that before which anything is dead.
 */
const isAbandoned = `g.created_at < :made and g.expires_at >= :dead
  and (select 1 from refresh_tokens where grant_id = g.id and expires_at >= :dead limit 1) is null
  and (select 1 from credentials where grant_id = g.id and expires_at >= :dead limit 1) is null
  and (select 1 from authorization_codes where grant_id = g.id and expires_at >= :dead limit 1) is null`

const timesOf = (before: Date) => ({ made: addSeconds(before, -abandonedAfterSeconds), dead: before })

/**
 * Allowed and never fetched, or left until its last refresh token had expired. All grants have to be looked at, by
 * their ids: so it is done now and then.
 */
export const abandonedGrants: Sweep = {
  name: 'grants',
  restsSeconds: hourSeconds,
  start: (before) => {
    let after = ''
    return async (tx, limit) => {
      const { rows: page } = await tx.raw<{ rows: { id: string; is_abandoned: boolean }[] }>(
        `select g.id, ${isAbandoned} as is_abandoned
         from (select * from grants where id > :after order by id limit :limit) g order by g.id`,
        { ...timesOf(before), after, limit },
      )
      after = page.at(-1)?.id ?? after
      const abandoned = page.filter((row) => row.is_abandoned).map(({ id }) => id)
      return { rows: await deleteAbandoned(tx, abandoned, before), isLast: page.length < limit }
    }
  },
  count: async (db, before) => {
    const { rows } = await db.raw<{ rows: { count: number }[] }>(
      `select count(*)::int as count from grants g where ${isAbandoned}`,
      timesOf(before),
    )
    return rows[0]?.count ?? 0
  },
}

/**
 * Locked first, and looked at again then: a mint holds its grant, so that none slips in between. What waits for
 * the lock meanwhile finds the grant as it is, or gone.
 */
async function deleteAbandoned(tx: Db, ids: readonly string[], before: Date): Promise<number> {
  if (ids.length === 0) return 0
  const { rows: locked } = await tx.raw<{ rows: { id: string }[] }>(
    'select id from grants where id = any(?) order by id for update skip locked',
    [[...ids]],
  )
  const { rowCount } = await tx.raw<{ rowCount: number }>(
    `delete from grants g where g.id = any(:ids) and ${isAbandoned}`,
    { ...timesOf(before), ids: locked.map(({ id }) => id) },
  )
  return rowCount
}
