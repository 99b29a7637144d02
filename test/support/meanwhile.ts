// Two things at once, in an order that is certain: the second comes when the first is done but not committed.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Tx } from '../../src/db/connect.ts'
import { queryDatabase } from './database.ts'
import type { House } from './house.ts'

/**
 * Does `first` in a transaction, starts `second`, and commits when `second` waits for a lock, or has ended because
 * nothing made it wait.
 * @param before the commit: what the transaction does when `second` waits
 */
export async function meanwhile<T>(
  house: House,
  first: (tx: Tx) => Promise<unknown>,
  second: () => Promise<T>,
  before: (tx: Tx) => Promise<unknown> = async () => {},
): Promise<T> {
  const { running } = await house.database.knex.transaction(async (tx) => {
    await first(tx)
    let hasEnded = false
    const running = second().finally(() => {
      hasEnded = true
    })
    while (!hasEnded && !(await doesAnybodyWait(house))) await sleep(5)
    await before(tx)
    return { running }
  })
  return await running
}

async function doesAnybodyWait({ databaseUrl }: House): Promise<boolean> {
  const sql = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  return (await queryDatabase(databaseUrl, sql)).length > 0
}
