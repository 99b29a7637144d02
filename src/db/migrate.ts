// Migrations: numbered files, each in a transaction, run by one process at a time.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Knex } from 'knex'
import { z } from 'zod'
import { StartupError } from '../lib/startup-error.ts'
import { type DatabaseAddress, type Db, openDirect } from './connect.ts'

const folder = fileURLToPath(new URL('../../migrations', import.meta.url))
const tableName = 'latchkey_migrations'
/** Any number will do, so long as every version of Latchkey takes the same one. */
const advisoryLock = 7_236_017_044

const migrationSchema = z.object({
  up: z.custom<Knex.Migration['up']>((value) => typeof value === 'function'),
})

/**
 * Brings the schema to head. Processes that come at the same time wait for the one that is at it, then
 * find nothing to do; a process killed in the middle leaves whole migrations only.
 * @returns the names of the migrations that this call applied
 * @throws StartupError when a migration fails, or the schema is of a newer Latchkey
 */
export async function migrate(address: DatabaseAddress): Promise<readonly string[]> {
  const knex = openDirect(address)
  try {
    return await knex.transaction(async (lock) => {
      // Held by the transaction, not the session: it is given back even if this process is killed.
      await lock.raw('select pg_advisory_xact_lock(?)', [advisoryLock])
      return await applyPending(knex)
    })
  } finally {
    await knex.destroy()
  }
}

/** True when every migration that this version knows has been applied. */
export async function isAtHead(db: Db): Promise<boolean> {
  const names = await migrationNames()
  const rows = await db<{ name: string }>(tableName).select('name')
  const applied = new Set(rows.map((row) => row.name))
  return names.every((name) => applied.has(name))
}

async function applyPending(knex: Knex): Promise<readonly string[]> {
  const options: Knex.MigratorConfig = {
    tableName,
    migrationSource: { getMigrations, getMigrationName, getMigration },
  }
  // knex keeps a lock row of its own, which a killed process leaves locked. We hold the real lock.
  await knex.migrate.forceFreeMigrationsLock(options)
  try {
    const [, applied] = z.tuple([z.number(), z.array(z.string())]).parse(await knex.migrate.latest(options))
    return applied
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    if (message.includes('migration directory is corrupt')) {
      throw new StartupError(
        'The database was migrated by a newer Latchkey than this one. Start that version, or give this one another database.',
        { cause },
      )
    }
    throw new StartupError(
      `A migration failed and was undone: ${reasonOf(message)}. ` +
        'Mend that and start again; Latchkey needs a database of its own, where its user may create tables.',
      { cause },
    )
  }
}

/** knex puts the statement before the database's own words, however long it is. */
function reasonOf(message: string): string {
  return message.split(' - ').at(-1) ?? message
}

async function migrationNames(): Promise<string[]> {
  const files = await readdir(folder)
  return files
    .filter((file) => /^\d{3}-[a-z-]+\.[jt]s$/.test(file))
    .map(getMigrationName)
    .sort()
}

function getMigrations(): Promise<string[]> {
  return migrationNames()
}

/** Without its ending: the same name from the sources and from the compiled form. */
function getMigrationName(file: string): string {
  return file.replace(/\.[jt]s$/, '')
}

async function getMigration(name: string): Promise<Knex.Migration> {
  const file = (await readdir(folder)).find(
    (candidate) => /\.[jt]s$/.test(candidate) && getMigrationName(candidate) === name,
  )
  if (!file) throw new Error(`no migration ${name}`)
  const { up } = migrationSchema.parse(await import(pathToFileURL(join(folder, file)).href))
  const down = () => Promise.reject(new Error('migrations go forward only: restore a backup instead'))
  return { up, down }
}
