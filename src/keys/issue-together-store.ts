// Many new keys in one statement: their rows in `api_keys`, their credentials, and what the ledger is told.
import { insertEventFrom, type NewEvent } from '../audit/audit-store.ts'
import type { KeyId } from '../core/ids.ts'
import { insertKeyCredentialsFrom } from '../credentials/credential-store.ts'
import type { Database, Statement } from '../db/connect.ts'
import { activeOrganizationsFrom } from '../organizations/organization-store.ts'
import type { ApiKey } from './key.ts'

/** A key that is to be made by another one. */
export interface DraftedKey {
  readonly key: ApiKey
  readonly maker: KeyId
  readonly event: NewEvent
}

// It runs for many tenants at once, so it can't put on the role of one (decision 23). In place of that wall: of whom a
// key is, and in which mode, is read from the row of its maker, and never from what was given alone.
//
// It waits for nobody, or one organization that is being suspended would hold up the keys of all others: what somebody
// else has locked is left out. No two statements that do not wait can wait for each other.
const insertTogether: Statement = {
  name: 'issue-keys-together',
  text: `
    with given as (
      select * from json_to_recordset($1::json) as given (
        id text, maker_id text, organization_id text, mode text, name text, scopes text[], prefix text, last_four text,
        hash text, allowed_addresses text[], created_at timestamptz, expires_at timestamptz,
        actor_kind text, actor_id text, action text, address text, request_id text, details jsonb
      )
    ), ${activeOrganizationsFrom('$2::text[]')}, maker as (
      select found.* from unnest($3::text[]) as wanted(id)
      cross join lateral (
        select id, organization_id, mode, least(expires_at, retires_at) as ends_at from api_keys
        where id = wanted.id and revoked_at is null and deactivated_at is null
        limit 1 for share skip locked
      ) found
    ), good as materialized (
      select given.id, maker.id as maker_id, maker.organization_id, maker.mode, given.name, given.scopes, given.prefix,
        given.last_four, decode(given.hash, 'hex') as hash, given.allowed_addresses, given.created_at, given.expires_at,
        given.actor_kind, given.actor_id, given.action, given.address, given.request_id, given.details
      from given
      join maker on (maker.id, maker.organization_id, maker.mode) = (given.maker_id, given.organization_id, given.mode)
      join active on active.id = maker.organization_id
      where maker.ends_at is null or maker.ends_at > given.created_at
    ), made as (
      insert into api_keys (id, organization_id, mode, name, scopes, prefix, last_four, hash, allowed_addresses,
        created_by, created_at, expires_at)
      select id, organization_id, mode, name, scopes, prefix, last_four, hash, allowed_addresses,
        maker_id, created_at, expires_at
      from good
    ), ${insertKeyCredentialsFrom('good')}, ${insertEventFrom(
      'good',
      'organization_id, actor_kind, actor_id, null, action, id, address, request_id, details',
    )}
    select id from good`,
}

/**
 * Makes those whose organization is active and whose maker is good, each whole or not at all, and gives their ids. Of
 * the others, and of what somebody else changes at this moment, it makes nothing: what is the matter is for the caller
 * to find out.
 */
export async function insertKeysTogether(
  database: Database,
  drafted: readonly DraftedKey[],
): Promise<ReadonlySet<KeyId>> {
  const rows = await database.run<{ id: KeyId }>(insertTogether, [
    JSON.stringify(drafted.map(toRow)),
    [...new Set(drafted.map(({ key }) => key.organization))],
    [...new Set(drafted.map(({ maker }) => maker))],
  ])
  return new Set(rows.map(({ id }) => id))
}

function toRow({ key, maker, event }: DraftedKey) {
  return {
    id: key.id,
    maker_id: maker,
    organization_id: key.organization,
    mode: key.mode,
    name: key.name,
    scopes: key.scopes,
    prefix: key.prefix,
    last_four: key.lastFour,
    hash: key.hash.toString('hex'),
    allowed_addresses: key.allowedAddresses,
    created_at: key.createdAt,
    expires_at: key.expiresAt,
    actor_kind: event.actorKind,
    actor_id: event.actorId,
    action: event.action,
    address: event.address,
    request_id: event.requestId,
    details: event.details,
  }
}
