// Authorization codes, and the one statement that spends them, alone or many at once: the only file that knows `authorization_codes`.
import type { Origin } from '../core/attribution.ts'
import type { ClientId, GrantId } from '../core/ids.ts'
import type { Database, Db, Statement, Tx } from '../db/connect.ts'
import { expiredRows } from '../db/sweep.ts'
import type { Digest } from '../lib/digest.ts'
import { type Grant, type GrantRow, toGrant } from './grant-store.ts'
import {
  columnsOf,
  inTheirPlaces,
  isPlaceAmong,
  type MintedToken,
  placesOf,
  spendAndMint,
  spendAndMintMany,
} from './mint-store.ts'
import { burstMs } from './presentation.ts'

export interface StoredCode {
  readonly hash: Digest
  readonly grant: Grant
  /** Its app's: so long a refresh token lives when it is not used; null for no such limit. */
  readonly refreshIdleSeconds: number | null
  /** What the engine asked us to keep. */
  readonly payload: Readonly<Record<string, unknown>>
  /** `raced`: spent by another request while this one was under way; `just-spent`: so shortly before that it may belong to a burst. */
  readonly state: 'fresh' | 'raced' | 'just-spent' | 'spent'
}

/** False, and nothing is kept, when there is a code of this challenge already; unique index on challenge_hash. */
export async function insertCode(
  db: Db,
  code: {
    readonly hash: Digest
    readonly grantId: string
    /** Of the client and its PKCE challenge. */
    readonly challengeHash: Digest
    readonly payload: object
    readonly expiresAt: Date
  },
): Promise<boolean> {
  const inserted = await db('authorization_codes')
    .insert({
      hash: code.hash,
      grant_id: code.grantId,
      challenge_hash: code.challengeHash,
      payload: JSON.stringify(code.payload),
      expires_at: code.expiresAt,
    })
    .onConflict('challenge_hash')
    .ignore()
    .returning('grant_id')
  return inserted.length === 1
}

/**
 * The grant whose code has this challenge and nobody has spent, locked, so that nobody spends it any more; null where
 * there is none. The grant is locked before its code is looked at again, which is the order of who spends one.
 */
export async function lockGrantOfUnspent(tx: Tx, challengeHash: Digest): Promise<GrantId | null> {
  const unspent = () => tx('authorization_codes').where({ challenge_hash: challengeHash, consumed_at: null })
  const row: { id: GrantId } | undefined = await tx('grants')
    .whereIn('id', unspent().select('grant_id'))
    .forUpdate()
    .first('id')
  if (!row) return null
  return (await unspent().where({ grant_id: row.id }).first('hash')) ? row.id : null
}

/** Those of an app that nobody has spent: from the commit on they open nothing. After its grants, where both are locked. */
export async function deleteUnspentCodesOfApp(tx: Tx, client: ClientId): Promise<void> {
  await tx('authorization_codes')
    .whereNull('consumed_at')
    .whereIn('grant_id', tx('grants').where({ client_id: client }).select('id'))
    .delete()
}

/** One that is looked for. */
export interface SoughtCode {
  readonly hash: Digest
  /**
   * How long ago the asking request arrived, in ms. Whether the code was spent since then is decided by durations, each
   * on one clock: nodes' clocks need not agree with the database's.
   */
  readonly elapsedMs: () => number
}

const findByHash: Statement = {
  name: 'codes-by-hash',
  text: `select sought.place::int, code.payload,
           case when code.consumed_at is null then 'fresh'
                when code.consumed_at >= clock_timestamp() - sought.elapsed * interval '1 millisecond' then 'raced'
                when code.consumed_at >= clock_timestamp() - interval '${burstMs} milliseconds' then 'just-spent'
                else 'spent' end as state,
           g.id, g.client_id, g.person_id, g.organization_id, g.mode, g.scopes, g.resource, g.created_at, g.expires_at,
           g.is_stopped, g.dpop_jkt, app.refresh_idle_seconds
         from unnest($1::bytea[], $2::float8[]) with ordinality as sought (hash, elapsed, place)
         cross join lateral (select * from authorization_codes where hash = sought.hash offset 0) as code
         cross join lateral (select * from grants where id = code.grant_id offset 0) as g
         cross join lateral (select * from oauth_apps where client_id = g.client_id offset 0) as app`,
}

