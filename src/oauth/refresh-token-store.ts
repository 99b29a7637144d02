// Refresh tokens, and the one statement that rotates one: the only file that knows `refresh_tokens`.
import type { Origin } from '../core/attribution.ts'
import type { Database, Statement } from '../db/connect.ts'
import type { Digest } from '../lib/digest.ts'
import { type Grant, type GrantRow, toGrant } from './grant-store.ts'
import { type MintedToken, placesOf, spendAndMint } from './mint-store.ts'
import { burstMs } from './presentation.ts'

export interface StoredRefreshToken {
  readonly hash: Digest
  readonly grant: Grant
  readonly scopes: readonly string[]
  readonly expiresAt: Date
  /** null while it is the family's current one. */
  readonly retired: {
    /** The answer that its rotation gave, sealed under a key that only its holder can derive. */
    readonly sealedAnswer: Buffer
    readonly withinGrace: boolean
    /** As for a code: `raced` is while the asking request was under way. */
    readonly state: 'raced' | 'just-spent' | 'spent'
  } | null
}

const findByHash: Statement = {
  name: 'refresh-token-by-hash',
  text: `select token.scopes, token.expires_at as token_expires_at, token.sealed_answer,
           token.retired_at + app.refresh_grace_seconds * interval '1 second' > clock_timestamp() as within_grace,
           case when token.retired_at >= clock_timestamp() - $2 * interval '1 millisecond' then 'raced'
                when token.retired_at >= clock_timestamp() - interval '${burstMs} milliseconds' then 'just-spent'
                else 'spent' end as state,
           to_jsonb(g) as grant_row, g.created_at, g.expires_at
         from refresh_tokens token
         join grants g on g.id = token.grant_id
         join oauth_apps app on app.client_id = g.client_id
         where token.hash = $1`,
}

/** Primary key: one row or none. `elapsedMs` is the age of the asking request, as in `findCode`. */
export async function findRefreshToken(
  database: Database,
  hash: Digest,
  elapsedMs: () => number,
): Promise<StoredRefreshToken | null> {
  const [row] = await database.run<{
    scopes: string[]
    token_expires_at: Date
    sealed_answer: Buffer | null
    within_grace: boolean | null
    state: 'raced' | 'just-spent' | 'spent'
    grant_row: GrantRow
    created_at: Date
    expires_at: Date
  }>(findByHash, () => [hash, elapsedMs()])
  if (!row) return null
  return {
    hash,
    grant: toGrant({ ...row.grant_row, created_at: row.created_at, expires_at: row.expires_at }),
    scopes: row.scopes,
    expiresAt: row.token_expires_at,
    retired: row.sealed_answer
      ? {
          sealedAnswer: row.sealed_answer,
          withinGrace: row.within_grace === true,
          state: row.state,
        }
      : null,
  }
}

const rotate: Statement = {
  name: 'rotate-refresh-token',
  text: spendAndMint(
    2,
    `update refresh_tokens set retired_at = clock_timestamp(), sealed_answer = $3
      where hash = $1 and retired_at is null`,
    { hash: 4, scopes: 5, expiresAt: 6 },
    { hash: 7, scopes: 8, expiresAt: 9 },
    { action: 'token.refreshed', address: 10, requestId: 11 },
  ),
}

/**
 * Retires the token, keeps its sealed answer and mints its successors in one statement: all of it or
 * nothing. Of any number that come at once exactly one is told true; of a revoked grant, none.
 */
export async function rotateRefreshToken(
  database: Database,
  token: StoredRefreshToken,
  sealedAnswer: Buffer,
  access: MintedToken,
  refresh: MintedToken,
  { address, requestId }: Origin,
): Promise<boolean> {
  const { hash, grant } = token
  const tokens = [...placesOf(access), ...placesOf(refresh)]
  const values = [hash, grant.id, sealedAnswer, ...tokens, address, requestId]
  const [row] = await database.run<{ spent: number }>(rotate, values)
  return row?.spent === 1
}
