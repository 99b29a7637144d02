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

interface Mint {
  readonly grantId: number
  /** An update that finds the secret as long as it is unspent; it ends in its conditions. */
  readonly spend: string
  /** Of the refresh token that is minted, as SQL over the row that was spent. */
  readonly generation: string
  readonly access: Places
  readonly refresh: Places
  /** The thumbprint of the key that the tokens are bound to, and the grant with them; null for none. */
  readonly thumbprint: number
  readonly event: { readonly action: Action; readonly address: number; readonly requestId: number }
}

/**
 * `with live_grant …, spent …, access …, refresh …, event …`: the grant is locked first, always before what is spent,
 * so that a revocation is waited for and then mints nothing, and a scope that was taken from it meanwhile is not
 * minted (the answer, which was made before, still names it). A refresh token without a hash is left out. It is
 * locked as one that may be changed: a lock that had to grow for the key would wait for its neighbours, and they for it.
 */
export function spendAndMint({
  grantId,
  spend,
  generation,
  access,
  refresh,
  thumbprint,
  event,
}: Mint): string {
  return `
    with live_grant as (
      select * from grants where id = $${grantId} and not is_stopped for no key update
    ), spent as (
      ${spend} and exists (select from live_grant) returning ${generation} as generation
    ), bound as (
      update grants set dpop_jkt = $${thumbprint}
      from spent where grants.id = $${grantId} and dpop_jkt is null and $${thumbprint}::text is not null
    ), allowed as (
      select array(
        select scope from unnest($${access.scopes}::text[]) as scope where scope = any(live_grant.scopes)
      ) as scopes
      from live_grant
    ), access as (
      insert into credentials
        (hash, kind, organization_id, mode, scopes, audience, client_id, person_id, grant_id, expires_at, dpop_jkt)
      select $${access.hash}, 'access_token', organization_id, mode, allowed.scopes, resource, client_id,
        person_id, id, $${access.expiresAt}, $${thumbprint}
      from live_grant, allowed, spent
    ), refresh as (
      insert into refresh_tokens (hash, grant_id, scopes, expires_at, generation, is_bound)
      select $${refresh.hash}, id, $${refresh.scopes}, $${refresh.expiresAt}, generation, $${thumbprint}::text is not null
      from live_grant, spent where $${refresh.hash}::bytea is not null
    ), ${insertEventFrom(
      'live_grant, allowed, spent',
      `organization_id, 'app', client_id, person_id, '${event.action}', id, $${event.address}, $${event.requestId},
        jsonb_build_object('mode', mode, 'scopes', allowed.scopes)`,
    )}
    select count(*)::int as spent from spent`
}

/** The parameters of a token, in the order hash, scopes, expiry; nulls for none. */
export function placesOf(token: MintedToken | null): readonly unknown[] {
  return [token?.hash ?? null, token?.scopes ?? null, token?.expiresAt ?? null]
}
