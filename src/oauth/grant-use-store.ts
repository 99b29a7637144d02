// When the grants of apps were last used: the only file that writes `grant_uses`.
import type { GrantId } from '../core/ids.ts'
import type { AccessTokenPrincipal } from '../core/principal.ts'
import type { CredentialUse, NotedUse } from '../credentials/last-use.ts'
import type { Db } from '../db/connect.ts'

/**
 * One statement for any number of grants. An earlier use than the one that is known changes nothing. A grant that
 * is gone is left out, also one that goes while we write: each is held first, and who deletes it is waited for.
 * Held and written in the order of their ids, so that nobody waits in a circle.
 */
export async function writeGrantUses(db: Db, uses: readonly NotedUse<AccessTokenPrincipal>[]): Promise<void> {
  const rows = uses.map(({ who, at, address, client, operation }) => ({
    grant_id: who.grant,
    used_at: at,
    address,
    client,
    operation,
  }))
  await db.raw(
    `with noted as materialized (
       select * from jsonb_to_recordset(?::jsonb)
         as noted (grant_id text, used_at timestamptz, address text, client text, operation text)
     ), held as materialized (
       select id from grants where id in (select grant_id from noted) order by id for key share
     )
     insert into grant_uses (grant_id, used_at, address, client, operation)
     select noted.* from noted join held on held.id = noted.grant_id
     order by noted.grant_id
     on conflict (grant_id) do update
       set used_at = excluded.used_at, address = excluded.address, client = excluded.client,
         operation = excluded.operation
       where grant_uses.used_at < excluded.used_at`,
    [JSON.stringify(rows)],
  )
}

/** When each of these grants was last used; one that never was is not in it. Primary key. */
export async function findGrantUses(
  db: Db,
  grants: readonly GrantId[],
): Promise<ReadonlyMap<GrantId, CredentialUse>> {
  const rows = await db<{
    grant_id: GrantId
    used_at: Date
    address: string | null
    client: string | null
    operation: string | null
  }>('grant_uses').whereIn('grant_id', [...grants])
  return new Map(
    rows.map(({ grant_id, used_at, address, client, operation }) => [
      grant_id,
      { at: used_at, address, client, operation },
    ]),
  )
}
