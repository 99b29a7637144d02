// What a resource server is told of a credential: by introspection, one at a time, and by verification of many.
import type { AccessTokenPrincipal, ApiKeyPrincipal, Principal, TenantPrincipal } from '../core/principal.ts'
import { printedScopes, printScopes } from '../core/scopes.ts'
import { epochSeconds } from '../lib/time.ts'
import type { ResourceServer } from './resource-server.ts'

/** What is not active is told as nothing else: why is for nobody to learn (RFC 7662 section 2.2). */
export const inactive = { active: false } as const

/**
 * Those credentials that mean something to a resource server; null for the others: a platform's key opens provisioning
 * alone, and an API key is for our own API, whoever serves it.
 * @param ownAudience that of our own API
 */
export function meantFor(
  who: Principal,
  { audience }: ResourceServer,
  ownAudience: string,
): TenantPrincipal | null {
  if (who.kind === 'platform_key') return null
  return who.kind === 'api_key' && audience !== ownAudience ? null : who
}

/**
 * The claims of RFC 7662 section 2.2, and ours: org_id, mode, credential_type and the ids of what stands behind it.
 * What is undefined is for JSON to leave out: put together by spreads it would cost more than it is to find.
 * @param issuer the authorization server: `iss`
 */
export function describeCredential(who: TenantPrincipal, caller: ResourceServer, issuer: string): object {
  return who.kind === 'api_key' ? describeKey(who, caller, issuer) : describeToken(who, caller, issuer)
}

function scopeFor(who: TenantPrincipal, { scopes }: ResourceServer): string {
  return scopes ? printScopes(scopes.filter((scope) => who.scopes.has(scope))) : printedScopes(who.scopes)
}

/** Nobody stands behind a key but the key: it is its own subject, as a client is (RFC 9068 section 2.2). */
function describeKey(who: ApiKeyPrincipal, caller: ResourceServer, issuer: string) {
  return {
    active: true,
    scope: scopeFor(who, caller),
    client_id: who.key,
    sub: who.key,
    token_type: 'Bearer',
    key_id: who.key,
    // Who keeps the answer must not give it to a request from elsewhere.
    address_bound: who.allowedAddresses ? true : undefined,
    iss: issuer,
    aud: caller.audience,
    iat: who.issuedAt,
    exp: who.expiresAt ? epochSeconds(who.expiresAt) : undefined,
    org_id: who.organization,
    mode: who.mode,
    credential_type: who.kind,
  }
}

function describeToken(who: AccessTokenPrincipal, caller: ResourceServer, issuer: string) {
  const { dpopThumbprint } = who
  return {
    active: true,
    scope: scopeFor(who, caller),
    client_id: who.client,
    sub: who.person,
    // Of a token that is bound to its client's key the resource server asks for a proof (RFC 9449 section 6.2).
    token_type: dpopThumbprint === null ? 'Bearer' : 'DPoP',
    cnf: dpopThumbprint === null ? undefined : { jkt: dpopThumbprint },
    grant_id: who.grant,
    iss: issuer,
    aud: caller.audience,
    iat: who.issuedAt,
    exp: who.expiresAt ? epochSeconds(who.expiresAt) : undefined,
    org_id: who.organization,
    mode: who.mode,
    credential_type: who.kind,
  }
}
