// What a platform's backend calls once for each of its customers: an organization, the people in it, and a key.
import { record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import type { PlatformId } from '../core/ids.ts'
import { type Mode, modes } from '../core/principal.ts'
import { Problem } from '../core/problems.ts'
import type { SecretFormat } from '../credentials/format.ts'
import type { Tx } from '../db/connect.ts'
import type { Digest } from '../lib/digest.ts'
import { addSeconds, daySeconds } from '../lib/time.ts'
import { importMembers, type NewMember } from '../operators/import-members.ts'
import type { Invited } from '../operators/invite.ts'
import {
  insertProvisionedOrganization,
  lockProvisionedOrganization,
  type Organization,
  requireActiveOrganization,
} from '../organizations/organization-store.ts'
import { holdPlatform, type Platform } from '../organizations/platform-store.ts'
import { slugsOf } from '../organizations/slug.ts'
import { type IssuedKey, issueKey } from './issue-key.ts'
import { keyState } from './key.ts'
import { type KeyLimits, requireWithin } from './key-limits.ts'
import { listProvisionedKeys } from './key-store.ts'
import { type RotatedKey, rotateKey } from './rotate-key.ts'

export interface Provisioning {
  readonly platform: PlatformId
  /** Of the platform's key that was presented. */
  readonly platformKey: Digest
  /** The platform's own name for the organization. */
  readonly externalId: string
  readonly organizationName: string
  /** The first operator, and then the others: they come in with the organization, and never later. */
  readonly members: readonly NewMember[]
  readonly mode: Mode
  /** Names from the profile's catalogue, each once, sorted; null for all that the platform may give. */
  readonly scopes: readonly string[] | null
  /** null for the platform's name. */
  readonly keyName: string | null
  readonly expiresInDays: number | null
  /** What to do where this platform has made a key for the organization already. */
  readonly onExisting: 'error' | 'add' | 'rotate'
  readonly overlapSeconds: number
  readonly by: Attribution
}

export interface Provisioned {
  readonly organization: Organization
  /** Was it made by this call? */
  readonly isNew: boolean
  /** People who are somebody already: their links are still to be sent. */
  readonly invited: readonly Invited[]
  readonly issued: IssuedKey | RotatedKey
}

/**
 * All of it in the caller's transaction. Of two calls for the same organization the second waits for the first.
 * @throws Problem invalid_credential for a platform that was suspended meanwhile, or got another key;
 *   organization_suspended;
 *   exceeds_creator for a scope that the platform may not give; organization_key_exists, which names the key;
 *   invalid_parameter for scopes that a rotation would change; key_state_conflict or key_not_found where somebody
 *   else ended the key that was to be rotated at that moment
 */
export async function provision(
  tx: Tx,
  format: SecretFormat,
  wanted: Provisioning,
  now: Date,
): Promise<Provisioned> {
  const platform = await holdPlatform(tx, wanted.platform)
  if (!platform || platform.suspendedAt)
    throw new Problem('invalid_credential', { reason: 'of a suspended platform' })
  if (!platform.hash.equals(wanted.platformKey))
    throw new Problem('invalid_credential', { reason: 'rotated meanwhile' })
  const key = newKeyOf(platform, wanted, now)
  requireWithin(limitsOf(platform), key)

  const found = await findOrCreate(tx, platform, wanted, now)
  const { organization, isNew } = found
  await requireActiveOrganization(tx, organization.id)
  const keys = isNew ? [] : await listProvisionedKeys(tx, organization.id, platform.id)
  const working = keys.find((it) => it.mode === wanted.mode && keyState(it, now) === 'active')
  const { by, onExisting } = wanted
  const named = working ?? keys[0]
  if (onExisting === 'error' && named) {
    throw new Problem('organization_key_exists', {
      say: `The organization has the key ${named.id} (${keyState(named, now)}) of yours already. With onExisting "add" or "rotate" it gets another.`,
      conflictsWith: named.id,
    })
  }
  if (!working || onExisting === 'add') {
    const issued = await issueKey(tx, format, { ...key, organization: organization.id, by }, now)
    return { ...found, issued }
  }
  if (wanted.scopes && wanted.scopes.join() !== working.scopes.join()) {
    const say = `A key keeps its scopes when it is rotated: ${working.scopes.join(', ')}. Leave scopes out, or make another key with onExisting "add".`
    throw new Problem('invalid_parameter', { param: 'scopes', say })
  }
  const reach = { organization: organization.id, mode: wanted.mode }
  const { keyName, expiresInDays } = wanted
  const given = {
    ...(keyName === null ? {} : { name: key.name }),
    ...(expiresInDays === null ? {} : { expiresAt: key.expiresAt }),
  }
  const request = { reach, id: working.id, by, now }
  const issued = await rotateKey(tx, format, request, wanted.overlapSeconds, given)
  return { ...found, issued }
}

/** The most that a key may be which this platform makes. */
function limitsOf(platform: Platform): KeyLimits {
  const scopes = new Set(platform.scopes)
  return { modes, scopes, expiresAt: null, allowedAddresses: null }
}

function newKeyOf(platform: Platform, { mode, scopes, keyName, expiresInDays }: Provisioning, now: Date) {
  return {
    mode,
    name: keyName ?? platform.name,
    scopes: scopes ?? platform.scopes,
    expiresAt: expiresInDays === null ? null : addSeconds(now, expiresInDays * daySeconds),
    allowedAddresses: null,
  }
}

async function findOrCreate(
  tx: Tx,
  platform: Platform,
  { externalId, organizationName: name, members, by }: Provisioning,
  now: Date,
): Promise<Omit<Provisioned, 'issued'>> {
  for (const slug of slugsOf(name)) {
    const known = await lockProvisionedOrganization(tx, platform.id, externalId)
    if (known) return { organization: known, isNew: false, invited: [] }
    const made = await insertProvisionedOrganization(tx, { name, slug, platform: platform.id, externalId })
    if (!made) continue // the slug is taken, or another call was first: the next round knows
    const { id } = made
    const details = { name, slug, platform: platform.id, external_id: externalId }
    await record(tx, { organization: id, by, action: 'organization.created', target: id, details })
    const invited = await importMembers(tx, { organization: id, platform: platform.id, members, by }, now)
    return { organization: made, isNew: true, invited }
  }
  throw new Error('the slugs of a name never end')
}
