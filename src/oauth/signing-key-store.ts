// The only file that knows the table `signing_keys`.
import type { Db, Tx } from '../db/connect.ts'

export interface StoredSigningKey {
  readonly id: string
  readonly sealed: Buffer
  readonly createdAt: Date
  /** From then on it is published no more; null for the one that signs. */
  readonly retiresAt: Date | null
}

interface Row {
  readonly id: string
  readonly sealed: Buffer
  readonly created_at: Date
  readonly retires_at: Date | null
}

const toSigningKey = (row: Row): StoredSigningKey => ({
  id: row.id,
  sealed: row.sealed,
  createdAt: row.created_at,
  retiresAt: row.retires_at,
})

/** The newest first. */
export async function listSigningKeys(db: Db): Promise<StoredSigningKey[]> {
  const rows: Row[] = await db('signing_keys').orderBy([
    { column: 'created_at', order: 'desc' },
    { column: 'id', order: 'desc' },
  ])
  return rows.map(toSigningKey)
}

export async function insertSigningKey(tx: Tx, key: Omit<StoredSigningKey, 'retiresAt'>): Promise<void> {
  await tx('signing_keys').insert({ id: key.id, sealed: key.sealed, created_at: key.createdAt })
}

/** It is published until `at`, or an end that it has already. */
export async function retireAt(tx: Tx, id: string, at: Date): Promise<void> {
  await tx('signing_keys')
    .where({ id })
    .update({ retires_at: tx.raw('least(retires_at, ?::timestamptz)', [at]) })
}

/** Its private half is of no use to anybody any more. */
export async function deleteSigningKey(tx: Tx, id: string): Promise<void> {
  await tx('signing_keys').where({ id }).delete()
}

/** Nothing happens where it was sealed anew since `before` was read. */
export async function replaceSigningKeySeal(
  tx: Tx,
  id: string,
  before: Buffer,
  sealed: Buffer,
): Promise<void> {
  await tx('signing_keys').where({ id, sealed: before }).update({ sealed })
}
