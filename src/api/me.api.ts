// GET /me: what the calling credential is.
import type { Handler } from '../core/handler.ts'
import type { TenantPrincipal } from '../core/principal.ts'
import { sortedScopes } from '../core/scopes.ts'

export const getMe: Handler = ({ caller }) => ({
  kind: 'item',
  status: 200,
  item: showPrincipal(caller),
})

function showPrincipal(who: TenantPrincipal): object {
  const { kind, organization: organization_id, mode } = who
  const scopes = sortedScopes(who.scopes)
  const expires_at = who.expiresAt?.toISOString() ?? null
  return who.kind === 'api_key'
    ? { kind, organization_id, mode, scopes, expires_at, key_id: who.key }
    : {
        ...{ kind, organization_id, mode, scopes, expires_at },
        ...{ client_id: who.client, grant_id: who.grant, person_id: who.person },
      }
}
