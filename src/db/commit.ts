// Whether a transaction stood whose COMMIT was sent and never answered: PostgreSQL keeps that, and says it.
import type { Db, Tx } from './connect.ts'

/** As PostgreSQL numbers transactions (xid8). */
export type TransactionId = `${bigint}`

/**
 * The number of this transaction. What it does from here on ends within the time that we wait for it, also when
 * nobody is there any more who would end it: else it would hold its locks as long as the network takes to notice.
 */
export async function numberTransaction(tx: Tx): Promise<TransactionId> {
  const { rows } = await tx.raw<{ rows: { id: TransactionId }[] }>(
    `select pg_current_xact_id()::text as id, set_config('statement_timeout', '10s', true),
       set_config('idle_in_transaction_session_timeout', '10s', true)`,
  )
  const [row] = rows
  if (!row) throw new Error('a transaction without a number')
  return row.id
}

/** `unknown`: so long ago that PostgreSQL has forgotten, or on another database than this one (a restored backup). */
export type Outcome = 'committed' | 'aborted' | 'in progress' | 'unknown'

/** What became of a transaction. */
export async function outcomeOf(db: Db, id: TransactionId): Promise<Outcome> {
  try {
    const sql = 'select pg_xact_status(?::xid8) as status'
    const { rows } = await db.raw<{ rows: { status: Exclude<Outcome, 'unknown'> | null }[] }>(sql, [id])
    return rows[0]?.status ?? 'unknown'
  } catch (thrown) {
    // "transaction ID … is in the future" (invalid_parameter_value)
    if (thrown instanceof Error && 'code' in thrown && thrown.code === '22023') return 'unknown'
    throw thrown
  }
}
