// A database as one who has stolen it reads it.
import assert from 'node:assert/strict'
import { queryDatabase } from './database.ts'

/** Every row of every table as text; bytes as hex, as pg_dump writes them. */
export async function dumpDatabase(url: string): Promise<string> {
  const tables = await queryDatabase<{ name: string }>(
    url,
    `select format('%I', tablename) as name from pg_tables where schemaname = 'public'`,
  )
  const rows = await Promise.all(
    tables.map(({ name }) =>
      queryDatabase<{ row: string }>(url, `select to_jsonb(t)::text as row from ${name} t`),
    ),
  )
  return rows
    .flat()
    .map(({ row }) => row)
    .join('\n')
}

/** Neither as it is, nor as its bytes in hex or base64. */
export function assertNotIn(dump: string, secret: string): void {
  assert.ok(secret.length >= 8, `"${secret}" is no secret`)
  for (const form of [secret, Buffer.from(secret).toString('hex'), Buffer.from(secret).toString('base64')])
    assert.ok(!dump.includes(form.replace(/=+$/, '')), `${secret.slice(0, 12)}… lies in the database`)
}
