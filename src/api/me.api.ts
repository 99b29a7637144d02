// GET /me: what the calling credential is.
import type { Handler } from '../core/handler.ts'
import type { TenantPrincipal } from '../core/principal.ts'

export const getMe: Handler = ({ caller }) => ({
  kind: 'item',
  status: 200,
  item: showPrincipal(caller),
})

function showPrincipal(who: TenantPrincipal): object {
  const common = {
    kind: who.kind,
    organization_id: who.organization,
    mode: who.mode,
    scopes: [...who.scopes].sort(),
    expires_at: who.expiresAt?.toISOString() ?? null,
  }
  return who.kind === 'api_key'
    ? { ...common, key_id: who.key }
    : { ...common, client_id: who.client, grant_id: who.grant, person_id: who.person }
}
