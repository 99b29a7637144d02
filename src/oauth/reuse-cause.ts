// Why a retired refresh token came back after its grace window (docs/decisions/011): a pure question about what is
// known. It names what most likely happened, for people to read; it decides nothing.
import { addSeconds } from '../lib/time.ts'

/**
 * - `race`: many requests with one token at once.
 * - `lost_response`: nobody used what took its place; the answer never reached the client.
 * - `stale_client`: its successor is in use, by the very client that brings the old one back.
 * - `reuse`: anything else; perhaps a thief.
 */
export type ReuseCause = 'lost_response' | 'race' | 'stale_client' | 'reuse'

/** Where a request came from, as far as one client can be told from another. */
export interface Place {
  readonly address: string | null
  /** How it calls itself (User-Agent). */
  readonly client: string | null
}

/** What is known when a retired token comes back. */
export interface Reuse {
  readonly createdAt: Date
  readonly retiredAt: Date
  readonly retiredBy: Place
  /** null while its direct successor has not been rotated. */
  readonly successorRetiredBy: Place | null
  /** When, and by whom, any access token of the family was last used; null for never. */
  readonly lastUse: { readonly at: Date; readonly by: Place } | null
  readonly presentedBy: Place
}

/**
 * The cause of what was no race. A successor counts as used when it was rotated, or when the family's access tokens
 * were used after those that came before it had ended. A use between its birth and that moment may be of either
 * one: it is taken for one of the old tokens when it came from where the retired token comes from now.
 */
export function causeOfReuse(reuse: Reuse, accessTokenSeconds: number): Exclude<ReuseCause, 'race'> {
  const { retiredBy, successorRetiredBy, presentedBy } = reuse
  if (!isSuccessorUsed(reuse, accessTokenSeconds)) return 'lost_response'
  const known = [retiredBy, ...(successorRetiredBy ? [successorRetiredBy] : [])]
  return known.some((place) => isSame(place, presentedBy)) ? 'stale_client' : 'reuse'
}

function isSuccessorUsed(
  { createdAt, retiredAt, successorRetiredBy, lastUse, presentedBy }: Reuse,
  accessTokenSeconds: number,
): boolean {
  if (successorRetiredBy) return true
  if (!lastUse || lastUse.at <= retiredAt) return false
  // The access token that was born with the retired one is the last of those before its successor's.
  const oldOnesEnd = addSeconds(createdAt, accessTokenSeconds)
  return lastUse.at > oldOnesEnd || !isSame(lastUse.by, presentedBy)
}

/** An unknown address or name is nobody's: it is never the same. */
function isSame(left: Place, right: Place): boolean {
  return (
    left.address !== null &&
    left.client !== null &&
    left.address === right.address &&
    left.client === right.client
  )
}
