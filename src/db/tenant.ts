// The second wall around tenants' rows: row-level security, told who is asking.
import type { Mode } from '../core/principal.ts'
import type { Db, Tx } from './connect.ts'

export interface Tenant {
  readonly organization: string
  readonly mode: Mode
}

/**
 * Runs `work` in a transaction that sees and writes rows of this organization and mode alone, even where
 * a statement forgot to say so: the policies of the tables hold it (the role owns none of them).
 */
export function asTenant<T>(db: Db, tenant: Tenant, work: (tx: Tx) => Promise<T>): Promise<T> {
  return db.transaction(async (tx) => {
    await tx.raw(
      `select set_config('latchkey.organization', ?, true), set_config('latchkey.mode', ?, true),
              set_config('role', 'latchkey_tenant', true)`,
      [tenant.organization, tenant.mode],
    )
    const result = await work(tx)
    // Local settings last until the outermost transaction ends: inside of one we take them back.
    if (db.isTransaction) await tx.raw("select set_config('role', 'none', true)")
    return result
  })
}
