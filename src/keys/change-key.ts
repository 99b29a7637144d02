// What can be done to a key that is there: revoke, deactivate, activate, delete. Each is one transaction with
// what the ledger is told of it, and from its commit on every node answers accordingly.
import { type Action, record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import type { KeyId, OrganizationId } from '../core/ids.ts'
import type { Mode } from '../core/principal.ts'
import { Problem } from '../core/problems.ts'
import { deleteKeyCredentials, insertKeyCredentials } from '../credentials/credential-store.ts'
import type { Db, Tx } from '../db/connect.ts'
import { asTenant } from '../db/tenant.ts'
import { requireActiveOrganization } from '../organizations/organization-store.ts'
import { describeKey, toCredential } from './issue-key.ts'
import { type ApiKey, keyState } from './key.ts'
import { deleteKeyRow, lockKey, updateKey } from './key-store.ts'

/** Which keys a maker of changes reaches: those of one organization, of one mode or of both. */
export interface KeyReach {
  readonly organization: OrganizationId
  readonly mode: Mode | 'any'
}

export interface KeyChangeRequest {
  readonly reach: KeyReach
  readonly id: KeyId
  readonly by: Attribution
  readonly now: Date
  /** Refuses (by throwing) a key that the maker of the change may not touch. */
  readonly check?: (key: ApiKey) => void
}

/**
 * The key as it is after. Revoking twice is as revoking once.
 * @throws Problem key_not_found
 */
export function revokeKey(db: Db, request: KeyChangeRequest): Promise<ApiKey> {
  return change(db, request, 'key.revoked', async (tx, key) => {
    if (key.revokedAt) return null
    await deleteKeyCredentials(tx, key.id)
    return await updateKey(tx, key.id, { revokedAt: request.now })
  })
}

/**
 * Takes a key out of use until it is activated again. Doing so twice is as once.
 * @throws Problem key_not_found; key_state_conflict for a key that has ended for good
 */
export function deactivateKey(db: Db, request: KeyChangeRequest): Promise<ApiKey> {
  return change(db, request, 'key.deactivated', async (tx, key) => {
    requireNotEnded(key, request.now)
    if (key.deactivatedAt) return null
    await deleteKeyCredentials(tx, key.id)
    return await updateKey(tx, key.id, { deactivatedAt: request.now })
  })
}

/**
 * Puts a deactivated key back to use, with the same secret.
 * @throws Problem key_not_found; key_state_conflict for a key that has ended for good; organization_suspended
 */
export function activateKey(db: Db, request: KeyChangeRequest): Promise<ApiKey> {
  return db.transaction(async (outer) => {
    await requireActiveOrganization(outer, request.reach.organization)
    return await change(outer, request, 'key.activated', async (tx, key) => {
      requireNotEnded(key, request.now)
      if (!key.deactivatedAt) return null
      const active = await updateKey(tx, key.id, { deactivatedAt: null })
      await insertKeyCredentials(tx, [toCredential(active)])
      return active
    })
  })
}

/**
 * Removes the key's row; what the ledger holds of it stays.
 * @throws Problem key_not_found
 */
export function deleteKey(db: Db, request: KeyChangeRequest): Promise<ApiKey> {
  return change(db, request, 'key.deleted', async (tx, key) => {
    await deleteKeyCredentials(tx, key.id)
    await deleteKeyRow(tx, key.id)
    return key
  })
}

/** Locks the key and lets `work` change it; null from it means that there was nothing to change, or to tell. */
export function change(
  db: Db,
  { reach, id, by, check }: KeyChangeRequest,
  action: Action,
  work: (tx: Tx, key: ApiKey) => Promise<ApiKey | null>,
): Promise<ApiKey> {
  return asTenant(db, reach, async (tx) => {
    const key = await lockKey(tx, reach, id)
    if (!key) throw new Problem('key_not_found')
    check?.(key)
    const after = await work(tx, key)
    if (!after) return key
    await record(tx, { organization: key.organization, by, action, target: id, details: describeKey(key) })
    return after
  })
}

function requireNotEnded(key: ApiKey, now: Date): void {
  const state = keyState(key, now)
  if (state !== 'revoked' && state !== 'retired' && state !== 'expired') return
  throw new Problem('key_state_conflict', { say: `The key is ${state}: that is for good. Create a new one.` })
}
