// Authorization codes, and the one statement that spends one: the only file that knows `authorization_codes`.
import type { Origin } from '../core/attribution.ts'
import type { ClientId, GrantId } from '../core/ids.ts'
import type { Database, Db, Statement, Tx } from '../db/connect.ts'
import { expiredRows } from '../db/sweep.ts'
import type { Digest } from '../lib/digest.ts'
import { type Grant, type GrantRow, toGrant } from './grant-store.ts'
import { type MintedToken, placesOf, spendAndMint } from './mint-store.ts'
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

const findByHash: Statement = {
  name: 'code-by-hash',
  text: `select code.payload,
           case when code.consumed_at is null then 'fresh'
                when code.consumed_at >= clock_timestamp() - $2 * interval '1 millisecond' then 'raced'
                when code.consumed_at >= clock_timestamp() - interval '${burstMs} milliseconds' then 'just-spent'
                else 'spent' end as state,
           to_jsonb(g) as grant_row, g.created_at, g.expires_at, app.refresh_idle_seconds
         from authorization_codes code
         join grants g on g.id = code.grant_id
         join oauth_apps app on app.client_id = g.client_id
         where code.hash = $1`,
}

/**
 * Primary key: one row or none.
 * @param elapsedMs how long ago the asking request arrived. Whether the code was spent since then is
 *   decided by durations, each on one clock: nodes' clocks need not agree with the database's.
 */
export async function findCode(
  database: Database,
  hash: Digest,
  elapsedMs: () => number,
): Promise<StoredCode | null> {
  const [row] = await database.run<{
    payload: Record<string, unknown>
    state: StoredCode['state']
    grant_row: GrantRow
    created_at: Date
    expires_at: Date
    refresh_idle_seconds: number | null
  }>(findByHash, () => [hash, elapsedMs()])
  if (!row) return null
  const grant = toGrant({ ...row.grant_row, created_at: row.created_at, expires_at: row.expires_at })
  const { payload, state, refresh_idle_seconds: refreshIdleSeconds } = row
  return { hash, grant, refreshIdleSeconds, payload, state }
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

/**
 * Spends the code and mints its tokens in one statement: all of it or nothing, whatever is killed when,
 * and of any number that come at once exactly one is told true. A grant that is being revoked is waited
 * for, and then mints nothing.
 */
export async function spendCode(
  database: Database,
  code: StoredCode,
  minted: {
    readonly access: MintedToken
    readonly refresh: MintedToken | null
    /** Of the key that they are bound to; null for none. */
    readonly thumbprint: string | null
  },
  { address, requestId }: Origin,
): Promise<boolean> {
  const tokens = [...placesOf(minted.access), ...placesOf(minted.refresh)]
  const values = [code.hash, code.grant.id, ...tokens, minted.thumbprint, address, requestId]
  const [row] = await database.run<{ spent: number }>(spend, values)
  return row?.spent === 1
}

/**
 * Spent or not: an expired code is refused before anybody asks whether it was spent, so that its row has no replay
 * to tell of (decision 017).
 */
export const expiredCodes = expiredRows('authorization_codes')
