// One process at a time, among all that share the database.
import type { Db, Tx } from './connect.ts'

/** Any numbers will do, so long as every version of Latchkey takes the same ones. */
const locks = {
  'first start': 7_236_017_045,
  'sealing the ledger': 7_236_017_046,
  sweeping: 7_236_017_047,
} as const

// The numbers stand in the statements, which have no parameters: one with parameters stays open until the next one
// comes, with its snapshot, and whoever holds a lock for long would keep vacuum from its work.

/** Runs `work` in a transaction that others of the same name wait for. Its changes commit with it. */
export function underLock<T>(db: Db, name: keyof typeof locks, work: (tx: Tx) => Promise<T>): Promise<T> {
  return db.transaction(async (tx) => {
    await tx.raw(`select pg_advisory_xact_lock(${locks[name]})`)
    return await work(tx)
  })
}

/** As `underLock`, but where another holds the lock it does nothing, at once, and gives null. */
export function underLockIfFree<T>(
  db: Db,
  name: keyof typeof locks,
  work: (tx: Tx) => Promise<T>,
): Promise<T | null> {
  return db.transaction(async (tx) => {
    const { rows } = await tx.raw<{ rows: { is_ours: boolean }[] }>(
      `select pg_try_advisory_xact_lock(${locks[name]}) as is_ours`,
    )
    return rows[0]?.is_ours === true ? await work(tx) : null
  })
}
