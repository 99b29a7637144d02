// A key as the pages show it: every field in words.
import { type KeyListing, keyState, madeByImport } from '../keys/key.ts'
import { keyStatus } from './key-status.ts'
import { atMinute, fromNow, fromWhere, onDay, shortClient } from './words.ts'

/** @param rotationDays the age at which the profile wants a key rotated; null for none */
export function describeListing(
  { key, creator, lastUse }: KeyListing,
  rotationDays: number | null,
  now: Date,
) {
  const state = keyState(key, now)
  return {
    id: key.id,
    name: key.name,
    shown: `${key.prefix}…${key.lastFour}`,
    mode: key.mode,
    scopes: key.scopes,
    state,
    status: keyStatus(key, rotationDays, now),
    creator: creator ?? describeMaker(key.createdBy),
    createdAt: key.createdAt,
    created: onDay(key.createdAt),
    age: fromNow(key.createdAt, now),
    expires: key.expiresAt ? atMinute(key.expiresAt) : null,
    expiresFromNow: key.expiresAt ? fromNow(key.expiresAt, now) : null,
    retires: key.retiresAt ? atMinute(key.retiresAt) : null,
    rotatedFrom: key.rotatedFrom,
    allowedAddresses: key.allowedAddresses ?? [],
    lastUse: lastUse && {
      at: lastUse.at,
      fromNow: fromNow(lastUse.at, now),
      exactly: atMinute(lastUse.at),
      address: fromWhere(lastUse.address),
      client: lastUse.client,
      operation: lastUse.operation,
      shortClient: lastUse.client && shortClient(lastUse.client),
    },
  }
}

export type DescribedKey = ReturnType<typeof describeListing>

/** Who made a key that no member did. */
function describeMaker(id: string | null): string {
  if (id === null) return 'the command line'
  if (id === madeByImport) return 'an import'
  if (id.startsWith('key_')) return 'another key'
  if (id.startsWith('platform_')) return 'a platform'
  return 'a former member'
}
