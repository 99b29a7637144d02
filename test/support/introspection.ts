// A resource server's side of introspection, with nothing but fetch.
import assert from 'node:assert/strict'
import { byServer } from '../../src/core/attribution.ts'
import { registerResourceServer } from '../../src/oauth/register-resource-server.ts'
import type { House } from './house.ts'

export interface Introspector {
  readonly id: string
  readonly secret: string
}

export async function resourceServer(
  house: House,
  audience = `${house.url}/api/v1`,
  scopes: readonly string[] | null = null,
): Promise<Introspector> {
  const wanted = { name: 'Reports API', audience, scopes, by: byServer }
  const { server, secret } = await registerResourceServer(house.database.knex, wanted, house.now())
  return { id: server.id, secret: secret.reveal() }
}

export const basicOf = ({ id, secret }: Introspector) =>
  `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`

export function introspect(
  house: House,
  as: Introspector | null,
  parameters: Readonly<Record<string, string>> | URLSearchParams,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${house.url}/oauth/introspect`, {
    method: 'POST',
    headers: { ...(as ? { Authorization: basicOf(as) } : {}), ...headers },
    body: new URLSearchParams(parameters),
  })
}

/** The claims of an answer that must be 200. */
export async function claimsOf(response: Response): Promise<Record<string, unknown>> {
  const text = await response.text()
  assert.equal(response.status, 200, text)
  assert.equal(response.headers.get('cache-control'), 'no-store')
  return JSON.parse(text) as Record<string, unknown>
}

/** Exactly {"active":false}, and not a word more. */
export async function assertInactive(response: Response, what: string): Promise<void> {
  assert.equal(response.status, 200, what)
  assert.equal(await response.text(), '{"active":false}', what)
}
