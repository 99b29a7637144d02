// The state of a key in words: never by colour alone.

import { type ApiKey, isDueForRotation, keyState } from '../keys/key.ts'
import { daySeconds, secondMs } from '../lib/time.ts'
import { atMinute, fromNow } from './words.ts'

export interface KeyStatus {
  readonly text: string
  readonly tone: 'good' | 'notice' | 'over'
}

/** A key that ends within so many days says so. */
const soonDays = 14

/** @param rotationDays the age at which the profile wants a key rotated; null for none */
export function keyStatus(key: ApiKey, rotationDays: number | null, now: Date): KeyStatus {
  switch (keyState(key, now)) {
    case 'revoked':
      return { text: 'Revoked', tone: 'over' }
    case 'retired':
      return { text: 'Rotated out', tone: 'over' }
    case 'expired':
      return { text: 'Expired', tone: 'over' }
    case 'deactivated':
      return { text: 'Deactivated', tone: 'notice' }
    case 'retiring':
      return { text: `Rotating until ${key.retiresAt ? atMinute(key.retiresAt) : ''}`, tone: 'notice' }
    case 'active': {
      const msLeft = key.expiresAt ? key.expiresAt.getTime() - now.getTime() : Number.POSITIVE_INFINITY
      if (key.expiresAt && msLeft < soonDays * daySeconds * secondMs)
        return { text: `Expires ${fromNow(key.expiresAt, now)}`, tone: 'notice' }
      return isDueForRotation(key, rotationDays, now)
        ? { text: 'Rotate soon', tone: 'notice' }
        : { text: 'Active', tone: 'good' }
    }
  }
}
