// One PostgreSQL that several servers under test share: the one that DATABASE_URL names, or an embedded one of this
// run's own, with the settings that Latchkey gives it.
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded } from '../src/db/embedded.ts'
import { onServer, urlOf } from '../test/support/database.ts'
import type { Cleanup } from './cleanup.ts'

export interface DatabaseServer {
  readonly kind: 'embedded' | 'server'
  readonly url: string
}

export async function startDatabaseServer({ add }: Cleanup): Promise<DatabaseServer> {
  const given = process.env['DATABASE_URL']
  if (given) return { kind: 'server', url: given }
  const dataDirectory = await mkdtemp(join(tmpdir(), 'latchkey-bench-'))
  // Root's PostgreSQL runs as nobody, who has to get through.
  await chmod(dataDirectory, 0o711)
  const embedded = await startEmbedded({ dataDirectory })
  add(async () => {
    await embedded.stop()
    for (const path of [embedded.directory, dataDirectory])
      await rm(path, { recursive: true, force: true, maxRetries: 5 })
  })
  const { host, port, user } = embedded.connection
  return {
    kind: 'embedded',
    url: `postgresql://${user}@localhost:${port}/postgres?host=${encodeURIComponent(host)}`,
  }
}

/** The address of a new database, without any table, that is dropped at the end. */
export async function createDatabase(url: string, { add }: Cleanup): Promise<string> {
  const name = `latchkey_bench_${randomBytes(6).toString('hex')}`
  await onServer(url, `create database ${name}`)
  add(() => onServer(url, `drop database if exists ${name} with (force)`))
  return urlOf(url, name)
}
