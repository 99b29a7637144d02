// The only file that knows `imported_key_shapes`.
import type { Database, Db, Statement } from '../db/connect.ts'
import type { KeyShape } from './imported-shapes.ts'

const all: Statement = {
  name: 'imported-key-shapes',
  text: 'select prefix, length from imported_key_shapes',
}

/** There are few of them, whatever the number of keys. */
export function loadShapes(database: Database): Promise<readonly KeyShape[]> {
  return database.run<KeyShape>(all, [])
}

export async function listShapes(db: Db): Promise<KeyShape[]> {
  return await db<KeyShape>('imported_key_shapes').select('prefix', 'length')
}

/**
 * From the commit on, servers learn of them. Always in one order: of two imports at once the second waits
 * for the first, and neither for ever.
 */
export async function insertShapes(db: Db, shapes: readonly KeyShape[]): Promise<void> {
  if (shapes.length === 0) return
  const rows = shapes.map(({ prefix, length }) => ({ prefix, length }))
  await db('imported_key_shapes')
    .insert(rows.sort((a, b) => a.length - b.length || (a.prefix < b.prefix ? -1 : 1)))
    .onConflict(['prefix', 'length'])
    .ignore()
}
