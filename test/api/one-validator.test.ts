import assert from 'node:assert/strict'
import { test } from 'node:test'
import { obtainTokens } from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'

const scope = 'read:bookings'
/** What may differ between two answers: which request it was, when, and how many came before. */
const perRequest = ['x-request-id', 'date', 'ratelimit-remaining', 'ratelimit-reset']

async function shape(response: Response) {
  const headers = Object.fromEntries([...response.headers].filter(([name]) => !perRequest.includes(name)))
  const text = (await response.text()).replaceAll(/req_[0-9A-Z]{26}/g, 'req_')
  return { status: response.status, headers: { ...headers, 'content-length': '' }, text }
}

test('an API key and an OAuth token with the same scopes and mode get the same answers', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person('ann@acme.example', organization)
  const customer = `cu_${'0'.repeat(26)}`
  await house.rows(organization, 'test', 'bookings', [
    { id: `bk_${'1'.repeat(26)}`, status: 'confirmed', customer_id: customer },
    { id: `bk_${'2'.repeat(26)}`, status: 'pending', customer_id: customer },
  ])
  const { secret } = await house.key(organization, 'test', [scope])
  const tokens = await obtainTokens(house.url, await house.app(organization), 'ann@acme.example', scope)
  assert.match(tokens.access_token, /^bz_oat_test_[0-9A-Za-z]{36}$/)
  assert.match(tokens.refresh_token, /^bz_ort_[0-9A-Za-z]{36}$/)

  const requests: readonly [string, RequestInit?][] = [
    ['/bookings'],
    ['/bookings?limit=1'],
    ['/bookings?limit=0'],
    ['/bookings?cursor=nonsense'],
    [`/bookings/bk_${'1'.repeat(26)}`],
    [`/bookings/bk_${'9'.repeat(26)}`],
    ['/customers'],
    ['/nowhere'],
    ['/bookings', { method: 'DELETE' }],
    ['/bookings', { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } }],
    ['/bookings?api_key=x'],
  ]
  const statuses = []
  for (const [path, init] of requests) {
    const byKey = await shape(await house.api(path, secret, init))
    const byToken = await shape(await house.api(path, tokens.access_token, init))
    assert.deepEqual(byToken, byKey, `${init?.method ?? 'GET'} ${path}`)
    statuses.push(byKey.status)
  }
  assert.deepEqual(statuses, [200, 200, 422, 422, 200, 404, 403, 404, 405, 403, 400])
})

test('/me says what the calling credential is', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person('ann@acme.example', organization)
  const { key, secret } = await house.key(organization, 'live', [scope, 'read:customers'])
  const app = await house.app(organization)
  const tokens = await obtainTokens(house.url, app, 'ann@acme.example', scope)

  assert.deepEqual(await (await house.api('/me', secret)).json(), {
    kind: 'api_key',
    organization_id: organization.id,
    mode: 'live',
    scopes: [scope, 'read:customers'],
    expires_at: null,
    key_id: key.id,
  })
  const me = (await (await house.api('/me', tokens.access_token)).json()) as Record<string, unknown>
  assert.equal(me['kind'], 'access_token')
  assert.equal(me['mode'], 'test')
  assert.equal(me['client_id'], app.clientId)
  assert.equal(me['organization_id'], organization.id)
  assert.deepEqual(me['scopes'], [scope])
})

test('K4: both kinds of credential are rows of one table, found by their hash alone', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person('ann@acme.example', organization)
  const { secret } = await house.key(organization, 'test', [scope])
  const tokens = await obtainTokens(house.url, await house.app(organization), 'ann@acme.example', scope)
  assert.equal((await house.api('/me', secret)).status, 200)
  assert.equal((await house.api('/me', tokens.access_token)).status, 200)
  // Whatever else is known of them, the row is what counts.
  const gone = await house.database.knex('credentials').delete()
  assert.equal(gone, 2)
  await house.settle()
  assert.equal((await house.api('/me', secret)).status, 401)
  assert.equal((await house.api('/me', tokens.access_token)).status, 401)
})
