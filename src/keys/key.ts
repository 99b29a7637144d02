// An API key as people see it: its name, its scopes, its state; never its secret.
import type { KeyId, OrganizationId } from '../core/ids.ts'
import type { Mode } from '../core/principal.ts'
import type { CredentialUse } from '../credentials/last-use.ts'
import type { Digest } from '../lib/digest.ts'
import { addSeconds, daySeconds } from '../lib/time.ts'

export interface ApiKey {
  readonly id: KeyId
  readonly organization: OrganizationId
  readonly mode: Mode
  readonly name: string
  /** Fixed for good when the key is made. */
  readonly scopes: readonly string[]
  readonly prefix: string
  readonly lastFour: string
  /** What its secret is known by, for putting its credential back. */
  readonly hash: Digest
  /** The networks that it may be used from (CIDR); null for anywhere. */
  readonly allowedAddresses: readonly string[] | null
  /** The id of the person, key or platform that made it, or `madeByImport`; null for a command. */
  readonly createdBy: string | null
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly deactivatedAt: Date | null
  readonly revokedAt: Date | null
  /** The key whose place it took. */
  readonly rotatedFrom: KeyId | null
  /** When it stops, since another took its place: the end of the overlap. */
  readonly retiresAt: Date | null
}

/** What stands for the maker of a key that was made elsewhere, and imported. */
export const madeByImport = 'import'

/** A key with what is known about it: who made it and when it was last used. */
export interface KeyListing {
  readonly key: ApiKey
  /** Name or address of the person who made it; null when it was none, or one who is no member any more. */
  readonly creator: string | null
  readonly lastUse: CredentialUse | null
}

/** `retiring`: another took its place, and both work; `retired`: that is over. */
export type KeyState = 'active' | 'retiring' | 'deactivated' | 'expired' | 'retired' | 'revoked'

export function keyState(key: ApiKey, now: Date): KeyState {
  if (key.revokedAt) return 'revoked'
  if (key.retiresAt && key.retiresAt <= now) return 'retired'
  if (key.expiresAt && key.expiresAt <= now) return 'expired'
  if (key.deactivatedAt) return 'deactivated'
  return key.retiresAt ? 'retiring' : 'active'
}

/** Is its secret good? */
export function isWorking(key: ApiKey, now: Date): boolean {
  const state = keyState(key, now)
  return state === 'active' || state === 'retiring'
}

/** Has it reached the profile's rotation age (days), with nothing done about it yet? */
export function isDueForRotation(key: ApiKey, rotationDays: number | null, now: Date): boolean {
  if (rotationDays === null || keyState(key, now) !== 'active') return false
  return addSeconds(key.createdAt, rotationDays * daySeconds) <= now
}

/** When its secret stops to be good by itself: its expiry or the end of its overlap, whichever is first. */
export function endsAt({ expiresAt, retiresAt }: ApiKey): Date | null {
  if (!expiresAt || !retiresAt) return expiresAt ?? retiresAt
  return expiresAt < retiresAt ? expiresAt : retiresAt
}
