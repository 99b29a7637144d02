// A server that is killed while it provisions: all of a call or nothing of it, and asking again is safe.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTestDatabase, queryDatabase } from '../support/database.ts'
import { makeHome, runJson, type ServerProcess, startServer } from '../support/server-process.ts'

const parallel = 8
const people = ['ann', 'ben', 'cy'].map((name) => ({ email: `${name}@acme.example`, role: 'MEMBER' }))

async function connect(server: ServerProcess, secret: string, customer: string): Promise<string> {
  const response = await server.api('/organizations/api-key', secret, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': customer },
    body: JSON.stringify({
      userId: '1',
      userEmail: 'admin@acme.example',
      organizationId: customer,
      teamMembers: people,
    }),
  })
  const text = await response.text()
  assert.equal(response.status, 201, text)
  return text
}

test('kill -9 anywhere in provisioning: all or nothing, and the same call again gives the one answer', async (t) => {
  const databaseUrl = await createTestDatabase(t, { empty: true })
  const home = await makeHome(t)
  const env = { DATABASE_URL: databaseUrl, COOKIE_KEYS: 'k'.repeat(40) }
  const one = await startServer(t, { home, env })
  const { secret } = await runJson<{ secret: string }>(home, ['platform', 'create', '--name', 'Flow'], env)
  let cutShort = 0
  for (let round = 0; round < 5; round += 1) {
    const doomed = await startServer(t, { home, env: { ...env, PUBLIC_URL: one.url } })
    const customers = Array.from({ length: parallel }, (_, index) => `${round}-${index}`)
    const calls = customers.map((customer) => connect(doomed, secret, customer))
    const killed = sleep(20 + round * 15).then(() => doomed.stop('SIGKILL'))
    const answers = await Promise.allSettled(calls)
    await killed
    cutShort += answers.filter(({ status }) => status === 'rejected').length

    const again = await Promise.all(customers.map((customer) => connect(one, secret, customer)))
    for (const [index, answer] of answers.entries())
      if (answer.status === 'fulfilled')
        assert.equal(again[index], answer.value, 'what was heard is heard again')
    for (const text of again) {
      const { apiKey } = JSON.parse(text) as { apiKey: string }
      assert.equal((await one.api('/me', apiKey)).status, 200)
    }
  }
  assert.ok(cutShort > 0, 'at least one call was cut short')
  const organizations = await queryDatabase(
    databaseUrl,
    `select distinct
       (select count(*)::int from api_keys where organization_id = o.id) as keys,
       (select count(*)::int from credentials where organization_id = o.id) as credentials,
       (select count(*)::int from memberships where organization_id = o.id) as members,
       (select count(*)::int from audit_events where organization_id = o.id
          and action in ('organization.created', 'member.added', 'key.created')) as events
     from organizations o where platform_id is not null`,
  )
  assert.deepEqual(organizations, [{ keys: 1, credentials: 1, members: 4, events: 6 }])
})
