// The connection to PostgreSQL: the only door to knex and pg. knex builds the statements off the hot
// path and the transactions; a pool of pg runs the named statements of the hot path (decision 9).
import createKnex, { type Knex } from 'knex'
import pg from 'pg'
import type { Log } from '../core/telemetry.ts'
import type { Secret } from '../lib/secret.ts'
import { StartupError } from '../lib/startup-error.ts'
import { type Changes, listenToChanges } from './changes.ts'

/** What a store takes: the database or a transaction in it. */
export type Db = Knex
export type Tx = Knex.Transaction

/** A named statement: PostgreSQL parses and plans it once per connection. */
export interface Statement {
  readonly name: string
  readonly text: string
}

export interface Database {
  readonly knex: Knex
  /**
   * Runs one named statement on the hot pool. Values given as a function are asked for when a connection
   * is in hand: for those that measure time, which must not count the wait for it.
   */
  run<Row extends object>(
    statement: Statement,
    values: readonly unknown[] | (() => readonly unknown[]),
  ): Promise<readonly Row[]>
  /**
   * Runs a statement of one row and column, a text or null, on connections that look-ups of credentials have for
   * themselves: none waits for what else goes on.
   */
  lookUp(statement: Statement, values: readonly unknown[]): Promise<string | null>
  /** Listens to what others change; a process that keeps nothing in memory has no need of it. */
  listen(log: Log): Changes
  close(): Promise<void>
}

/** Where the database is: by URL, or the embedded one's socket. */
export type DatabaseAddress =
  | { readonly kind: 'url'; readonly url: Secret; readonly directUrl: Secret }
  | {
      readonly kind: 'socket'
      readonly host: string
      readonly port: number
      readonly user: string
      readonly database: string
    }

const poolSize = 10
/** Look-ups are gathered: two connections answer more of them than a process can ask for. */
export const lookUpConnections = 2
// What goes wrong is thrown, and told by whoever catches it: knex need not print it as well.
const log = { warn: () => {}, error: () => {}, deprecate: () => {}, debug: () => {} }
const connectTimeoutMs = 5000
/** A database that does not answer must not keep whoever asks waiting for ever. Migrations take their time. */
const queryTimeoutMs = 15_000
/** An answer that takes longer than some hundred ms is not believed (changes.ts): there is no use in waiting for it. */
const lookUpTimeoutMs = 3000
const keepAliveMs = 60_000
const longestLifeSeconds = 600

/**
 * The role that the server puts on: it can't change or remove what the ledger holds. A transaction pooler
 * would refuse the setting: behind one the user of DATABASE_URL should be a member of this role alone.
 */
const appRole = 'latchkey_app'

/**
 * For the named statements, which find rows by their keys. They are planned once for each connection, and again when the
 * tables have been analyzed: left to itself PostgreSQL plans those with arrays each time, which took a third of what a
 * look-up costs. A plan that was made while a table was small would read all of it, for as long as it is kept: so none
 * does where there is an index. (What can't be done otherwise looks so dear then that it would be compiled.)
 */
const planOnce = ' -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c jit=off'

/** Opens the pools; nothing is connected until the first statement. */
export function openDatabase(address: DatabaseAddress): Database {
  const connection = { ...withRole(address), query_timeout: queryTimeoutMs }
  const hot = { ...withRole(address, 'pooled', planOnce), query_timeout: queryTimeoutMs }
  const knex = createKnex({
    client: 'pg',
    connection,
    log,
    pool: { min: 0, max: poolSize },
    acquireConnectionTimeout: connectTimeoutMs,
  })
  const pool = new pg.Pool({ ...hot, max: poolSize })
  surviveLostConnections(pool)
  const lookUps = new pg.Pool({
    ...hot,
    max: lookUpConnections,
    query_timeout: lookUpTimeoutMs,
    // Kept open: a timer for each that has nothing to do would be one for each look-up. What stands between must not
    // forget one that is not used for long.
    idleTimeoutMillis: 0,
    keepAlive: true,
    keepAliveInitialDelayMillis: keepAliveMs,
    maxLifetimeSeconds: longestLifeSeconds,
    connectionTimeoutMillis: lookUpTimeoutMs,
  })
  surviveLostConnections(lookUps)
  return {
    knex,
    lookUp: async ({ name, text }, values) => {
      const { rows } = await lookUps.query<[string | null]>({
        name,
        text,
        values: [...values],
        rowMode: 'array',
      })
      return rows[0]?.[0] ?? null
    },
    listen: (log) => listenToChanges(withRole(address, 'direct'), log),
    run: async <Row extends object>(
      statement: Statement,
      values: readonly unknown[] | (() => readonly unknown[]),
    ) => {
      if (typeof values !== 'function') return (await pool.query<Row>(withValues(statement, values))).rows
      const client = await pool.connect()
      let failure: Error | undefined
      try {
        return (await client.query<Row>(withValues(statement, values()))).rows
      } catch (thrown) {
        failure = thrown instanceof Error ? thrown : new Error('a statement failed', { cause: thrown })
        throw thrown
      } finally {
        // As the pool itself does it: a connection on which nothing answered is given to nobody else.
        client.release(failure)
      }
    },
    close: async () => {
      await Promise.all([knex.destroy(), pool.end(), lookUps.end()])
    },
  }
}

