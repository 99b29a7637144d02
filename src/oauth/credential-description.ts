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
 * @param issuer the authorization server: `iss`
 */
export function describeCredential(who: TenantPrincipal, caller: ResourceServer, issuer: string): object {
  const { expiresAt } = who
  return {
    active: true,
    scope: caller.scopes
      ? printScopes(caller.scopes.filter((scope) => who.scopes.has(scope)))
      : printedScopes(who.scopes),
    ...(who.kind === 'api_key' ? ofKey(who) : ofToken(who)),
    iss: issuer,
    aud: caller.audience,
    iat: who.issuedAt,
    ...(expiresAt ? { exp: epochSeconds(expiresAt) } : {}),
    org_id: who.organization,
    mode: who.mode,
    credential_type: who.kind,
  }
}

/** Nobody stands behind a key but the key: it is its own subject, as a client is (RFC 9068 section 2.2). */
function ofKey({ key, allowedAddresses }: ApiKeyPrincipal): object {
  return {
    client_id: key,
    sub: key,
    token_type: 'Bearer',
    key_id: key,
    // Who keeps the answer must not give it to a request from elsewhere.
    ...(allowedAddresses ? { address_bound: true } : {}),
  }
}

function ofToken({ client, person, grant, dpopThumbprint }: AccessTokenPrincipal): object {
  return {
    client_id: client,
    sub: person,
    // Of a token that is bound to its client's key the resource server asks for a proof (RFC 9449 section 6.2).
    ...(dpopThumbprint === null
      ? { token_type: 'Bearer' }
      : { token_type: 'DPoP', cnf: { jkt: dpopThumbprint } }),
    grant_id: grant,
  }
}
