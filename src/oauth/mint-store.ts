// What spends a code and what rotates a refresh token have in common: the grant that must live, and the
// tokens that are minted from it, as parts of one statement.
import { insertEventFrom } from '../audit/audit-store.ts'
import type { Action } from '../audit/record.ts'
import type { Digest } from '../lib/digest.ts'

export interface MintedToken {
  readonly hash: Digest
  readonly scopes: readonly string[]
  readonly expiresAt: Date
}

/** Numbers of the statement's parameters for one token. */
interface Places {
  readonly hash: number
  readonly scopes: number
  readonly expiresAt: number
}

/**
 * `with live_grant …, spent …, access …, refresh …, event …`: the grant is locked first, always before what is spent,
 * so that a revocation is waited for and then mints nothing; a refresh token without a hash is left out.
 * @param spend an update that returns a row when the secret was still unspent, and asks for `live_grant`
 */
export function spendAndMint(
  grantId: number,
  spend: string,
  access: Places,
  refresh: Places,
  event: { readonly action: Action; readonly address: number; readonly requestId: number },
): string {
  return `
    with live_grant as (
      select * from grants where id = $${grantId} and not is_stopped for share
    ), spent as (
      ${spend} and exists (select from live_grant) returning 1
    ), access as (
      insert into credentials
        (hash, kind, organization_id, mode, scopes, audience, client_id, person_id, grant_id, expires_at)
      select $${access.hash}, 'access_token', organization_id, mode, $${access.scopes}, resource, client_id,
        person_id, id, $${access.expiresAt}
      from live_grant, spent
    ), refresh as (
      insert into refresh_tokens (hash, grant_id, scopes, expires_at)
      select $${refresh.hash}, id, $${refresh.scopes}, $${refresh.expiresAt}
      from live_grant, spent where $${refresh.hash}::bytea is not null
    ), ${insertEventFrom(
      'live_grant, spent',
      `organization_id, 'app', client_id, person_id, '${event.action}', id, $${event.address}, $${event.requestId},
        jsonb_build_object('mode', mode, 'scopes', $${access.scopes}::text[])`,
    )}
    select count(*)::int as spent from spent`
}

/** The parameters of a token, in the order hash, scopes, expiry; nulls for none. */
export function placesOf(token: MintedToken | null): readonly unknown[] {
  return [token?.hash ?? null, token?.scopes ?? null, token?.expiresAt ?? null]
}
