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
  const expires_at = who.expiresAt ? written(who.expiresAt) : null
  if (who.kind === 'api_key') return { kind, organization_id, mode, scopes, expires_at, key_id: who.key }
  const { client: client_id, grant: grant_id, person: person_id } = who
  return { kind, organization_id, mode, scopes, expires_at, client_id, grant_id, person_id }
}

const times = new WeakMap<Date, string>()

/** A credential's end is asked for at each call, and never changes. */
function written(time: Date): string {
  const known = times.get(time)
  if (known !== undefined) return known
  const text = time.toISOString()
  times.set(time, text)
  return text
}
