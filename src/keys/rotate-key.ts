// Rotating a key: a new one that can do the same takes its place, and for a while both work.
import { record } from '../audit/record.ts'
import { Problem } from '../core/problems.ts'
import { deleteKeyCredentials, limitKeyCredential } from '../credentials/credential-store.ts'
import type { SecretFormat } from '../credentials/format.ts'
import type { Db } from '../db/connect.ts'
import { asTenant } from '../db/tenant.ts'
import { addSeconds, daySeconds, earlier, hourSeconds } from '../lib/time.ts'
import { requireActiveOrganization } from '../organizations/organization-store.ts'
import { change, type KeyChangeRequest } from './change-key.ts'
import { describeKey, type IssuedKey, writeKey } from './issue-key.ts'
import { type ApiKey, keyState } from './key.ts'
import { findSuccessor, updateKey } from './key-store.ts'
import { lockKeyForMaker } from './maker.ts'
import { checkExpiry, longestKeyLifeSeconds } from './new-key.ts'

/** What a new key has instead of what the old one had. */
export interface Given {
  readonly name?: string
  readonly expiresAt?: Date | null
  /** A life that has an end ends by then. */
  readonly notAfter?: Date | null
}

/** How long both keys work, in seconds: what the pages offer. */
export const overlaps = [0, hourSeconds, 24 * hourSeconds, 7 * daySeconds] as const
export const longestOverlapSeconds = 7 * daySeconds

export interface RotatedKey extends IssuedKey {
  /** The key whose place was taken, with the time at which it stops. */
  readonly old: ApiKey
}

/**
 * Of any number of rotations of one key at once exactly one succeeds. The new key has the old one's name, mode,
 * scopes and networks, and as long a life from now as that one had.
 * @param given what it has instead
 * @param check refuses (by throwing) a new key that its maker may not make
 * @throws Problem key_not_found; key_state_conflict for a key that does not work or was rotated already;
 *   organization_suspended; invalid_credential for a maker that is a key, and good no more
 */
export function rotateKey(
  db: Db,
  format: SecretFormat,
  { reach, id, by, now, check }: KeyChangeRequest,
  overlapSeconds: number,
  given: Given = {},
): Promise<RotatedKey> {
  return db.transaction(async (outer) => {
    await requireActiveOrganization(outer, reach.organization)
    return await asTenant(outer, reach, async (tx) => {
      const old = await lockKeyForMaker(tx, reach, id, by, now)
      if (!old) throw new Problem('key_not_found')
      const { name = old.name, notAfter } = given
      const lifetime = given.expiresAt ?? checkExpiry(nextExpiry(old, now), now)
      const expiresAt = lifetime && notAfter ? earlier(lifetime, notAfter) : lifetime
      const next = { ...old, name, expiresAt }
      check?.(next)
      await requireRotatable(tx, old, now)
      const issued = await writeKey(tx, format, { ...next, by }, old.id, now)
      const retiresAt = addSeconds(now, overlapSeconds)
      const retired = await updateKey(tx, old.id, { retiresAt })
      if (overlapSeconds === 0) await deleteKeyCredentials(tx, old.id)
      else await limitKeyCredential(tx, old.id, retiresAt)
      await record(tx, {
        organization: old.organization,
        by,
        action: 'key.rotated',
        target: old.id,
        details: { ...describeKey(issued.key), new_key: issued.key.id, old_key_until: retiresAt },
      })
      return { ...issued, old: retired }
    })
  })
}

/**
 * Ends the overlap now: the old key, which `id` names, is refused from the commit on.
 * @throws Problem key_not_found; key_state_conflict for a key that is in no overlap
 */
export function endOverlap(db: Db, request: KeyChangeRequest): Promise<ApiKey> {
  return change(db, request, 'key.overlap_ended', async (tx, key) => {
    if (keyState(key, request.now) !== 'retiring')
      throw new Problem('key_state_conflict', { say: 'The key is in no overlap that could be ended.' })
    await deleteKeyCredentials(tx, key.id)
    return await updateKey(tx, key.id, { retiresAt: request.now })
  })
}

/** Made to live for 90 days, its successor lives 90 days from now; one that was imported may have lived too long. */
function nextExpiry({ createdAt, expiresAt }: ApiKey, now: Date): Date | null {
  if (!expiresAt) return null
  const life = expiresAt.getTime() - createdAt.getTime()
  return earlier(new Date(now.getTime() + life), addSeconds(now, longestKeyLifeSeconds))
}

async function requireRotatable(db: Db, key: ApiKey, now: Date): Promise<void> {
  if (keyState(key, now) === 'active') return
  const successor = await findSuccessor(db, key.id)
  throw successor && key.retiresAt
    ? new Problem('key_state_conflict', {
        say: `The key was rotated already: ${successor} took its place.`,
        conflictsWith: successor,
      })
    : new Problem('key_state_conflict', {
        say: `The key is ${keyState(key, now)}: only a key that works can be rotated.`,
      })
}
