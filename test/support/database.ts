// Databases for tests: each a copy of one migrated template, dropped at the end.
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { migrate } from '../../src/db/migrate.ts'
import { Secret } from '../../src/lib/secret.ts'

/** Whoever has an end, at which what was opened is closed: a test, or a file of them. */
export interface Ending {
  after(end: () => unknown): void
}

/** `url`, but for another database of the same server. */
export function urlOf(url: string, database: string): string {
  const changed = new URL(url)
  changed.pathname = `/${database}`
  return changed.href
}

/** One statement, on the database that `url` names. */
export async function onServer(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

const newName = (kind: string) => `latchkey_${kind}_${randomBytes(6).toString('hex')}`

/** A migrated database that others are copied from. */
export async function prepareTemplate(url: string): Promise<{ name: string; drop: () => Promise<void> }> {
  const name = newName('template')
  await onServer(url, `create database ${name}`)
  const secret = new Secret(urlOf(url, name))
  await migrate({ kind: 'url', url: secret, directUrl: secret })
  return { name, drop: () => onServer(url, `drop database if exists ${name} with (force)`) }
}

export function serverUrl(): string {
  const url = process.env['TEST_DATABASE_URL']
  if (!url) throw new Error('no TEST_DATABASE_URL: run the tests with npm test')
  return url
}

/** The address of a database of this test's own; `empty` has no schema yet. */
export async function createTestDatabase(t: Ending, { empty = false } = {}): Promise<string> {
  const url = serverUrl()
  const name = newName('test')
  const template = empty ? '' : ` template ${process.env['TEST_DATABASE_TEMPLATE']}`
  await onServer(url, `create database ${name}${template}`)
  t.after(() => onServer(url, `drop database if exists ${name} with (force)`))
  return urlOf(url, name)
}

/** Every row of one statement. */
export async function queryDatabase<Row extends object>(
  url: string,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(sql, values)).rows
  } finally {
    await client.end()
  }
}
