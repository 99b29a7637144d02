// Refresh tokens that are good: how they are found, and the one statement that rotates them, alone or many at once.
import type { ReuseResponse } from '../apps/app.ts'
import type { Origin } from '../core/attribution.ts'
import type { Mode } from '../core/principal.ts'
import type { Database, Statement } from '../db/connect.ts'
import type { Digest } from '../lib/digest.ts'
import { type Grant, type GrantRow, grantOf } from './grant-store.ts'
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
import type { Place } from './reuse-cause.ts'

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
    readonly mode: Mode
    readonly isStopped: boolean
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

/** One that is looked for, and the age of the asking request in ms, as for a code. */
export interface SoughtRefreshToken {
  readonly hash: Digest
  readonly elapsedMs: () => number
}

const findByHash: Statement = {
  name: 'refresh-tokens-by-hash',
  text: `select sought.place::int, token.scopes, token.expires_at as token_expires_at, token.is_bound, token.sealed_answer,
           token.retired_at + app.refresh_grace_seconds * interval '1 second' > clock_timestamp() as within_grace,
           case when token.retired_at is null then null
                when token.retired_at >= clock_timestamp() - sought.elapsed * interval '1 millisecond' then 'raced'
                when token.retired_at >= clock_timestamp() - interval '${burstMs} milliseconds' then 'just-spent'
                else 'spent' end as state,
           g.id, g.client_id, g.person_id, g.organization_id, g.mode, g.scopes as grant_scopes, g.resource, g.created_at,
           g.expires_at, g.is_stopped, g.dpop_jkt,
           app.refresh_idle_seconds, app.reuse_response, app.requires_dpop, app.mode as app_mode,
           app.is_stopped as is_app_stopped
         from unnest($1::bytea[], $2::float8[]) with ordinality as sought (hash, elapsed, place)
         cross join lateral (select * from refresh_tokens where hash = sought.hash offset 0) as token
         cross join lateral (select * from grants where id = token.grant_id offset 0) as g
         cross join lateral (select * from oauth_apps where client_id = g.client_id offset 0) as app`,
}

interface FoundRow extends Omit<GrantRow, 'scopes'> {
  readonly place: number
  readonly scopes: string[]
  readonly token_expires_at: Date
  readonly is_bound: boolean
  readonly sealed_answer: Buffer | null
  readonly within_grace: boolean | null
  readonly state: 'raced' | 'just-spent' | 'spent' | null
  readonly grant_scopes: string[]
  readonly refresh_idle_seconds: number | null
  readonly reuse_response: ReuseResponse
  readonly requires_dpop: boolean
  readonly app_mode: Mode
  readonly is_app_stopped: boolean
}

/**
 * In the order in which they are sought; null for each that is not there. By the primary key, each of them (`offset 0`
 * sees to it), whatever the table looked like when the statement was planned.
 */
export async function findRefreshTokens(
  database: Database,
  sought: readonly SoughtRefreshToken[],
): Promise<(StoredRefreshToken | null)[]> {
  const hashes = sought.map(({ hash }) => hash)
  const rows = await database.run<FoundRow>(findByHash, () => [
    hashes,
    sought.map(({ elapsedMs }) => elapsedMs()),
  ])
  return inTheirPlaces(hashes, rows, toStored)
}

function toStored(hash: Digest, row: FoundRow): StoredRefreshToken {
  const { sealed_answer: sealedAnswer, state } = row
  return {
    hash,
    grant: grantOf(row, row.grant_scopes),
    scopes: row.scopes,
    expiresAt: row.token_expires_at,
    isBound: row.is_bound,
    app: {
      refreshIdleSeconds: row.refresh_idle_seconds,
      reuseResponse: row.reuse_response,
      requiresDpop: row.requires_dpop,
      mode: row.app_mode,
      isStopped: row.is_app_stopped,
    },
    retired:
      sealedAnswer && state
        ? { sealedAnswer, withinGrace: row.within_grace === true && sealedAnswer.length > 0, state }
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

export interface NewRotation {
  readonly token: StoredRefreshToken
  readonly rotation: Rotation
  readonly origin: Origin & Place
}

/**
 * Retires the token, keeps its sealed answer and mints its successors in one statement: all of it or
 * nothing. Of any number that come at once exactly one is told true; of a revoked grant, none.
 */
export async function rotateRefreshToken(
  database: Database,
  { token: { hash, grant }, rotation: { sealedAnswer, access, refresh, thumbprint }, origin }: NewRotation,
): Promise<boolean> {
  const tokens = [...placesOf(access), ...placesOf(refresh)]
  const { address, requestId, client } = origin
  const values = [hash, grant.id, sealedAnswer, ...tokens, thumbprint, address, requestId, client]
  const [row] = await database.run<{ spent: number }>(rotate, values)
  return row?.spent === 1
}

const rotateMany: Statement = {
  name: 'rotate-refresh-tokens',
  text: spendAndMintMany({
    more: [
      ['sealed_answer', 'bytea'],
      ['client', 'text'],
    ],
    spend: `update refresh_tokens as secret
      set retired_at = clock_timestamp(), sealed_answer = wanted.sealed_answer, retired_address = wanted.address,
        retired_client = wanted.client`,
    unspent: 'retired_at is null',
    generation: 'secret.generation + 1',
    action: 'token.refreshed',
  }),
}

/**
 * The same for tokens that are bound to no key, whether each was rotated. What was not may have been passed by: it is
 * to be tried alone.
 */
export async function rotateRefreshTokens(
  database: Database,
  wanted: readonly NewRotation[],
): Promise<boolean[]> {
  const mints = wanted.map(({ token, rotation: { access, refresh }, origin }) => {
    return { hash: token.hash, grantId: token.grant.id, origin, access, refresh }
  })
  const rows = await database.run<{ place: number }>(rotateMany, [
    ...columnsOf(mints),
    wanted.map(({ rotation }) => rotation.sealedAnswer),
    wanted.map(({ origin }) => origin.client),
  ])
  return isPlaceAmong(rows, wanted.length)
}
