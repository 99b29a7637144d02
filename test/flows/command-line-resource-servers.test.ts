// Resource servers by command line, on the database of a running server.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startHouse } from '../support/house.ts'
import { claimsOf, introspect } from '../support/introspection.ts'
import { makeHome, runJson } from '../support/server-process.ts'

interface Shown {
  readonly client_id: string
  readonly client_secret?: string
  readonly name: string
  readonly audience: string
  readonly scopes: readonly string[] | null
}

test('a resource server is made, given another secret and deleted by command; its secret is shown once', async (t) => {
  const house = await startHouse(t)
  const { secret: key } = await house.key(await house.organization('Acme'), 'live', ['read:bookings'])
  const home = await makeHome(t)
  const env = { DATABASE_URL: house.databaseUrl, PUBLIC_URL: house.url }
  const run = <T>(...args: string[]) => runJson<T>(home, ['resource-server', ...args], env)
  const ask = (id: string, secret: string) => introspect(house, { id, secret }, { token: key })

  const made = await run<Shown>('create', '--name', 'Reports', '--scope', 'read:bookings')
  assert.equal(made.audience, `${house.url}/api/v1`, 'our own API where nothing else is said')
  assert.deepEqual(made.scopes, ['read:bookings'])
  assert.equal((await claimsOf(await ask(made.client_id, made.client_secret ?? '')))['active'], true)
  const rotated = await run<Shown>('rotate-secret', made.client_id)
  assert.equal((await ask(made.client_id, made.client_secret ?? '')).status, 401)
  assert.equal((await ask(made.client_id, rotated.client_secret ?? '')).status, 200)

  const listed = await run<Shown[]>('list')
  assert.deepEqual(
    listed.map(({ client_id: id, client_secret: secret }) => [id, secret]),
    [[made.client_id, undefined]],
  )
  const kept = JSON.stringify(await house.database.knex('resource_servers'))
  for (const secret of [made.client_secret ?? '?', rotated.client_secret ?? '?']) {
    assert.ok(
      !kept.includes(secret) && !kept.includes(secret.slice(-8)),
      'nothing of a secret is kept but its hash',
    )
  }
  await run('delete', made.client_id)
  assert.equal((await ask(made.client_id, rotated.client_secret ?? '')).status, 401)

  assert.deepEqual(await house.database.knex('resource_servers'), [])
  const events = await house.database
    .knex('audit_events')
    .where('action', 'like', 'resource_server.%')
    .orderBy('id')
  assert.deepEqual(
    events.map(({ action }) => action),
    ['resource_server.created', 'resource_server.secret_rotated', 'resource_server.deleted'],
  )
  assert.doesNotMatch(JSON.stringify(events), /rs_secret_/)
})
