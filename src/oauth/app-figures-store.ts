// How much an app is used, over all organizations: for its developers, who see numbers and nobody's name.
import type { ClientId } from '../core/ids.ts'
import type { Db } from '../db/connect.ts'

export interface AppFigures {
  /** Authorizations that have not ended. */
  readonly grants: number
  /** By how many organizations. */
  readonly organizations: number
  readonly lastAllowedAt: Date | null
  readonly lastUsedAt: Date | null
}

export const noFigures: AppFigures = { grants: 0, organizations: 0, lastAllowedAt: null, lastUsedAt: null }

/** By client id; one that nobody allowed anything is not in it. Index grants_client_id_index. */
export async function findAppFigures(
  db: Db,
  clients: readonly ClientId[],
  now: Date,
): Promise<ReadonlyMap<ClientId, AppFigures>> {
  const { rows } = await db.raw<{
    rows: {
      client_id: ClientId
      grants: number
      organizations: number
      allowed_at: Date
      used_at: Date | null
    }[]
  }>(
    `select g.client_id, count(*)::int as grants, count(distinct g.organization_id)::int as organizations,
       max(g.created_at) as allowed_at, max(u.used_at) as used_at
     from grants g left join grant_uses u on u.grant_id = g.id
     where g.client_id = any(?) and g.expires_at > ?
     group by g.client_id`,
    [[...clients], now],
  )
  return new Map(
    rows.map((row) => [
      row.client_id,
      {
        grants: row.grants,
        organizations: row.organizations,
        lastAllowedAt: row.allowed_at,
        lastUsedAt: row.used_at,
      },
    ]),
  )
}
