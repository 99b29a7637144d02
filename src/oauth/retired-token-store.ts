// Refresh tokens that were retired: how their families went on, and when they are swept away.
import { longestGrace } from '../apps/app-details.ts'
import type { Database, Statement } from '../db/connect.ts'
import { expiredRows, type Sweep } from '../db/sweep.ts'
import type { Digest } from '../lib/digest.ts'
import { addSeconds } from '../lib/time.ts'
import type { Reuse } from './reuse-cause.ts'

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
