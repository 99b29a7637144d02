// Making an API key: its row for people to see, its credential for the validator, both or neither.
import { record } from '../audit/record.ts'
import { newKeyId, type OrganizationId } from '../core/ids.ts'
import type { Mode } from '../core/principal.ts'
import { insertKeyCredential } from '../credentials/credential-store.ts'
import type { SecretFormat } from '../credentials/format.ts'
import type { Db } from '../db/connect.ts'
import { sha256 } from '../lib/digest.ts'
import type { Secret } from '../lib/secret.ts'
import type { ApiKey } from './key.ts'
import { insertKey } from './key-store.ts'

export interface NewKey {
  readonly organization: OrganizationId
  readonly mode: Mode
  readonly name: string
  /** Names from the profile's catalogue: the caller has checked them. */
  readonly scopes: readonly string[]
  readonly expiresAt: Date | null
  /** Who makes it, for the ledger. */
  readonly actor: string
}

/** The secret is in this answer and nowhere else: only its hash is kept (SECURITY K3, K6). */
export async function issueKey(
  db: Db,
  format: SecretFormat,
  wanted: NewKey,
  now: Date,
): Promise<{ readonly key: ApiKey; readonly secret: Secret }> {
  const secret = format.write('api_key', wanted.mode)
  const key: ApiKey = {
    id: newKeyId(),
    organization: wanted.organization,
    mode: wanted.mode,
    name: wanted.name,
    scopes: [...new Set(wanted.scopes)].sort(),
    prefix: format.prefix('api_key', wanted.mode),
    lastFour: secret.reveal().slice(-4),
    createdAt: now,
    expiresAt: wanted.expiresAt,
    revokedAt: null,
  }
  await db.transaction(async (tx) => {
    await insertKey(tx, key)
    await insertKeyCredential(tx, { ...key, key: key.id, hash: sha256(secret.reveal()) })
    await record(tx, {
      organization: key.organization,
      actor: wanted.actor,
      action: 'key.created',
      target: key.id,
      details: { name: key.name, mode: key.mode, scopes: key.scopes, expires_at: key.expiresAt },
    })
  })
  return { key, secret }
}
