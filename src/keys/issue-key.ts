// Making an API key: its row for people to see, its credential for the validator, both or neither.
import { type AuditEntry, record } from '../audit/record.ts'
import { type Attribution, actorId } from '../core/attribution.ts'
import { type KeyId, newKeyId, type OrganizationId } from '../core/ids.ts'
import type { Mode } from '../core/principal.ts'
import { insertKeyCredentials } from '../credentials/credential-store.ts'
import type { SecretFormat } from '../credentials/format.ts'
import type { Db, Tx } from '../db/connect.ts'
import { asTenant } from '../db/tenant.ts'
import { sha256 } from '../lib/digest.ts'
import type { Secret } from '../lib/secret.ts'
import { requireActiveOrganization } from '../organizations/organization-store.ts'
import { type ApiKey, endsAt } from './key.ts'
import { insertKey } from './key-store.ts'
import { requireGoodMaker } from './maker.ts'

export interface NewKey {
  readonly organization: OrganizationId
  readonly mode: Mode
  readonly name: string
  /** Names from the profile's catalogue: the caller has checked them, and that its maker may give them. */
  readonly scopes: readonly string[]
  readonly expiresAt: Date | null
  /** As readAllowedAddresses gives them. */
  readonly allowedAddresses: readonly string[] | null
  readonly by: Attribution
}

export interface IssuedKey {
  readonly key: ApiKey
  /** It is in this answer and nowhere else: only its hash is kept (SECURITY K3, K6). */
  readonly secret: Secret
}

/** @throws Problem organization_suspended; invalid_credential for a maker that is a key, and good no more */
export function issueKey(db: Db, format: SecretFormat, wanted: NewKey, now: Date): Promise<IssuedKey> {
  return db.transaction(async (tx) => {
    await requireActiveOrganization(tx, wanted.organization)
    return await asTenant(tx, wanted, async (walled) => {
      await requireGoodMaker(walled, wanted.organization, wanted.by, now)
      const issued = await writeKey(walled, format, wanted, null, now)
      await record(walled, toldOf(issued.key, wanted.by))
      return issued
    })
  })
}

/** What the ledger is told of a new key. */
export function toldOf(key: ApiKey, by: Attribution): AuditEntry {
  return {
    organization: key.organization,
    by,
    action: 'key.created',
    target: key.id,
    details: describeKey(key),
  }
}

/** The two rows of a new key, in the caller's transaction; what the ledger is told is the caller's. */
export async function writeKey(
  tx: Tx,
  format: SecretFormat,
  wanted: NewKey,
  rotatedFrom: KeyId | null,
  now: Date,
): Promise<IssuedKey> {
  const issued = draftKey(format, wanted, rotatedFrom, now)
  await insertKey(tx, issued.key)
  await insertKeyCredentials(tx, [toCredential(issued.key)])
  return issued
}

/** A new key that is written nowhere yet. */
export function draftKey(
  format: SecretFormat,
  wanted: NewKey,
  rotatedFrom: KeyId | null,
  now: Date,
): IssuedKey {
  const secret = format.write('api_key', wanted.mode)
  const key: ApiKey = {
    id: newKeyId(),
    organization: wanted.organization,
    mode: wanted.mode,
    name: wanted.name,
    scopes: [...new Set(wanted.scopes)].sort(),
    prefix: format.prefix('api_key', wanted.mode),
    lastFour: secret.reveal().slice(-4),
    hash: sha256(secret.reveal()),
    allowedAddresses: wanted.allowedAddresses,
    createdBy: actorId(wanted.by.actor),
    createdAt: now,
    expiresAt: wanted.expiresAt,
    deactivatedAt: null,
    revokedAt: null,
    rotatedFrom,
    retiresAt: null,
  }
  return { key, secret }
}

/** The credential of a key whose secret is good. */
export function toCredential(key: ApiKey) {
  return { ...key, key: key.id, expiresAt: endsAt(key) }
}

/** What the ledger tells of a key: everything but what could open something. */
export function describeKey(key: ApiKey): Readonly<Record<string, unknown>> {
  return {
    name: key.name,
    mode: key.mode,
    scopes: key.scopes,
    expires_at: key.expiresAt,
    ...(key.allowedAddresses ? { allowed_addresses: key.allowedAddresses } : {}),
  }
}
