// What a database holds that a profile has to know: read over whole tables, or over a sample of large ones.
import { listShapes } from '../credentials/imported-shape-store.ts'
import type { KeyShape } from '../credentials/imported-shapes.ts'
import type { Db, Tx } from '../db/connect.ts'
import { madeByImport } from '../keys/key.ts'

/** How many hold it, and of how many organizations they are. */
export interface Holders {
  readonly value: string
  readonly holders: number
  readonly organizations: number
}

/** Where something is held. */
export const holdings = {
  api_keys: `revoked_at is null and (expires_at is null or expires_at > now()) and (retires_at is null or retires_at > now())`,
  oauth_apps: 'true',
  grants: 'expires_at > now()',
} as const

export type Holding = keyof typeof holdings

export interface Depth {
  /** Tables with more rows than this are read by a sample; null reads all of every table. */
  readonly sampleAbove: number | null
  /** After so long, in ms, PostgreSQL gives a statement up … */
  readonly withinMs: number
  /** … and after so long we give all of them up. */
  readonly allWithinMs: number
}

/** How much of each table is read, in percent. */
export type Shares = Readonly<Record<Holding, number>>

const sampledPages = 2000

/** Runs in one transaction that gives up in time. */
export function reading<T>(db: Db, { withinMs }: Depth, work: (tx: Tx) => Promise<T>): Promise<T> {
  return db.transaction(
    async (tx) => {
      await tx.raw(`set local statement_timeout = ${Math.round(withinMs)}`)
      return await work(tx)
    },
    { readOnly: true },
  )
}

/** PostgreSQL's own estimates decide what is large: counting would be reading. */
export async function sharesOf(tx: Tx, { sampleAbove }: Depth): Promise<Shares> {
  const { rows }: { rows: { name: Holding; tuples: number; pages: number }[] } = await tx.raw(
    `select relname as name, reltuples::float as tuples, relpages as pages from pg_class
     where oid = any (array['api_keys', 'oauth_apps', 'grants']::regclass[])`,
  )
  const share = (table: Holding) => {
    const it = rows.find(({ name }) => name === table)
    const isSmall = sampleAbove === null || !it || it.tuples <= sampleAbove || it.pages <= sampledPages
    return isSmall ? 100 : (100 * sampledPages) / it.pages
  }
  return { api_keys: share('api_keys'), oauth_apps: share('oauth_apps'), grants: share('grants') }
}

const rowsOf = (table: Holding, share: number) =>
  `(select * from ${table}${share < 100 ? ` tablesample system (${share.toFixed(6)})` : ''}) as held`

/** A list for PostgreSQL: knex would take an array for several values. */
const listed = (values: readonly string[]) => JSON.stringify(values)
const isIn = (value: string) => `${value} in (select jsonb_array_elements_text(?::jsonb))`

/** Scopes that are held, and of which `isAmong` tells whether the list has them. */
export async function heldScopes(
  tx: Tx,
  table: Holding,
  share: number,
  list: { readonly scopes: readonly string[]; readonly isAmong: boolean },
): Promise<Holders[]> {
  const { rows }: { rows: Holders[] } = await tx.raw(
    `select scope as value, count(*)::int as holders, count(distinct organization_id)::int as organizations
     from ${rowsOf(table, share)} cross join lateral unnest(scopes) as scope
     where ${holdings[table]} and ${list.isAmong ? 'scopes && ' : 'not scopes <@ '} array(select jsonb_array_elements_text(?::jsonb))
       and ${list.isAmong ? '' : 'not'} ${isIn('scope')}
     group by scope order by scope`,
    [listed(list.scopes), listed(list.scopes)],
  )
  return rows
}

/** Modes or resources that are held and not in the list. */
export async function heldOthers(
  tx: Tx,
  table: Holding,
  share: number,
  column: 'mode' | 'resource',
  known: readonly string[],
): Promise<Holders[]> {
  const { rows }: { rows: Holders[] } = await tx.raw(
    `select ${column} as value, count(*)::int as holders, count(distinct organization_id)::int as organizations
     from ${rowsOf(table, share)} where ${holdings[table]} and not ${isIn(column)}
     group by ${column} order by holders desc, ${column} limit 20`,
    [listed(known)],
  )
  return rows
}

/** How many there are, and of how many organizations. */
export async function countHeld(tx: Tx, table: Holding, share: number): Promise<Holders> {
  const { rows }: { rows: Holders[] } = await tx.raw(
    `select '' as value, count(*)::int as holders, count(distinct organization_id)::int as organizations
     from ${rowsOf(table, share)} where ${holdings[table]}`,
  )
  return rows[0] ?? { value: '', holders: 0, organizations: 0 }
}

/** Platforms are few: what their keys begin with, and the most that they may give. */
export async function platformHoldings(tx: Tx): Promise<{ prefixes: Holders[]; scopes: Holders[] }> {
  const of = 'count(*)::int as holders, 0 as organizations from platforms'
  const prefixes: { rows: Holders[] } = await tx.raw(
    `select prefix as value, ${of} where suspended_at is null group by prefix order by prefix`,
  )
  const scopes: { rows: Holders[] } = await tx.raw(
    `select scope as value, ${of} cross join lateral unnest(scopes) as scope
     where suspended_at is null group by scope order by scope`,
  )
  return { prefixes: prefixes.rows, scopes: scopes.rows }
}

/** The resources that resource servers are registered for. */
export async function registeredAudiences(tx: Tx): Promise<string[]> {
  const rows: { audience: string }[] = await tx('resource_servers').distinct('audience')
  return rows.map(({ audience }) => audience)
}

/** What secrets of imported keys look like; none where nothing can have been imported. */
export async function importedShapes(tx: Tx): Promise<KeyShape[]> {
  const { rows }: { rows: { is_there: boolean }[] } = await tx.raw(
    `select to_regclass('imported_key_shapes') is not null as is_there`,
  )
  return rows[0]?.is_there ? await listShapes(tx) : []
}

/** Prefixes of keys that are not in the list, of imported keys and of our own apart. */
export async function heldPrefixes(
  tx: Tx,
  share: number,
  known: readonly string[],
): Promise<(Holders & { readonly isImported: boolean })[]> {
  const { rows }: { rows: (Holders & { isImported: boolean })[] } = await tx.raw(
    `select prefix as value, created_by is not distinct from ? as "isImported",
       count(*)::int as holders, count(distinct organization_id)::int as organizations
     from ${rowsOf('api_keys', share)} where ${holdings.api_keys} and not ${isIn('prefix')}
     group by 1, 2 order by holders desc, 1 limit 500`,
    [madeByImport, listed(known)],
  )
  return rows
}
