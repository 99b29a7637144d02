// An API key as people see it: its name, its scopes, its state; never its secret.
import type { KeyId, OrganizationId } from '../core/ids.ts'
import type { Mode } from '../core/principal.ts'

export interface ApiKey {
  readonly id: KeyId
  readonly organization: OrganizationId
  readonly mode: Mode
  readonly name: string
  /** Fixed for good when the key is made. */
  readonly scopes: readonly string[]
  readonly prefix: string
  readonly lastFour: string
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly revokedAt: Date | null
}

export type KeyState = 'active' | 'expired' | 'revoked'

export function keyState(key: ApiKey, now: Date): KeyState {
  if (key.revokedAt) return 'revoked'
  return key.expiresAt && key.expiresAt <= now ? 'expired' : 'active'
}
