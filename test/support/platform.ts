// A platform's backend: it makes a platform on the server under test, and calls as its partners' clients do.
import assert from 'node:assert/strict'
import { byServer } from '../../src/core/attribution.ts'
import { appScopes, type Profile } from '../../src/core/profile.ts'
import { createFormat } from '../../src/credentials/format.ts'
import { createPlatform, rotatePlatformKey } from '../../src/organizations/create-platform.ts'
import type { Platform } from '../../src/organizations/platform-store.ts'
import type { House } from './house.ts'
import { oneLimit } from './rate-classes.ts'

export interface Partner {
  readonly platform: Platform
  readonly secret: string
}

export async function createPartner(house: House, name = 'TalentFlow', scopes?: string[]): Promise<Partner> {
  const wanted = { name, scopes: scopes ?? appScopes(house.profile), by: byServer }
  const format = createFormat(house.profile.credentials.prefixes)
  const { platform, secret } = await createPlatform(house.database.knex, format, wanted, new Date())
  return { platform, secret: secret.reveal() }
}

export async function rotatePartnerKey(house: House, { platform: { id } }: Partner): Promise<Partner> {
  const format = createFormat(house.profile.credentials.prefixes)
  const { platform, secret } = await rotatePlatformKey(house.database.knex, format, { id, by: byServer })
  return { platform, secret: secret.reveal() }
}

export interface Provisioned {
  readonly apiKey: string
  readonly keyId: string
  readonly organizationId: string
  readonly organization: { readonly id: string; readonly slug: string; readonly name: string }
  readonly created: boolean
  readonly mode: string
  readonly scopes: readonly string[]
  readonly expiresAt: string | null
  readonly replaced: { readonly keyId: string; readonly worksUntil: string } | null
  readonly invited: readonly string[]
  readonly requestId: string
}

/** For storms that are no test of limits. */
export const withoutLimits = (profile: Profile): Profile => ({
  ...profile,
  rateClasses: oneLimit(1_000_000, 60),
})

/** What every test needs not say. */
export const customer = { userId: '12345', userEmail: 'admin@acme.example', organizationId: 'org_7234567890' }

/** As the Boooply client sends it; `idempotencyKey` is ours. */
export function post(
  house: House,
  credential: string | null,
  body: unknown,
  idempotencyKey?: string,
): Promise<Response> {
  return house.api('/organizations/api-key', credential, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: {
      'Content-Type': 'application/json',
      ...(idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey }),
    },
  })
}

/** A call that is answered 201. */
export async function provision(
  house: House,
  { secret }: Partner,
  more: object = {},
  idempotencyKey?: string,
): Promise<Provisioned> {
  const response = await post(house, secret, { ...customer, ...more }, idempotencyKey)
  const text = await response.text()
  assert.equal(response.status, 201, text)
  return JSON.parse(text) as Provisioned // its fields are asserted by whoever uses them
}

export interface Refusal {
  readonly status: number
  readonly code: string
  readonly message: string
  readonly param?: string
  readonly conflicts_with?: string
}

/** A call that is refused, in the stripe envelope. */
export async function refusalOf(response: Response): Promise<Refusal> {
  const { error } = (await response.json()) as { error: Omit<Refusal, 'status'> }
  return { ...error, status: response.status }
}
