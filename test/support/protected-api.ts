// An API beside Latchkey that its library protects, and what it is told of. No promises of its own.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { byServer } from '../../src/core/attribution.ts'
import { revokeKey } from '../../src/keys/change-key.ts'
import type { ApiKey } from '../../src/keys/key.ts'
import type { ResourceServer, ResourceServerOptions, Verdict } from '../../src/resource-server/entry.ts'
import { createResourceServer } from '../../src/resource-server/entry.ts'
import type { House } from './house.ts'
import { resourceServer } from './introspection.ts'

export interface Protected {
  readonly latchkey: ResourceServer
  /** What `onError` heard. */
  readonly errors: readonly string[]
  /** How many questions it has asked the server, and about how many credentials in all. */
  questions(): { readonly batches: number; readonly credentials: number }
}

/** The library, as a resource server of this house: closed when the test is over. */
export async function protectBy(
  t: TestContext,
  house: House,
  options: Partial<ResourceServerOptions> = {},
): Promise<Protected> {
  const { id, secret } = await resourceServer(house, house.url + house.profile.basePath)
  const errors: string[] = []
  const latchkey = createResourceServer({
    url: house.url,
    clientId: id,
    clientSecret: secret,
    onError: (error) => errors.push(error.message),
    ...options,
  })
  t.after(() => latchkey.close())
  return { latchkey, errors, questions: () => questionsBy(house, id) }
}

/** A request with these headers, as it is nowhere else. */
export const ask = (headers: Record<string, string | string[]>, method = 'GET', url = '/reports?page=2') => ({
  method,
  url,
  headers,
})

export const bearing = (credential: string, method = 'GET') =>
  ask({ authorization: `Bearer ${credential}` }, method)

export async function revoke({ database, now }: House, { id, organization }: ApiKey): Promise<void> {
  const reach = { organization, mode: 'any' } as const
  await revokeKey(database.knex, { reach, id, by: byServer, now: now() })
}

/** By what the server has logged. */
export function questionsBy(
  house: House,
  id: string,
): { readonly batches: number; readonly credentials: number } {
  const lines = house
    .log()
    .split('\n')
    .filter((line) => line.includes('"path":"/verify/batch"') && line.includes(id))
    .map((line) => JSON.parse(line) as { credentials?: number })
  return { batches: lines.length, credentials: lines.reduce((sum, line) => sum + (line.credentials ?? 0), 0) }
}

/** What a request that must be refused is answered with. */
export async function refusalOf(
  verdict: Promise<Verdict>,
): Promise<{ code: string; status: number; challenge: string | undefined }> {
  const it = await verdict
  assert.ok(!it.ok, 'it was let in')
  return { code: it.code, status: it.status, challenge: it.headers['WWW-Authenticate'] }
}

/** Presents a credential until it is let in without a question: from then on it is kept. */
export async function untilKept({ latchkey, questions }: Protected, credential: string): Promise<void> {
  for (;;) {
    const before = questions().batches
    assert.ok((await latchkey.verify(bearing(credential))).ok)
    if (questions().batches === before) return
    await sleep(20)
  }
}
