// What spends a code and what rotates a refresh token have in common: the grant that must live, and the
// tokens that are minted from it, as parts of one statement.
import { insertEventFrom } from '../audit/audit-store.ts'
import type { Action } from '../audit/record.ts'
import type { Origin } from '../core/attribution.ts'
import type { GrantId } from '../core/ids.ts'
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

interface MintMany {
  /** Columns of what is wanted beside those that each mint has: name and type, parameters 11 and on. */
  readonly more: readonly (readonly [name: string, type: string])[]
  /** `update <table> as secret set …`, over the columns of `wanted`. */
  readonly spend: string
  readonly unspent: string
  readonly generation: string
  readonly action: Action
}

/**
 * The same for many at once, of which each is in for itself: a secret that was spent, or a grant that was revoked or
 * stopped, leaves its neighbours alone. A grant that somebody else has locked is passed by, not waited for: a statement
 * for many would have all of them wait. They are locked in the order of their ids. Answers the places of those that
 * were minted. Tokens that are to be bound to a key are not among them. Each grant is a probe of its own: a plan that was
 * made while the tables were empty would read all of them for as long as it is kept.
 */
export function spendAndMintMany({ more, spend, unspent, generation, action }: MintMany): string {
  const types = [...commonTypes, ...more.map(([, type]) => type)].map((type, at) => `$${at + 1}::${type}[]`)
  return `
    with wanted as (
      select * from unnest(${types.join(', ')}) with ordinality
        as wanted (hash, grant_id, access_hash, access_scopes, access_expires_at, refresh_hash, refresh_scopes,
          refresh_expires_at, address, request_id, ${more.map(([name]) => `${name}, `).join('')}place)
    ), live_grant as (
      select it.* from (select distinct grant_id from wanted order by grant_id) as sought
      cross join lateral (
        select * from grants where id = sought.grant_id and not is_stopped for no key update skip locked
      ) as it
    ), spent as (
      ${spend}
      from wanted join live_grant on live_grant.id = wanted.grant_id
      where secret.hash = any($1) and secret.hash = wanted.hash and secret.${unspent}
      returning wanted.place, ${generation} as generation
    ), minted as (
      select wanted.*, spent.generation, organization_id, mode, live_grant.client_id, person_id, resource,
        array(select scope from unnest(string_to_array(access_scopes, ' ')) as scope
              where scope = any(live_grant.scopes)) as allowed
      from spent join wanted using (place) join live_grant on live_grant.id = wanted.grant_id
    ), access as (
      insert into credentials
        (hash, kind, organization_id, mode, scopes, audience, client_id, person_id, grant_id, expires_at)
      select access_hash, 'access_token', organization_id, mode, allowed, resource, client_id, person_id, grant_id,
        access_expires_at
      from minted
    ), refresh as (
      insert into refresh_tokens (hash, grant_id, scopes, expires_at, generation, is_bound)
      select refresh_hash, grant_id, string_to_array(refresh_scopes, ' '), refresh_expires_at, generation, false
      from minted where refresh_hash is not null
    ), ${insertEventFrom(
      'minted',
      `organization_id, 'app', client_id, person_id, '${action}', grant_id, address, request_id,
        jsonb_build_object('mode', mode, 'scopes', allowed)`,
    )}
    select place::int from spent`
}

const commonTypes = [
  ...['bytea', 'text', 'bytea', 'text', 'timestamptz', 'bytea', 'text', 'timestamptz', 'text', 'text'],
]

/** What each mint of many has. */
export interface WantedMint {
  readonly hash: Digest
  readonly grantId: GrantId
  readonly access: MintedToken
  readonly refresh: MintedToken | null
  readonly origin: Origin
}

/** The first parameters of `spendAndMintMany`. */
export function columnsOf(wanted: readonly WantedMint[]): unknown[] {
  // A scope has no space in it (RFC 6749 section 3.3), and an array of arrays would have to be a rectangle.
  const text = (token: MintedToken | null) => token?.scopes.join(' ') ?? null
  return [
    wanted.map(({ hash }) => hash),
    wanted.map(({ grantId }) => grantId),
    wanted.map(({ access }) => access.hash),
    wanted.map(({ access }) => text(access)),
    wanted.map(({ access }) => access.expiresAt),
    wanted.map(({ refresh }) => refresh?.hash ?? null),
    wanted.map(({ refresh }) => text(refresh)),
    wanted.map(({ refresh }) => refresh?.expiresAt ?? null),
    wanted.map(({ origin }) => origin.address),
    wanted.map(({ origin }) => origin.requestId),
  ]
}

/** For each place of `count`, whether it is among those that the statement answered. */
export function isPlaceAmong(rows: readonly { readonly place: number }[], count: number): boolean[] {
  const places = new Set(rows.map(({ place }) => place))
  return Array.from({ length: count }, (_, at) => places.has(at + 1))
}

/** What was found of these hashes, in their order; null for each that was not. Places count from 1. */
export function inTheirPlaces<Row extends { readonly place: number }, Found>(
  hashes: readonly Digest[],
  rows: readonly Row[],
  read: (hash: Digest, row: Row) => Found,
): (Found | null)[] {
  const found: (Found | null)[] = hashes.map(() => null)
  for (const row of rows) {
    const hash = hashes[row.place - 1]
    if (hash) found[row.place - 1] = read(hash, row)
  }
  return found
}

/** The parameters of a token, in the order hash, scopes, expiry; nulls for none. */
export function placesOf(token: MintedToken | null): readonly unknown[] {
  return [token?.hash ?? null, token?.scopes ?? null, token?.expiresAt ?? null]
}
