// Keys at two server processes on one PostgreSQL: what ends at one has ended at the other, and what one knows in
// memory alone is not lost with it for long.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTestDatabase, queryDatabase } from '../support/database.ts'
import { freePort } from '../support/port.ts'
import { profileFiles } from '../support/profile-files.ts'
import { makeHome, runJson, startServer } from '../support/server-process.ts'

interface Made {
  readonly id: string
  readonly secret: string
}

async function startPair(t: TestContext) {
  const databaseUrl = await createTestDatabase(t, { empty: true })
  const home = await makeHome(t)
  const port = await freePort()
  // The processes count together: what is asked here within a second is more than one key may ask.
  const files = profileFiles(t)
  const endless = { requests: 1_000_000_000, seconds: 60 }
  files.change('boothzen.json', { 'rateClasses.default.windows': [endless] })
  const env = {
    PROFILE: files.file,
    DATABASE_URL: databaseUrl,
    COOKIE_KEYS: 'k'.repeat(40),
    PUBLIC_URL: `http://localhost:${port}`,
  }
  const one = await startServer(t, { home, env: { ...env, PORT: String(port) } })
  const two = await startServer(t, { home, env: { ...env, PORT: String(await freePort()) } })
  await runJson(home, ['org', 'create', '--name', 'Acme'], env)
  const create = ['key', 'create', '--org', 'acme', '--mode', 'live']
  const manager = await runJson<Made>(home, [...create, '--scope', 'keys:read,keys:write,read:bookings'], env)
  const make = async (server: typeof one) => {
    const body = JSON.stringify({ name: 'x', scopes: ['read:bookings'] })
    const headers = { 'Content-Type': 'application/json' }
    const response = await server.api('/keys', manager.secret, { method: 'POST', body, headers })
    assert.equal(response.status, 201, await response.clone().text())
    return (await response.json()) as Made
  }
  return { databaseUrl, env, home, one, two, manager, make }
}

test('K12: what is revoked, deactivated, rotated or deleted at one process is refused at another within a second', async (t) => {
  const { one, two, manager, make, home, env } = await startPair(t)
  const ends = [
    ['POST', '/revoke'],
    ['POST', '/deactivate'],
    ['POST', '/rotate'],
    ['DELETE', ''],
  ] as const
  let accepted = 0
  for (let round = 0; round < 15; round += 1) {
    for (const [method, verb] of ends) {
      const key = await make(two)
      assert.equal((await two.api('/bookings', key.secret)).status, 200)
      const answer = await one.api(`/keys/${key.id}${verb}`, manager.secret, { method })
      assert.ok(answer.ok, verb)
      // It has told the others by then; how fast they hear is measured in revocation-bound.test.ts.
      for (const end = Date.now() + 1000; ; ) {
        if ((await two.api('/bookings', key.secret)).status === 401) break
        if (Date.now() > end) accepted += 1
        if (Date.now() > end) break
      }
      assert.equal(
        (await one.api('/bookings', key.secret)).status,
        401,
        'at its own from the next request on',
      )
    }
  }
  assert.equal(accepted, 0)
  const key = await make(one)
  await runJson(home, ['key', 'revoke', key.id], env)
  for (const server of [one, two]) assert.equal((await server.api('/bookings', key.secret)).status, 401)
})

test('K14: last use and calls are written in batches, and outlive a process that is killed', async (t) => {
  const { one, two, make, databaseUrl } = await startPair(t)
  const key = await make(one)
  const call = (server: typeof one, times: number) =>
    Promise.all(
      Array.from({ length: times }, () =>
        server.api('/me', key.secret, { headers: { 'User-Agent': 'acme/1' } }),
      ),
    )
  const countIn = async (table: 'api_key_calls' | 'organization_calls') => {
    const sql = `select coalesce(sum(calls), 0) as calls from ${table}`
    const [row] = await queryDatabase<{ calls: string }>(databaseUrl, sql)
    return Number(row?.calls)
  }
  // Of all organizations and keys: one more call made the key.
  await Promise.all([call(one, 150), call(two, 150)])
  for (let waited = 0; waited < 60_000 && (await countIn('api_key_calls')) < 301; waited += 100)
    await sleep(100)
  await Promise.all([call(one, 20), call(two, 20)])
  await two.stop('SIGKILL')
  await call(one, 20)
  assert.equal((await one.stop('SIGTERM')).code, 0)

  const calls = await countIn('api_key_calls')
  assert.ok(
    calls >= 341 && calls <= 361,
    `${calls} of 361: no more is lost than the 20 that were not written`,
  )
  assert.equal(await countIn('organization_calls'), calls)
  const used = await queryDatabase<{ address: string; client: string }>(
    databaseUrl,
    `select address, client from api_key_uses where key_id = '${key.id}'`,
  )
  assert.deepEqual(used, [{ address: '127.0.0.1', client: 'acme/1' }])
  const [writes] = await queryDatabase<{ count: number }>(
    databaseUrl,
    "select (n_tup_ins + n_tup_upd)::int as count from pg_stat_user_tables where relname = 'api_key_uses'",
  )
  assert.ok((writes?.count ?? 0) < 30, `${writes?.count} rows written for 361 requests`)
})
