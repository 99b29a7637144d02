// When keys were last used: the only file that knows `api_key_uses`.
import type { ApiKeyPrincipal } from '../core/principal.ts'
import type { NotedUse } from '../credentials/last-use.ts'
import type { Db } from '../db/connect.ts'

/**
 * One statement for any number of keys. An earlier use than the one that is known changes nothing, and a key
 * that is gone is left out. Rows are locked in the order of their ids, so that two nodes never wait for each other.
 */
export async function writeKeyUses(db: Db, uses: readonly NotedUse<ApiKeyPrincipal>[]): Promise<void> {
  const rows = uses.map(({ who, at, address, client, operation }) => ({
    key_id: who.key,
    organization_id: who.organization,
    mode: who.mode,
    used_at: at,
    address,
    client,
    operation,
  }))
  await db.raw(
    `insert into api_key_uses (key_id, organization_id, mode, used_at, address, client, operation)
     select noted.* from jsonb_to_recordset(?::jsonb)
       as noted (key_id text, organization_id text, mode text, used_at timestamptz, address text, client text,
         operation text)
     join api_keys on api_keys.id = noted.key_id
     order by noted.key_id
     on conflict (key_id) do update
       set used_at = excluded.used_at, address = excluded.address, client = excluded.client,
         operation = excluded.operation
       where api_key_uses.used_at < excluded.used_at`,
    [JSON.stringify(rows)],
  )
}
