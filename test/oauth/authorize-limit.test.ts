// U12: the authorization endpoint writes for whoever comes, so it is limited for each address.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authorizationUrl } from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'

test('U12: one address begins 120 authorizations a minute, however it writes the path; HEAD begins none', async (t) => {
  const house = await startHouse(t, { env: { TRUST_PROXY: '1' } })
  const app = await house.app(await house.organization('Acme'))
  const { search } = new URL(authorizationUrl(house.url, app.clientId, 'read:bookings').url)
  const ask = (path: string, address: string, method = 'GET') =>
    fetch(`${house.url}${path}${search}`, {
      method,
      redirect: 'manual',
      headers: { 'X-Forwarded-For': address, Accept: 'text/html' },
    })
  const written = async () => (await house.database.knex('interactions')).length

  const head = await ask('/oauth/authorize', '192.0.2.1', 'HEAD')
  assert.equal(head.status, 200)
  assert.equal(await written(), 0)

  const paths = ['/oauth/authorize', '/OAuth/Authorize', '/oauth/authorize/']
  const statuses: number[] = []
  for (let round = 0; round < 43; round += 1) {
    const answers = await Promise.all(paths.map((path) => ask(path, '192.0.2.1')))
    statuses.push(...answers.map(({ status }) => status))
  }
  assert.equal(statuses.filter((status) => status !== 429).length, 119, 'and the HEAD before them')
  const begun = await written()
  assert.ok(begun > 0 && begun <= 119)
  const refused = await ask('/oauth/authorize', '192.0.2.1')
  assert.equal(refused.status, 429)
  assert.match(refused.headers.get('retry-after') ?? '', /^\d+$/)
  assert.match(await refused.text(), /<h1>/)
  assert.equal(await written(), begun)
  assert.equal((await ask('/oauth/authorize', '192.0.2.2')).status, 303, 'another address is served')
})
