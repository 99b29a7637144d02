// Making a platform, and giving it another key. Its secret is shown once and kept nowhere.
import { record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import { newPlatformId, type PlatformId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import { deletePlatformCredential, insertPlatformCredential } from '../credentials/credential-store.ts'
import type { SecretFormat } from '../credentials/format.ts'
import type { Db } from '../db/connect.ts'
import { sha256 } from '../lib/digest.ts'
import type { Secret } from '../lib/secret.ts'
import { readOrganizationName } from './organization-name.ts'
import { insertPlatform, lockPlatform, type Platform, setPlatformKey } from './platform-store.ts'

export interface NewPlatform {
  readonly name: string
  /** Names from the profile's catalogue: the caller has checked them. */
  readonly scopes: readonly string[]
  readonly by: Attribution
}

export interface PlatformWithSecret {
  readonly platform: Platform
  /** It is in this answer and nowhere else: only its hash is kept (SECURITY K3, K6). */
  readonly secret: Secret
}

const longestName = 100

/** @throws Problem invalid_parameter for a name that can't be one */
export async function createPlatform(
  db: Db,
  format: SecretFormat,
  wanted: NewPlatform,
  now: Date,
): Promise<PlatformWithSecret> {
  const name = readOrganizationName(wanted.name, longestName)
  const { secret, ...key } = newSecret(format)
  const scopes = [...new Set(wanted.scopes)].sort()
  const platform: Platform = { id: newPlatformId(), name, scopes, ...key, createdAt: now, suspendedAt: null }
  await db.transaction(async (tx) => {
    await insertPlatform(tx, platform)
    await insertPlatformCredential(tx, platform.hash, platform.id)
    await record(tx, {
      organization: null,
      by: wanted.by,
      action: 'platform.created',
      target: platform.id,
      details: { name, scopes },
    })
  })
  return { platform, secret }
}

/**
 * Puts a new secret in the place of the platform's key: the old one is refused from the commit on. The keys
 * that it provisioned are not touched. While the platform is suspended, the new one waits for its resumption.
 * @throws Problem resource_not_found
 */
export function rotatePlatformKey(
  db: Db,
  format: SecretFormat,
  { id, by }: { readonly id: PlatformId; readonly by: Attribution },
): Promise<PlatformWithSecret> {
  return db.transaction(async (tx) => {
    const platform = await lockPlatform(tx, id)
    if (!platform) throw new Problem('resource_not_found', { say: `There is no platform ${id}.` })
    const { secret, ...key } = newSecret(format)
    await setPlatformKey(tx, id, key)
    await deletePlatformCredential(tx, id)
    if (!platform.suspendedAt) await insertPlatformCredential(tx, key.hash, id)
    await record(tx, { organization: null, by, action: 'platform.key_rotated', target: id })
    return { platform: { ...platform, ...key }, secret }
  })
}

function newSecret(format: SecretFormat) {
  const secret = format.write('platform_key', 'live')
  const text = secret.reveal()
  const prefix = format.prefix('platform_key', 'live')
  return { secret, hash: sha256(text), prefix, lastFour: text.slice(-4) }
}
