// What a platform's backend calls once for each of its customers: the published createOrganizationApiKey.
import { createCaller } from './caller.ts'
import { addressOf, type Contract } from './contract.ts'
import { readCredential } from './credential.ts'
import { itemIn } from './resources.ts'
import { createWire, type WireOptions } from './wire.ts'

export interface PlatformConfig extends WireOptions {
  readonly baseUrl: string
  /** Your platform's master key. It belongs on a server, and nowhere else. */
  readonly platformKey: string
  /**
   * One that you keep with the customer lets you ask again after a restart and get the same key. Without it, each
   * call has one of its own that lasts for its tries.
   */
  readonly idempotencyKey?: string | undefined
  readonly signal?: AbortSignal | undefined
}

export interface TeamMember {
  readonly email: string
  readonly name?: string | null | undefined
  readonly role: 'ADMIN' | 'MEMBER'
}

/** The customer. `null` and what is left out are one. */
export interface NewOrganization {
  /** The user's id on your platform. */
  readonly userId: string
  readonly userEmail: string
  readonly userName?: string | null | undefined
  /** What your platform calls the organization. */
  readonly organizationId: string
  readonly organizationName?: string | null | undefined
  /** More people to come in with the organization. */
  readonly teamMembers?: readonly TeamMember[] | null | undefined
  /** What the key may do; without it, all that your platform may give. */
  readonly scopes?: readonly string[] | undefined
  readonly mode?: 'live' | 'test' | undefined
  /** What people see the key called; without it, your platform's name. */
  readonly name?: string | undefined
  readonly expiresInDays?: number | undefined
  /** Where you made a key for the organization already: an error (409), another key, or one in its place. */
  readonly onExisting?: 'error' | 'add' | 'rotate' | undefined
  /** With "rotate": how long the old key still works. */
  readonly overlapSeconds?: number | undefined
}

export interface OrganizationApiKey {
  /** The key: in this answer alone. Store it with the customer. */
  readonly apiKey: string
  readonly keyId: string
  /** As you sent it. */
  readonly organizationId: string
  readonly organization: { readonly id: string; readonly slug: string; readonly name: string }
  /** Did this call make the organization? */
  readonly created: boolean
  readonly mode: 'live' | 'test'
  readonly scopes: readonly string[]
  readonly expiresAt: string | null
  /** After a rotation: the key whose place was taken. */
  readonly replaced: { readonly keyId: string; readonly worksUntil: string } | null
  /** Addresses of people who are somebody already: they join when they accept an invitation. */
  readonly invited: readonly string[]
  readonly requestId: string
}

/**
 * Makes the customer's organization where it is not there yet, and a key for it.
 * @throws LatchkeyError, TypeError for a config that can't work
 */
export async function provision(
  contract: Contract,
  config: PlatformConfig,
  data: NewOrganization,
): Promise<OrganizationApiKey> {
  const operation = contract.operations.find(({ isForPlatforms }) => isForPlatforms)
  if (!operation) throw new TypeError(`${contract.brand} has no keys that platforms make.`)
  const { idempotencyKey = crypto.randomUUID(), signal } = config
  const call = createCaller({
    wire: createWire(config),
    contract,
    address: addressOf(contract, config.baseUrl),
    credential: readCredential('platformKey', config.platformKey),
  })
  const { method, path } = operation
  const answer = await call({ method, path, body: data, idempotencyKey, signal })
  return itemIn(contract, answer) as OrganizationApiKey // as the contract promises
}
