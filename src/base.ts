// What the server and every command begin with: configuration, profile, format, database.
import { join } from 'node:path'
import { type Config, type Environment, loadConfig } from './core/config.ts'
import { loadProfile, type Profile } from './core/profile.ts'
import { createFormat, type SecretFormat } from './credentials/format.ts'
import { checkReachable, type Database, type DatabaseAddress, openDatabase } from './db/connect.ts'
import { borrowEmbedded, startEmbedded, usualConnections } from './db/embedded.ts'
import { packageRoot } from './lib/package-root.ts'

export interface Base {
  readonly config: Config
  readonly profile: Profile
  readonly format: SecretFormat
}

export interface OpenDatabase {
  readonly address: DatabaseAddress
  readonly database: Database
  /** For people: which database it is, without its password. */
  readonly description: string
  close(): Promise<void>
}

/** @throws StartupError for every mistake in environment or profile */
export function loadBase(env: Environment): Base {
  const config = loadConfig(env)
  const profile = loadProfile(config.profile, join(packageRoot, 'profiles'))
  return { config, profile, format: createFormat(profile.credentials.prefixes) }
}

/** Those of a process that serves (its pools), rounded up, and those that are left for commands and people. */
const connectionsOfProcess = 30
const connectionsBeside = 50

/**
 * Opens the configured database. A server owns the embedded one and stops it at the end; a command
 * borrows it, and may do so while a server has it.
 * @throws StartupError when it can't be reached or started
 */
export async function openConfiguredDatabase(
  config: Config,
  as: 'owner' | 'borrower',
): Promise<OpenDatabase> {
  if (config.database.kind === 'server') {
    const address: DatabaseAddress = { ...config.database, kind: 'url' }
    await checkReachable(address)
    const database = openDatabase(address)
    const { hostname, port, pathname } = new URL(address.url.reveal())
    const description = `PostgreSQL at ${hostname || 'localhost'}:${port || 5432}${pathname}`
    return { address, database, description, close: () => database.close() }
  }
  const start = as === 'owner' ? startEmbedded : borrowEmbedded
  const connections = Math.max(usualConnections, connectionsBeside + config.workers * connectionsOfProcess)
  const embedded = await start({ dataDirectory: config.dataDirectory, connections })
  const address: DatabaseAddress = { ...embedded.connection, kind: 'socket' }
  const database = openDatabase(address)
  return {
    address,
    database,
    description: `embedded PostgreSQL ${embedded.version} in ${embedded.directory}`,
    close: async () => {
      await database.close()
      await embedded.stop()
    },
  }
}
