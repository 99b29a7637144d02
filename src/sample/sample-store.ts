// The sample's rows: the only file that knows `sample_resources`. Every statement runs behind the tenant
// wall, and says organization and mode itself as well.

import type { Db, Tx } from '../db/connect.ts'
import { asTenant, type Tenant } from '../db/tenant.ts'

export interface SampleRow {
  readonly id: string
  readonly [field: string]: unknown
}

/** Rows of one kind, all of them or those whose field is of a value. */
export interface Kind {
  readonly kind: string
  readonly where?: { readonly field: string; readonly value: string }
}

const rowsOf = (tx: Tx, tenant: Tenant, { kind, where }: Kind) =>
  tx('sample_resources')
    .where({ organization_id: tenant.organization, mode: tenant.mode, kind })
    .modify((query) => {
      if (where) query.whereRaw('body ->> ? = ?', [where.field, where.value])
    })

/** At most `limit` rows with ids after `after`, by id: the ids begin with their time. */
export function listRows(
  db: Db,
  tenant: Tenant,
  kind: Kind,
  after: string | null,
  limit: number,
): Promise<SampleRow[]> {
  return asTenant(db, tenant, async (tx) => {
    const rows: { body: SampleRow }[] = await rowsOf(tx, tenant, kind)
      .modify((query) => {
        if (after !== null) query.where('id', '>', after)
      })
      .orderBy('id')
      .limit(limit)
      .select('body')
    return rows.map((row) => row.body)
  })
}

/** At most `limit` rows after the first `offset`, by id, and how many there are in all. */
export function listNumbered(
  db: Db,
  tenant: Tenant,
  kind: Kind,
  offset: number,
  limit: number,
): Promise<{ rows: SampleRow[]; total: number }> {
  return asTenant(db, tenant, async (tx) => {
    const rows: { body: SampleRow }[] = await rowsOf(tx, tenant, kind)
      .orderBy('id')
      .offset(offset)
      .limit(limit)
      .select('body')
    const [counted]: { count: string }[] = await rowsOf(tx, tenant, kind).count('id as count')
    return { rows: rows.map((row) => row.body), total: Number(counted?.count ?? 0) }
  })
}

export function findRow(db: Db, tenant: Tenant, kind: string, id: string): Promise<SampleRow | null> {
  return asTenant(db, tenant, async (tx) => {
    const row: { body: SampleRow } | undefined = await rowsOf(tx, tenant, { kind })
      .where({ id })
      .first('body')
    return row?.body ?? null
  })
}

/** Whether the organization has the row in any mode. */
export function isInAnyMode(db: Db, { organization }: Tenant, kind: string, id: string): Promise<boolean> {
  return asTenant(db, { organization, mode: 'any' }, async (tx) => {
    const row: object | undefined = await tx('sample_resources')
      .where({ organization_id: organization, kind, id })
      .first('id')
    return row !== undefined
  })
}

export function findFirstRow(db: Db, tenant: Tenant, kind: string): Promise<SampleRow | null> {
  return asTenant(db, tenant, async (tx) => {
    const row: { body: SampleRow } | undefined = await rowsOf(tx, tenant, { kind })
      .orderBy('id')
      .first('body')
    return row?.body ?? null
  })
}

/** Sets the fields that are given; null for a row that is not there. */
export function changeRow(
  db: Db,
  tenant: Tenant,
  kind: string,
  id: string,
  fields: Readonly<Record<string, unknown>>,
): Promise<SampleRow | null> {
  return asTenant(db, tenant, async (tx) => {
    const row: { body: SampleRow } | undefined = await rowsOf(tx, tenant, { kind })
      .where({ id })
      .forUpdate()
      .first('body')
    if (!row) return null
    // Joined here, not by PostgreSQL: its jsonb would put the fields in an order of its own.
    const body = { ...row.body, ...fields }
    await rowsOf(tx, tenant, { kind })
      .where({ id })
      .update({ body: JSON.stringify(body) })
    return body
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