interface FoundRow extends GrantRow {
  readonly place: number
  readonly payload: Record<string, unknown>
  readonly state: StoredCode['state']
  readonly refresh_idle_seconds: number | null
}

/**
 * In the order in which they are sought; null for each that is not there. By the primary key, each of them (`offset 0`
 * sees to it), whatever the table looked like when the statement was planned.
 */
export async function findCodes(
  database: Database,
  sought: readonly SoughtCode[],
): Promise<(StoredCode | null)[]> {
  const hashes = sought.map(({ hash }) => hash)
  const rows = await database.run<FoundRow>(findByHash, () => [
    hashes,
    sought.map(({ elapsedMs }) => elapsedMs()),
  ])
  return inTheirPlaces(hashes, rows, (hash, row) => ({
    hash,
    grant: toGrant(row),
    refreshIdleSeconds: row.refresh_idle_seconds,
    payload: row.payload,
    state: row.state,
  }))
}

const spend: Statement = {
  name: 'spend-code',
  text: spendAndMint({
    grantId: 2,
    spend:
      'update authorization_codes set consumed_at = clock_timestamp() where hash = $1 and consumed_at is null',
    generation: '0',
    access: { hash: 3, scopes: 4, expiresAt: 5 },
    refresh: { hash: 6, scopes: 7, expiresAt: 8 },
    thumbprint: 9,
    event: { action: 'token.issued', address: 10, requestId: 11 },
  }),
}

export interface NewSpending {
  readonly code: StoredCode
  readonly minted: {
    readonly access: MintedToken
    readonly refresh: MintedToken | null
    /** Of the key that they are bound to; null for none. */
    readonly thumbprint: string | null
  }
  readonly origin: Origin
}

/**
 * Spends the code and mints its tokens in one statement: all of it or nothing, whatever is killed when,
 * and of any number that come at once exactly one is told true. A grant that is being revoked is waited
 * for, and then mints nothing.
 */
export async function spendCode(
  database: Database,
  { code, minted, origin: { address, requestId } }: NewSpending,
): Promise<boolean> {
  const tokens = [...placesOf(minted.access), ...placesOf(minted.refresh)]
  const values = [code.hash, code.grant.id, ...tokens, minted.thumbprint, address, requestId]
  const [row] = await database.run<{ spent: number }>(spend, values)
  return row?.spent === 1
}

const spendMany: Statement = {
  name: 'spend-codes',
  text: spendAndMintMany({
    more: [],
    spend: 'update authorization_codes as secret set consumed_at = clock_timestamp()',
    unspent: 'consumed_at is null',
    generation: '0',
    action: 'token.issued',
  }),
}

/**
 * The same for codes whose tokens are bound to no key, whether each was spent. What was not may have been passed by: it
 * is to be tried alone.
 */
export async function spendCodes(database: Database, wanted: readonly NewSpending[]): Promise<boolean[]> {
  const mints = wanted.map(({ code, minted, origin }) => ({
    ...{ hash: code.hash, grantId: code.grant.id, origin },
    ...{ access: minted.access, refresh: minted.refresh },
  }))
  const rows = await database.run<{ place: number }>(spendMany, columnsOf(mints))
  return isPlaceAmong(rows, wanted.length)
}

/**
 * Spent or not: an expired code is refused before anybody asks whether it was spent, so that its row has no replay
 * to tell of (decision 017).
 */
export const expiredCodes = expiredRows('authorization_codes')