/**
 * One that the database has closed is replaced at the next statement. Without a listener its error would end the
 * process: the pool's own listens to idle ones alone.
 */
function surviveLostConnections(pool: pg.Pool): void {
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
}

/** Field by field: a spread would make a new hidden class for each statement that is run. */
function withValues({ name, text }: Statement, values: readonly unknown[]): pg.QueryConfig {
  return { name, text, values: [...values] }
}

/** A small knex that goes past any transaction pooler: for migrations. */
export function openDirect(address: DatabaseAddress): Knex {
  const connection = connectionOf(address, 'direct')
  return createKnex({
    client: 'pg',
    connection,
    log,
    pool: { min: 0, max: 4 },
    acquireConnectionTimeout: connectTimeoutMs,
  })
}

/**
 * Asks the database for one answer, by each of its addresses.
 * @throws StartupError that says what is wrong with the address and what to do
 */
export async function checkReachable(address: DatabaseAddress): Promise<void> {
  await checkRoute(address, 'pooled')
  if (address.kind === 'url' && address.directUrl.reveal() !== address.url.reveal())
    await checkRoute(address, 'direct')
}

async function checkRoute(address: DatabaseAddress, route: Route): Promise<void> {
  let client: pg.Client | null = null
  try {
    client = new pg.Client(connectionOf(address, route))
    client.on('error', () => {})
    await client.connect()
    const { rows } = await client.query<{ version: number }>(
      "select current_setting('server_version_num')::int as version",
    )
    const version = rows[0]?.version ?? 0
    if (version < 140_000) {
      throw new StartupError(
        `The database is PostgreSQL ${Math.floor(version / 10_000)}, but 14 or newer is needed.`,
      )
    }
  } catch (cause) {
    throw cause instanceof StartupError
      ? cause
      : new StartupError(whyUnreachable(address, route, cause), { cause })
  } finally {
    await client?.end().catch(() => {}) // what can't be closed was never open
  }
}

/** Past any transaction pooler, or by way of it. */
type Route = 'pooled' | 'direct'

function connectionOf(address: DatabaseAddress, route: Route) {
  const common = { connectionTimeoutMillis: connectTimeoutMs, application_name: 'latchkey' }
  if (address.kind === 'url') {
    return { ...common, connectionString: urlOf(address, route) }
  }
  const { host, port, user, database } = address
  return { ...common, host, port, user, database }
}

function withRole(address: DatabaseAddress, route: Route = 'pooled', more = '') {
  const connection = connectionOf(address, route)
  const options = `-c role=${appRole}${more}`
  if (!('connectionString' in connection)) return { ...connection, options }
  const isPooler = address.kind === 'url' && address.directUrl.reveal() !== address.url.reveal()
  if (isPooler && route === 'pooled') return connection
  // What the address itself asks for goes before what stands beside it: so the role is asked for there too.
  const url = new URL(connection.connectionString)
  url.searchParams.set('options', [url.searchParams.get('options'), options].filter(Boolean).join(' '))
  return { ...connection, connectionString: url.href }
}

function urlOf(address: DatabaseAddress & { readonly kind: 'url' }, route: Route): string {
  return (route === 'direct' ? address.directUrl : address.url).reveal()
}

function whyUnreachable(address: DatabaseAddress, route: Route, cause: unknown): string {
  const variable = route === 'direct' ? 'DATABASE_URL_DIRECT' : 'DATABASE_URL'
  const where = address.kind === 'url' ? describeUrl(urlOf(address, route)) : 'the embedded database'
  const code = codeOf(cause)
  if (code === '3D000')
    return `The database ${where} does not exist. Create it (createdb), or correct ${variable}.`
  if (code === '28P01' || code === '28000') {
    return `The database ${where} refused the user or password. Correct ${variable}.`
  }
  const reason = cause instanceof Error && cause.message !== '' ? cause.message : code
  return (
    `The database ${where} can't be reached (${reason}). ` +
    `Start it, correct ${variable}, or unset DATABASE_URL to use the embedded one.`
  )
}

function codeOf(cause: unknown): string {
  return typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : 'no answer'
}

/** Host, port and database of a URL: never its user or password. */
function describeUrl(text: string): string {
  const { hostname, port, pathname } = new URL(text)
  return `${hostname || 'localhost'}:${port || 5432}${pathname}`
}
