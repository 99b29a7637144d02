// How long a refresh token lives.
import { addSeconds, earlier } from '../lib/time.ts'

/**
 * From now on for as long as it may lie idle, and never longer than its grant: whoever rotates it moves the first
 * of the two and never the second.
 * @param idleSeconds null for no such limit
 */
export function refreshExpiry(now: Date, grantEnds: Date, idleSeconds: number | null): Date {
  return idleSeconds === null ? grantEnds : earlier(addSeconds(now, idleSeconds), grantEnds)
}
