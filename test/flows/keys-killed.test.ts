// A server that is killed in the middle of a burst of new keys: there are whole keys, and no parts of any.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestDatabase, queryDatabase } from '../support/database.ts'
import { makeHome, runJson, type ServerProcess, startServer } from '../support/server-process.ts'

interface Made {
  readonly id: string
  readonly secret: string
}

/** Of each key; together they ask for no more than it may in a second. */
const workers = 10
const perWorker = 5
const killAfter = 40

async function make(server: ServerProcess, secret: string, scopes: readonly string[]): Promise<Made> {
  const response = await server.api('/keys', secret, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ name: 'Made', scopes }),
  })
  const answer = (await response.json()) as Made
  assert.equal(response.status, 201)
  return answer
}

test('kill -9 in a burst of new keys leaves whole keys alone, and every one that was answered', async (t) => {
  const databaseUrl = await createTestDatabase(t, { empty: true })
  const home = await makeHome(t)
  const env = { DATABASE_URL: databaseUrl, COOKIE_KEYS: 'k'.repeat(40) }
  const one = await startServer(t, { home, env })
  await runJson(home, ['org', 'create', '--name', 'Acme'], env)
  const scopes = ['keys:read', 'keys:write', 'read:bookings']
  const create = ['key', 'create', '--org', 'acme', '--mode', 'live', '--scope', scopes.join(',')]
  const manager = await runJson<Made>(home, create, env)
  const makers = [manager]
  while (makers.length < 4) makers.push(await make(one, manager.secret, scopes))
  let cutShort = 0
  for (let round = 0; round < 2; round += 1) {
    const doomed = await startServer(t, { home, env: { ...env, PUBLIC_URL: one.url } })
    const heard: Made[] = []
    let killed: Promise<unknown> | null = null
    // Each asks again when it has its answer: so at any moment many are asked for.
    const ask = async (secret: string) => {
      for (let count = 0; count < perWorker; count += 1) {
        heard.push(await make(doomed, secret, ['read:bookings']))
        if (heard.length === killAfter) killed = doomed.stop('SIGKILL')
      }
    }
    const asking = makers.flatMap(({ secret }) => Array.from({ length: workers }, () => ask(secret)))
    cutShort += (await Promise.allSettled(asking)).filter(({ status }) => status === 'rejected').length
    assert.ok(killed, 'it was killed, and did not end otherwise')
    await killed
    const ids = heard.map(({ id }) => id)
    const there = await queryDatabase(databaseUrl, 'select 1 from api_keys where id = any($1)', [ids])
    assert.equal(there.length, heard.length, 'what was answered is there')
    assert.equal((await one.api('/me', heard[0]?.secret ?? '')).status, 200)
  }
  assert.ok(cutShort > 0, 'at least one was cut short')
  const [row] = await queryDatabase(
    databaseUrl,
    `select
       (select count(*)::int from api_keys k where not exists (
          select from credentials c where c.key_id = k.id and c.hash = k.hash)) as without_credential,
       (select count(*)::int from api_keys k where (
          select count(*) from audit_events e where e.target = k.id and e.organization_id = k.organization_id) <> 1)
         as untold,
       (select count(*)::int from audit_events e where action = 'key.created' and not exists (
          select from api_keys k where k.id = e.target)) as told_of_none,
       (select count(*)::int from audit_events e where not exists (
          select from audit_unsealed where event_id = e.id union select from audit_seals where event_id = e.id)) as loose`,
  )
  assert.deepEqual(row, { without_credential: 0, untold: 0, told_of_none: 0, loose: 0 })
  const verified = await runJson<{ faults: unknown[] }>(home, ['audit', 'verify'], env)
  assert.deepEqual(verified.faults, [])
})
