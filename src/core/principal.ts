// Who is calling: what the validator makes of a good credential, and the proof that it may.
import type { Operation, OperationId } from './contract.ts'
import type { ClientId, GrantId, KeyId, OrganizationId, PersonId, PlatformId } from './ids.ts'
import { Problem } from './problems.ts'
import { holdsAll, missingScopes, type Scopes } from './scopes.ts'

/** Live data or the sandbox: a property of every credential and row, never a parameter (decision 7). */
export type Mode = 'live' | 'test'
export const modes = ['live', 'test'] as const satisfies readonly Mode[]

interface Holder {
  readonly organization: OrganizationId
  readonly mode: Mode
  readonly scopes: Scopes
  /** In whole seconds since 1970: many are kept in memory, and a Date takes more of it than all the rest. */
  readonly issuedAt: number
  readonly expiresAt: Date | null
}

export interface ApiKeyPrincipal extends Holder {
  readonly kind: 'api_key'
  readonly key: KeyId
  /** The networks that it may be used from (CIDR); null for anywhere. */
  readonly allowedAddresses: readonly string[] | null
}

export interface AccessTokenPrincipal extends Holder {
  readonly kind: 'access_token'
  readonly client: ClientId
  readonly person: PersonId
  readonly grant: GrantId
  /** The resource server that the token is for (RFC 8707); another one refuses it. */
  readonly audience: string
  /** Of the key that it is bound to (RFC 9449): who presents it has to prove that it holds the key; null for none. */
  readonly dpopThumbprint: string | null
}

/** Holds no data of anybody: it opens provisioning and nothing else. */
export interface PlatformPrincipal {
  readonly kind: 'platform_key'
  readonly platform: PlatformId
  readonly scopes: Scopes
  readonly expiresAt: null
}

/** Those that act for one organization, in one mode. */
export type TenantPrincipal = ApiKeyPrincipal | AccessTokenPrincipal
export type Principal = TenantPrincipal | PlatformPrincipal

/** What a principal is called in logs, limits and the ledger: one name per credential's owner. */
export function principalId(who: Principal): KeyId | GrantId | PlatformId {
  switch (who.kind) {
    case 'api_key':
      return who.key
    case 'access_token':
      return who.grant
    case 'platform_key':
      return who.platform
  }
}

declare const proven: unique symbol
type Proven = { readonly [proven]: OperationId }
/** A principal that was seen to hold the scopes of the operation: only `requireScopes` makes one. */
export type Caller = TenantPrincipal & Proven
/** A platform that was seen to call an operation for platforms: only `requirePlatform` makes one. */
export type PlatformCaller = PlatformPrincipal & Proven

/** @throws Problem insufficient_scope, naming every scope that is lacking; wrong_credential_kind for a platform */
export function requireScopes(who: Principal, { requiredScopes }: Operation): Caller {
  if (who.kind === 'platform_key') {
    throw new Problem('wrong_credential_kind', {
      say: 'A platform key opens provisioning alone. Use the key of the organization here.',
    })
  }
  if (!holdsAll(who.scopes, requiredScopes)) {
    const missing = missingScopes(requiredScopes, who.scopes)
    const names = missing.map((scope) => `"${scope}"`).join(', ')
    throw new Problem('insufficient_scope', {
      say: `The credential lacks the scope ${names}, which this operation requires.`,
      neededScopes: neededScopes(who, requiredScopes),
    })
  }
  // The proof is minted here and below alone; it exists for the compiler only.
  return who as Caller
}

/**
 * All that the operation requires, and what the credential holds as well: clients ask for exactly what the
 * challenge names (MCP, "Scope Challenge Handling"), and would come back with less than they had.
 */
function neededScopes(who: TenantPrincipal, required: readonly string[]): readonly string[] {
  return [...new Set([...who.scopes, ...required])]
}

/** @throws Problem wrong_credential_kind */
export function requirePlatform(who: Principal): PlatformCaller {
  if (who.kind !== 'platform_key') {
    throw new Problem('wrong_credential_kind', { say: 'This operation is for platform keys alone.' })
  }
  return who as PlatformCaller
}
