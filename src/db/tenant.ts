// The second wall around tenants' rows: row-level security, told who is asking.
import type { Mode } from '../core/principal.ts'
import type { Db, Tx } from './connect.ts'

/** Rows of one organization: of one mode, or of both where a person looks at them. */
export interface Tenant {
  readonly organization: string
  readonly mode: Mode | 'any'
}

/**
 * Runs `work` in a transaction that sees and writes rows of this organization and mode alone, even where
 * a statement forgot to say so: the policies of the tables hold it (the role owns none of them).
 */
export function asTenant<T>(db: Db, tenant: Tenant, work: (tx: Tx) => Promise<T>): Promise<T> {
  return db.transaction(async (tx) => {
    const before = db.isTransaction ? await roleOf(tx) : null
    await tx.raw(
      `select set_config('latchkey.organization', ?, true), set_config('latchkey.mode', ?, true),
              set_config('role', 'latchkey_tenant', true)`,
      [tenant.organization, tenant.mode === 'any' ? 'live,test' : tenant.mode],
    )
    const result = await work(tx)
    // Local settings last until the outermost transaction ends: inside of one we take them back.
    if (before !== null) await tx.raw("select set_config('role', ?, true)", [before])
    return result
  })
}

/** Only inside of another transaction somebody may have put on a role before us. */
async function roleOf(tx: Tx): Promise<string> {
  const { rows } = await tx.raw<{ rows: { role: string }[] }>("select current_setting('role') as role")
  return rows[0]?.role ?? 'none'
}
