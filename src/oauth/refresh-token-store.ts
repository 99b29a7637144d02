// Refresh tokens, and the one statement that rotates one: the only file that knows `refresh_tokens`.
import type { ReuseResponse } from '../apps/app.ts'
import { longestGrace } from '../apps/app-details.ts'
import type { Origin } from '../core/attribution.ts'
import type { Database, Statement } from '../db/connect.ts'
import { expiredRows, type Sweep } from '../db/sweep.ts'
import type { Digest } from '../lib/digest.ts'
import { addSeconds } from '../lib/time.ts'
import { type Grant, type GrantRow, toGrant } from './grant-store.ts'
import { type MintedToken, placesOf, spendAndMint } from './mint-store.ts'
import { burstMs } from './presentation.ts'
import type { Place, Reuse } from './reuse-cause.ts'

export interface StoredRefreshToken {
  readonly hash: Digest
  readonly grant: Grant
  readonly scopes: readonly string[]
  readonly expiresAt: Date
  /** Whether it is bound to the grant's key: a grant may have been bound by a successor of this one. */
  readonly isBound: boolean
  /** What its app was registered with. */
  readonly app: {
    readonly refreshIdleSeconds: number | null
    readonly reuseResponse: ReuseResponse
    readonly requiresDpop: boolean
  }
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
  text: `select token.scopes, token.expires_at as token_expires_at, token.is_bound, token.sealed_answer,
           token.retired_at + app.refresh_grace_seconds * interval '1 second' > clock_timestamp() as within_grace,
           case when token.retired_at >= clock_timestamp() - $2 * interval '1 millisecond' then 'raced'
                when token.retired_at >= clock_timestamp() - interval '${burstMs} milliseconds' then 'just-spent'
                else 'spent' end as state,
           to_jsonb(g) as grant_row, g.created_at, g.expires_at,
           app.refresh_idle_seconds, app.reuse_response, app.requires_dpop
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
    is_bound: boolean
    sealed_answer: Buffer | null
    within_grace: boolean | null
    state: 'raced' | 'just-spent' | 'spent'
    grant_row: GrantRow
    created_at: Date
    expires_at: Date
    refresh_idle_seconds: number | null
    reuse_response: ReuseResponse
    requires_dpop: boolean
  }>(findByHash, () => [hash, elapsedMs()])
  if (!row) return null
  return {
    hash,
    grant: toGrant({ ...row.grant_row, created_at: row.created_at, expires_at: row.expires_at }),
    scopes: row.scopes,
    expiresAt: row.token_expires_at,
    isBound: row.is_bound,
    app: {
      refreshIdleSeconds: row.refresh_idle_seconds,
      reuseResponse: row.reuse_response,
      requiresDpop: row.requires_dpop,
    },
    retired: row.sealed_answer
      ? {
          sealedAnswer: row.sealed_answer,
          withinGrace: row.within_grace === true && row.sealed_answer.length > 0,
          state: row.state,
        }
      : null,
  }
}

const rotate: Statement = {
  name: 'rotate-refresh-token',
  text: spendAndMint({
    grantId: 2,
    spend: `update refresh_tokens
              set retired_at = clock_timestamp(), sealed_answer = $3, retired_address = $11, retired_client = $13
            where hash = $1 and retired_at is null`,
    generation: 'generation + 1',
    access: { hash: 4, scopes: 5, expiresAt: 6 },
    refresh: { hash: 7, scopes: 8, expiresAt: 9 },
    thumbprint: 10,
    event: { action: 'token.refreshed', address: 11, requestId: 12 },
  }),
}

export interface Rotation {
  /** The answer that is given, and given again in the grace window. */
  readonly sealedAnswer: Buffer
  readonly access: MintedToken
  readonly refresh: MintedToken
  /** Of the key that they are bound to, and the grant from now on; null for none. */
  readonly thumbprint: string | null
}

/**
 * Retires the token, keeps its sealed answer and mints its successors in one statement: all of it or
 * nothing. Of any number that come at once exactly one is told true; of a revoked grant, none.
 */
export async function rotateRefreshToken(
  database: Database,
  { hash, grant }: StoredRefreshToken,
  { sealedAnswer, access, refresh, thumbprint }: Rotation,
  { address, requestId, client }: Origin & Place,
): Promise<boolean> {
  const tokens = [...placesOf(access), ...placesOf(refresh)]
  const values = [hash, grant.id, sealedAnswer, ...tokens, thumbprint, address, requestId, client]
  const [row] = await database.run<{ spent: number }>(rotate, values)
  return row?.spent === 1
}

const findUse: Statement = {
  name: 'use-after-refresh-token',
  text: `select token.created_at, token.retired_at, token.retired_address, token.retired_client,
           successor.retired_at is not null as is_successor_retired,
           successor.retired_address as successor_address, successor.retired_client as successor_client,
           use.used_at, use.address as use_address, use.client as use_client
         from refresh_tokens token
         left join refresh_tokens successor
           on successor.grant_id = token.grant_id and successor.generation = token.generation + 1
         left join grant_uses use on use.grant_id = token.grant_id
         where token.hash = $1 and token.retired_at is not null`,
}

/**
 * What is known of a retired token's family since it was retired; null when the family is gone. Only asked when
 * such a token comes back too late; indexes refresh_tokens_pkey and refresh_tokens_grant_id_index.
 */
export async function findUseSince(
  database: Database,
  hash: Digest,
): Promise<Omit<Reuse, 'presentedBy'> | null> {
  const [row] = await database.run<{
    created_at: Date
    retired_at: Date
    retired_address: string | null
    retired_client: string | null
    is_successor_retired: boolean
    successor_address: string | null
    successor_client: string | null
    used_at: Date | null
    use_address: string | null
    use_client: string | null
  }>(findUse, [hash])
  if (!row) return null
  return {
    createdAt: row.created_at,
    retiredAt: row.retired_at,
    retiredBy: { address: row.retired_address, client: row.retired_client },
    successorRetiredBy: row.is_successor_retired
      ? { address: row.successor_address, client: row.successor_client }
      : null,
    lastUse: row.used_at
      ? { at: row.used_at, by: { address: row.use_address, client: row.use_client } }
      : null,
  }
}

/**
 * The retired ones too, and no sooner than the others: until it expires, one that comes back is a reuse. One that
 * was retired just before its end has its answer to give for the longest grace window of any app.
 */
export const expiredRefreshTokens = expiredRows('refresh_tokens', longestGrace)

/**
 * Answers that nobody will be given again, emptied; the rows stay, to know the tokens by. Who came by an old token
 * and a copy of the database could otherwise open one answer after the other, down to the token that is good.
 */
export const forgottenAnswers: Sweep = {
  name: 'refresh_tokens.sealed_answer',
  start: (before) => {
    const end = addSeconds(before, -longestGrace)
    let from = '-infinity'
    return async (tx, limit) => {
      const { rows } = await tx.raw<{ rows: { emptied: number; last: string | null }[] }>(
        `with emptied as (
           update refresh_tokens set sealed_answer = '' where ctid = any (array(
             select ctid from refresh_tokens
             where sealed_answer <> '' and retired_at >= ?::timestamptz and retired_at < ?
             order by retired_at limit ? for update skip locked
           )) returning retired_at
         ) select count(*)::int as emptied, max(retired_at)::text as last from emptied`,
        [from, end, limit],
      )
      const emptied = rows[0]?.emptied ?? 0
      from = rows[0]?.last ?? from
      return { rows: emptied, isLast: emptied < limit }
    }
  },
  count: async (db, before) => {
    const [row] = await db('refresh_tokens')
      .where('retired_at', '<', addSeconds(before, -longestGrace))
      .whereRaw("sealed_answer <> ''")
      .count<{ count: string }[]>('* as count')
    return Number(row?.count ?? 0)
  },
}
