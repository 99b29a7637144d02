// Our apps and grants as the engine reads them.
import type { App } from '../apps/app.ts'
import type { ClientId, GrantId } from '../core/ids.ts'
import { printScopes } from '../core/scopes.ts'
import { epochSeconds } from '../lib/time.ts'
import type { AdapterPayload, ClientMetadata } from './engine.ts'
import type { Grant } from './grant-store.ts'

/**
 * An app as client metadata (RFC 7591 section 2): public, code with PKCE and refresh, our scopes alone.
 * @param offered what apps may ask for: the engine refuses a client that names another scope, and one from before the
 *   profile lost a scope would be refused for all of its others too
 */
export function toMetadata(app: App, offered: readonly string[]): ClientMetadata {
  return {
    client_id: app.clientId,
    client_name: app.name,
    redirect_uris: [...app.redirectUris],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    response_modes: ['query'],
    token_endpoint_auth_method: 'none',
    // Every client is `native` to the engine: only those may use a loopback address on any port (RFC 8252
    // section 7.3), and whether their people are asked again is remembered-consent.ts's to say.
    application_type: 'native',
    scope: printScopes([...app.scopes.filter((scope) => offered.includes(scope)), 'offline_access']),
    dpop_bound_access_tokens: app.requiresDpop,
  }
}

/** What the engine knows of a grant: for whom, by whom, and what for. */
export function toGrantPayload(grant: Grant): AdapterPayload & { clientId: ClientId; jti: GrantId } {
  return {
    jti: grant.id,
    kind: 'Grant',
    accountId: grant.person,
    clientId: grant.client,
    resources: { [grant.resource]: printScopes(grant.scopes) },
    iat: epochSeconds(grant.createdAt),
    exp: epochSeconds(grant.expiresAt),
  }
}
