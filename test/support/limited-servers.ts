// Server processes on one database, whose credentials have one limit. No promises of its own.
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import type { Window } from '../../src/limits/turnstile.ts'
import { type House, startHouse } from './house.ts'
import { freePort } from './port.ts'
import { profileFiles } from './profile-files.ts'
import { oneLimit } from './rate-classes.ts'
import { makeHome, type ServerProcess, startServer, type Variables } from './server-process.ts'

export interface LimitedServers {
  readonly servers: readonly ServerProcess[]
  readonly house: House
  /** A new key, of which nothing was counted. */
  key(): Promise<string>
}

export interface Told {
  readonly status: number
  readonly limit: number
  readonly remaining: number
  /** Seconds. */
  readonly reset: number
  readonly retryAfter: string | null
}

/** The house that makes the keys counts nothing. */
export async function startLimited(
  t: TestContext,
  processes: number,
  { requests, seconds }: Window,
  env: Variables = {},
): Promise<LimitedServers> {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  const files = profileFiles(t)
  files.change('boothzen.json', { rateClasses: oneLimit(requests, seconds) })
  const home = await makeHome(t)
  const common = {
    DATABASE_URL: house.databaseUrl,
    COOKIE_KEYS: 'k'.repeat(40),
    PROFILE: files.file,
    PUBLIC_URL: `http://localhost:${await freePort()}`,
    ...env,
  }
  const servers = await Promise.all(
    Array.from({ length: processes }, () => startServer(t, { home, env: common })),
  )
  const key = async () => (await house.key(organization, 'live', ['read:bookings'])).secret
  return { servers, house, key }
}

/** One request that counts, and what the answer says of the limit. */
export async function ask(server: ServerProcess | undefined, key: string): Promise<Told> {
  assert.ok(server)
  // A request that hangs is no answer, however long the test would wait.
  const response = await server.api('/me', key, { signal: AbortSignal.timeout(20_000) })
  await response.arrayBuffer()
  const number = (name: string) => Number(response.headers.get(name) ?? Number.NaN)
  return {
    status: response.status,
    limit: number('ratelimit-limit'),
    remaining: number('ratelimit-remaining'),
    reset: number('ratelimit-reset'),
    retryAfter: response.headers.get('retry-after'),
  }
}

/** So many requests at once, the servers by turns. */
export function askAtOnce(
  servers: readonly ServerProcess[],
  key: string,
  requests: number,
): Promise<readonly Told[]> {
  return Promise.all(
    Array.from({ length: requests }, (_, index) => ask(servers[index % servers.length], key)),
  )
}

/** How many were let through; any other answer than 200 and 429 is a failure. */
export function countPassed(answers: readonly Told[]): number {
  assert.deepEqual(
    answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 429),
    [],
  )
  return answers.filter(({ status }) => status === 200).length
}
