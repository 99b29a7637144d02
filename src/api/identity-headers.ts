// Who is calling, as the server behind a proxy is told. Every header is sent always: proxies overwrite what the client
// sent under its name only by one that is there, and some only by one that is not empty.
import { type Principal, principalId } from '../core/principal.ts'
import { printedScopes } from '../core/scopes.ts'

/** In place of what a credential does not have; no id and no scope is written so. */
export const nothing = '-'

const kept = new WeakMap<Principal, readonly string[]>()

/** Names and values in turn, put together once for each principal: those that are kept in memory are always the same. */
export function identityHeaders(who: Principal): readonly string[] {
  const known = kept.get(who)
  if (known) return known
  const isTenant = who.kind !== 'platform_key'
  const isToken = who.kind === 'access_token'
  const headers = [
    ...['X-Latchkey-Organization', isTenant ? who.organization : nothing],
    ...['X-Latchkey-Mode', isTenant ? who.mode : nothing],
    ...['X-Latchkey-Credential-Kind', who.kind],
    ...['X-Latchkey-Credential-Id', principalId(who)],
    ...['X-Latchkey-Client', isToken ? headerText(who.client) : nothing],
    ...['X-Latchkey-Person', isToken ? who.person : nothing],
    ...['X-Latchkey-Scopes', printedScopes(who.scopes) || nothing],
  ]
  kept.set(who, headers)
  return headers
}

/** A text as a header can have it: what is not printable ASCII is escaped. */
export function headerText(text: string): string {
  return /^[\x21-\x7e]+$/.test(text) ? text : encodeURIComponent(text)
}
