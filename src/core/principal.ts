// Who is calling: what the validator makes of a good credential, and the proof that it may.
import type { OperationId } from './contract.ts'
import type { ClientId, GrantId, KeyId, OrganizationId, PersonId } from './ids.ts'
import { Problem } from './problems.ts'
import { missingScopes, type Scopes } from './scopes.ts'

/** Live data or the sandbox: a property of every credential and row, never a parameter (decision 7). */
export type Mode = 'live' | 'test'
export const modes = ['live', 'test'] as const satisfies readonly Mode[]

interface Holder {
  readonly organization: OrganizationId
  readonly mode: Mode
  readonly scopes: Scopes
  readonly expiresAt: Date | null
}

export interface ApiKeyPrincipal extends Holder {
  readonly kind: 'api_key'
  readonly key: KeyId
}

export interface AccessTokenPrincipal extends Holder {
  readonly kind: 'access_token'
  readonly client: ClientId
  readonly person: PersonId
  readonly grant: GrantId
  /** The resource server that the token is for (RFC 8707); another one refuses it. */
  readonly audience: string
}

export type Principal = ApiKeyPrincipal | AccessTokenPrincipal

/** What a principal is called in logs, limits and the ledger: one name per credential's owner. */
export function principalId(who: Principal): KeyId | GrantId {
  return who.kind === 'api_key' ? who.key : who.grant
}

declare const proven: unique symbol
/** A principal that was seen to hold the scopes of the operation: only `requireScopes` makes one. */
export type Caller = Principal & { readonly [proven]: OperationId }

/** @throws Problem insufficient_scope, naming every scope that is lacking */
export function requireScopes(who: Principal, required: readonly string[]): Caller {
  const missing = missingScopes(required, who.scopes)
  if (missing.length > 0) {
    const names = missing.map((scope) => `"${scope}"`).join(', ')
    throw new Problem('insufficient_scope', {
      say: `The credential lacks the scope ${names}, which this operation requires.`,
      missingScopes: missing,
    })
  }
  // The proof is minted here alone; it exists for the compiler only.
  return who as Caller
}
