// The sample's rows: the only file that knows `sample_resources`. Every statement runs behind the tenant
// wall, and says organization and mode itself as well.

import type { Db, Tx } from '../db/connect.ts'
import { asTenant, type Tenant } from '../db/tenant.ts'

export interface SampleRow {
  readonly id: string
  readonly [field: string]: unknown
}

const tableOf = (tx: Tx, tenant: Tenant, kind: string) =>
  tx('sample_resources').where({ organization_id: tenant.organization, mode: tenant.mode, kind })

/** At most `limit` rows with ids after `after`, by id: the ids begin with their time. */
export function listRows(
  db: Db,
  tenant: Tenant,
  kind: string,
  after: string | null,
  limit: number,
): Promise<SampleRow[]> {
  return asTenant(db, tenant, async (tx) => {
    const rows: { body: SampleRow }[] = await tableOf(tx, tenant, kind)
      .modify((query) => {
        if (after !== null) query.where('id', '>', after)
      })
      .orderBy('id')
      .limit(limit)
      .select('body')
    return rows.map((row) => row.body)
  })
}

export function findRow(db: Db, tenant: Tenant, kind: string, id: string): Promise<SampleRow | null> {
  return asTenant(db, tenant, async (tx) => {
    const row: { body: SampleRow } | undefined = await tableOf(tx, tenant, kind).where({ id }).first('body')
    return row?.body ?? null
  })
}

export function insertRows(db: Db, tenant: Tenant, kind: string, rows: readonly SampleRow[]): Promise<void> {
  return asTenant(db, tenant, async (tx) => {
    await tx('sample_resources').insert(
      rows.map((row) => ({
        organization_id: tenant.organization,
        mode: tenant.mode,
        kind,
        id: row.id,
        body: JSON.stringify(row),
      })),
    )
  })
}
