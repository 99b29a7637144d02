// What is asked of the API, and how it answers: pages, bodies, limits, errors of ours.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startHouse } from '../support/house.ts'
import { createPartner } from '../support/platform.ts'
import { oneLimit } from '../support/rate-classes.ts'

const scopes = ['read:bookings', 'write:bookings']
const ulid = /^req_[0-9A-HJKMNP-TV-Z]{26}$/

async function errorOf(response: Response): Promise<Record<string, string>> {
  return ((await response.json()) as { error: Record<string, string> }).error
}

test('a collection is read page by page, each row once', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  const { secret } = await house.key(organization, 'test', scopes)
  const rows = Array.from({ length: 23 }, (_, index) => ({ id: `bk_${String(index).padStart(26, '0')}` }))
  await house.rows(organization, 'test', 'bookings', rows)
  const seen: string[] = []
  let path = '/bookings?limit=10'
  for (const expected of [10, 10, 3]) {
    const page = (await (await house.api(path, secret)).json()) as {
      data: { id: string }[]
      next_cursor: string | null
    }
    assert.equal(page.data.length, expected)
    seen.push(...page.data.map(({ id }) => id))
    assert.equal(page.next_cursor === null, expected === 3)
    path = `/bookings?limit=10&cursor=${page.next_cursor}`
  }
  assert.deepEqual(
    seen,
    rows.map(({ id }) => id),
  )
  const byDefault = (await (await house.api('/bookings', secret)).json()) as { data: unknown[] }
  assert.equal(byDefault.data.length, 20)
  for (const query of [
    'limit=0',
    'limit=101',
    'limit=ten',
    'limit=-1',
    'limit=1.5',
    'cursor=',
    'cursor=x',
    'cursor=Y3VfMDA',
  ]) {
    const response = await house.api(`/bookings?${query}`, secret)
    assert.equal(response.status, 422, query)
    const error = await errorOf(response)
    assert.equal(error['type'], 'validation_error', query)
    assert.equal(error['param'], query.split('=')[0], query)
  }
})

test('a body is checked against the document before anything is done', async (t) => {
  const house = await startHouse(t)
  const { secret } = await house.key(await house.organization('Acme'), 'test', scopes)
  const good = {
    starts_at: '2027-03-01T10:00:00Z',
    ends_at: '2027-03-01T13:00:00Z',
    customer_id: `cu_${'0'.repeat(26)}`,
    total: { amount: 45_000, currency: 'GBP' },
  }
  const post = (body: string, type = 'application/json') =>
    house.api('/bookings', secret, { method: 'POST', body, headers: { 'Content-Type': type } })
  const wrong: readonly [string, string, number, string | undefined][] = [
    ['{', 'application/json', 400, undefined],
    ['', 'application/json', 400, undefined],
    [JSON.stringify(good), 'text/plain', 400, undefined],
    ['[]', 'application/json', 422, undefined],
    ['null', 'application/json', 422, undefined],
    [JSON.stringify({ ...good, starts_at: 'tomorrow' }), 'application/json', 422, 'starts_at'],
    [
      JSON.stringify({ ...good, total: { amount: -1, currency: 'GBP' } }),
      'application/json',
      422,
      'total.amount',
    ],
    [JSON.stringify({ ...good, total: undefined }), 'application/json', 422, 'total'],
    [JSON.stringify({ ...good, organization_id: 'org_x' }), 'application/json', 422, 'organization_id'],
    [JSON.stringify({ ...good, note: 'x'.repeat(60_000) }), 'application/json', 413, undefined],
  ]
  for (const [body, type, status, param] of wrong) {
    const response = await post(body, type)
    assert.equal(response.status, status, body.slice(0, 80))
    const error = await errorOf(response)
    assert.equal(error['param'], param, body.slice(0, 80))
    assert.match(error['request_id'] ?? '', ulid)
  }
  const created = await post(JSON.stringify(good))
  assert.equal(created.status, 201)
  const row = (await created.json()) as { id: string; status: string }
  assert.match(row.id, /^bk_[0-9A-HJKMNP-TV-Z]{26}$/)
  assert.equal(row.status, 'confirmed')
  assert.deepEqual(await (await house.api(`/bookings/${row.id}`, secret)).json(), row)
})

test('every answer has a request id and the rate limit, errors too', async (t) => {
  const house = await startHouse(t)
  const { secret } = await house.key(await house.organization('Acme'), 'test', scopes)
  const requests: readonly [string, string | null, RequestInit?][] = [
    ['/me', secret],
    ['/me', null],
    ['/me', 'garbage'],
    ['/customers', secret],
    ['/nowhere', secret],
    ['/bookings', secret, { method: 'DELETE' }],
    ['/bookings/', secret],
    ['/Bookings', secret],
  ]
  const seen = new Set<string>()
  for (const [path, credential, init] of requests) {
    const response = await house.api(path, credential, init)
    const id = response.headers.get('x-request-id') ?? ''
    assert.match(id, ulid)
    seen.add(id)
    for (const name of ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset']) {
      assert.match(response.headers.get(name) ?? '', /^\d+$/, `${path} ${name}`)
    }
    assert.equal(response.headers.get('cache-control'), 'no-store')
  }
  assert.equal(seen.size, requests.length)
  const refused = await house.api('/bookings', secret, { method: 'DELETE' })
  assert.equal(refused.status, 405)
  assert.equal(refused.headers.get('allow'), 'GET, POST')
  const head = await house.api('/me', secret, { method: 'HEAD' })
  assert.deepEqual([head.status, await head.text()], [200, ''])
})

