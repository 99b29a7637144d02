// An app that registers itself, with nothing but fetch.
import assert from 'node:assert/strict'
import type { ClientId } from '../../src/core/ids.ts'
import { redirectUri } from './authorization.ts'

export interface Registered {
  readonly client_id: ClientId
  readonly client_id_issued_at: number
  readonly registration_access_token: string
  readonly registration_client_uri: string
  readonly [name: string]: unknown
}

/** What a program at a terminal registers with. */
export const metadata = { client_name: 'Calendar Sync', redirect_uris: [redirectUri] }

export function postRegistration(
  server: string,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${server}/oauth/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  })
}

export async function registerApp(server: string, body: object = metadata): Promise<Registered> {
  return readRegistered(await postRegistration(server, body), 201)
}

export async function readRegistered(response: Response, status = 200): Promise<Registered> {
  const body: unknown = await response.json()
  assert.equal(response.status, status, JSON.stringify(body))
  return body as Registered // its fields are asserted by whoever uses them
}

/** At the address that the app was given, with the token that it was given. */
export function manage(
  method: 'GET' | 'PUT' | 'DELETE',
  app: Registered,
  { body, token = app.registration_access_token }: { body?: unknown; token?: string | null } = {},
): Promise<Response> {
  return fetch(app.registration_client_uri, {
    method,
    headers: {
      ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}
