// A key that makes or rotates another one: it must be good when that is done, and not only when it was asked for.
import type { Attribution } from '../core/attribution.ts'
import type { KeyId, OrganizationId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Tx } from '../db/connect.ts'
import { type ApiKey, isWorking } from './key.ts'
import { holdKey, type KeyQuery, lockKey } from './key-store.ts'

/**
 * Where a key is the maker, it is held until the transaction ends: a revocation that is under way is waited for,
 * and a later one finds what was made.
 * @throws Problem invalid_credential for a key that is good no more
 */
export async function requireGoodMaker(
  tx: Tx,
  organization: OrganizationId,
  { actor }: Attribution,
  now: Date,
): Promise<void> {
  if (actor.kind !== 'api_key') return
  const maker = await holdKey(tx, { organization }, actor.id)
  if (!maker || !isWorking(maker, now)) throw new Problem('invalid_credential', { reason: 'ended meanwhile' })
}

/**
 * The key, locked as by `lockKey`, with its maker held as by `requireGoodMaker`: in the order of their ids, so
 * that two keys which change each other do not wait for each other.
 * @throws Problem invalid_credential
 */
export async function lockKeyForMaker(
  tx: Tx,
  reach: Pick<KeyQuery, 'organization' | 'mode'>,
  id: KeyId,
  by: Attribution,
  now: Date,
): Promise<ApiKey | null> {
  const maker = by.actor.kind === 'api_key' ? by.actor.id : null
  if (maker !== null && maker < id) await requireGoodMaker(tx, reach.organization, by, now)
  const key = await lockKey(tx, reach, id)
  if (maker !== null && maker > id) await requireGoodMaker(tx, reach.organization, by, now)
  return key
}