test('the limit is counted for each credential; the next request waits for Retry-After', async (t) => {
  const house = await startHouse(t, {
    change: (profile) => ({ ...profile, rateClasses: oneLimit(3, 60) }),
  })
  const organization = await house.organization('Acme')
  const [one, two] = [
    await house.key(organization, 'test', scopes),
    await house.key(organization, 'test', scopes),
  ]
  for (const remaining of ['2', '1', '0']) {
    const response = await house.api('/bookings', one.secret)
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('ratelimit-limit'), '3')
    assert.equal(response.headers.get('ratelimit-remaining'), remaining)
  }
  const refused = await house.api('/bookings', one.secret)
  assert.equal(refused.status, 429)
  const wait = Number(refused.headers.get('retry-after'))
  assert.ok(wait >= 1 && wait <= 60)
  assert.equal(refused.headers.get('ratelimit-remaining'), '0')
  assert.equal(refused.headers.get('ratelimit-reset'), refused.headers.get('retry-after'))
  const error = await errorOf(refused)
  assert.deepEqual([error['type'], error['code']], ['rate_limit_error', 'rate_limit_exceeded'])
  assert.equal((await house.api('/bookings', two.secret)).status, 200)
})

test('refused credentials are counted by address', async (t) => {
  const house = await startHouse(t, {
    change: (profile) => ({ ...profile, failedCredentials: { requests: 2, seconds: 60 } }),
  })
  const { secret } = await house.key(await house.organization('Acme'), 'test', scopes)
  assert.equal((await house.api('/me', 'garbage')).status, 401)
  assert.equal((await house.api('/me', null, { headers: { 'X-Forwarded-For': '192.0.2.1' } })).status, 401)
  assert.equal(
    (await house.api('/me', 'garbage', { headers: { 'X-Forwarded-For': '192.0.2.2' } })).status,
    429,
  )
  assert.equal((await house.api('/me', secret)).status, 200, 'a good one still gets in')
})

test('a database that is away is no fault of the caller: 503, and not counted against the address', async (t) => {
  const house = await startHouse(t, {
    change: (profile) => ({ ...profile, failedCredentials: { requests: 2, seconds: 60 } }),
  })
  const { secret } = await house.key(await house.organization('Acme'), 'test', scopes)
  await house.asOwner('alter table credentials rename to elsewhere')
  for (let time = 0; time < 5; time += 1) {
    const refused = await house.api('/me', secret)
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1'])
    assert.ok(refused.headers.get('ratelimit-limit'), 'K14')
  }
  await house.asOwner('alter table elsewhere rename to credentials')
  assert.equal((await house.api('/me', secret)).status, 200)
  assert.equal((await house.api('/me', null)).status, 401)
})

test('a fault of ours is a 500 with the request id, logged with its cause, and says nothing more', async (t) => {
  const house = await startHouse(t)
  const { secret } = await house.key(await house.organization('Acme'), 'test', scopes)
  await house.asOwner('alter table sample_resources rename to elsewhere')
  const response = await house.api('/bookings', secret)
  assert.equal(response.status, 500)
  const text = await response.text()
  assert.doesNotMatch(text, /sample_resources|select|stack|\.ts/)
  const { error } = JSON.parse(text) as { error: Record<string, string> }
  assert.deepEqual([error['type'], error['code']], ['api_error', 'internal_error'])
  const line = house
    .log()
    .split('\n')
    .find((entry) => entry.includes('request failed'))
  assert.ok(line?.includes(error['request_id'] ?? '-') && line.includes('sample_resources'))
})

test('the document is served, with our address, and describes what is answered', async (t) => {
  const house = await startHouse(t)
  const response = await fetch(`${house.url}/api/v1/openapi.json`)
  assert.equal(response.status, 200)
  const head = await fetch(`${house.url}/api/v1/openapi.json`, { method: 'HEAD' })
  assert.deepEqual([head.status, await head.text()], [200, ''])
  const document = (await response.json()) as {
    openapi: string
    servers: { url: string }[]
    paths: Record<string, Record<string, Record<string, unknown>>>
  }
  assert.match(document.openapi, /^3\.1\./)
  assert.deepEqual(document.servers, [{ url: `${house.url}/api/v1` }])
  const all = Object.keys(house.profile.scopes)
  const organization = await house.organization('Acme')
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(operations)) {
      const required = operation['x-required-scopes'] as string[]
      for (const missing of required) {
        const { secret } = await house.key(
          organization,
          'live',
          all.filter((scope) => scope !== missing),
        )
        const refused = await house.api(path.replace('{id}', 'x'), secret, { method: method.toUpperCase() })
        assert.equal(refused.status, 403, `${method} ${path} without ${missing}`)
      }
      const { secret } =
        operation['x-credential'] === 'platform'
          ? await createPartner(house)
          : await house.key(organization, 'live', required)
      const passed = await house.api(path.replace('{id}', 'x'), secret, { method: method.toUpperCase() })
      assert.notEqual(passed.status, 403, `${method} ${path}`)
    }
  }
})
