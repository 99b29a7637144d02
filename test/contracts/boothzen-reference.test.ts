// https://developer.boothzen.com: what the pages on errors, limits and resources say beyond Authentication.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { obtainTokens } from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'
import { ask } from '../support/published-hosts.ts'
import { stopClock } from '../support/stopped-clock.ts'

const email = 'ann@harbour.example'
const scopes = ['read:bookings', 'write:bookings', 'read:customers']
const json = { 'Content-Type': 'application/json' }
const id = (prefix: string, digit: number) => prefix + String(digit).repeat(26)

const house = await startHouse({ after })
const harbour = await house.organization('Harbour Booths')
const other = await house.organization('Other Booths')
await house.person(email, harbour)
const booking = {
  status: 'confirmed',
  starts_at: '2027-03-01T10:00:00Z',
  ends_at: '2027-03-01T13:00:00Z',
  customer_id: id('cu_', 1),
  total: { amount: 45_000, currency: 'GBP' },
}
const [live, sandbox, others] = [id('bk_', 1), id('bk_', 2), id('bk_', 3)]
await house.rows(harbour, 'live', 'bookings', [{ id: live, ...booking }])
await house.rows(harbour, 'test', 'bookings', [{ id: sandbox, ...booking }])
await house.rows(other, 'live', 'bookings', [{ id: others, ...booking }])

const keyOf = async (mode: 'live' | 'test' = 'live', some: readonly string[] = scopes) =>
  (await house.key(harbour, mode, some)).secret
const tokenOf = async () => {
  const app = await house.app(harbour, { mode: 'live', scopes })
  return (await obtainTokens(house.url, app, email, scopes.join(' '))).access_token
}

interface Refused {
  readonly status: number
  readonly type: string
  readonly code: string
  readonly param: string | undefined
  readonly requestId: string
  readonly headers: Headers
}

/** An error in its envelope, which has nothing else in it. */
async function refusalOf(response: Response): Promise<Refused> {
  const { error, ...rest } = (await response.json()) as { error: Record<string, string> }
  assert.deepEqual(rest, {})
  const { type = '', code = '', message = '', param, request_id: requestId = '', ...more } = error
  assert.deepEqual(more, {})
  assert.match(message, /^[A-Z"]?.+\.$/s)
  assert.equal(requestId, response.headers.get('x-request-id'))
  return { status: response.status, type, code, param, requestId, headers: response.headers }
}

async function said(response: Promise<Response>): Promise<string> {
  const { status, type, code, param } = await refusalOf(await response)
  return [status, type, code, param].filter((it) => it !== undefined).join(' ')
}

test('400 invalid_request_error malformed JSON, a key in the query (?api_key=), a missing Content-Type', async () => {
  const key = await keyOf()
  const post = (body: string, headers: Record<string, string>) =>
    said(
      ask(house, {
        method: 'POST',
        target: '/api/v1/bookings',
        body,
        headers: { Authorization: `Bearer ${key}`, ...headers },
      }),
    )
  assert.equal(await post('{"status":', json), '400 invalid_request_error malformed_json')
  assert.equal(await post(JSON.stringify(booking), {}), '400 invalid_request_error unsupported_content_type')
  const query = `/bookings?api_key=${key}`
  assert.equal(await said(house.api(query, null)), '400 invalid_request_error credential_in_query')
  assert.equal(await said(house.api(query, key)), '400 invalid_request_error multiple_credentials')
})

test('401 authentication_error a missing, malformed, revoked or unknown credential', async () => {
  const manager = await keyOf('live', ['keys:write', ...scopes])
  const made = await house.api('/keys', manager, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ name: 'x', scopes: ['read:bookings'] }),
  })
  const { id: key, secret } = (await made.json()) as { id: string; secret: string }
  assert.equal((await house.api('/bookings', secret)).status, 200)
  assert.equal((await house.api(`/keys/${key}/revoke`, manager, { method: 'POST' })).status, 200)
  const unknown = secret.slice(0, -1) + (secret.endsWith('0') ? '1' : '0')
  assert.equal(await said(house.api('/bookings', null)), '401 authentication_error missing_credential')
  for (const bad of [secret, unknown, 'bz_live_', 'garbage', `${secret} ${secret}`])
    assert.equal(await said(house.api('/bookings', bad)), '401 authentication_error invalid_credential', bad)
})

test('403 permission_error the credential lacks a required scope, or is of the wrong mode (a test key on a live resource)', async () => {
  const narrow = await keyOf('live', ['read:bookings'])
  assert.equal(await said(house.api('/customers', narrow)), '403 permission_error insufficient_scope')
  const test = await keyOf('test')
  assert.equal(await said(house.api(`/bookings/${live}`, test)), '403 permission_error wrong_mode')
  assert.equal(
    await said(house.api(`/bookings/${sandbox}`, await keyOf())),
    '403 permission_error wrong_mode',
  )
})

test('404 invalid_request_error no such resource, or it belongs to another tenant', async () => {
  const key = await keyOf()
  const [absent, foreign] = [id('bk_', 9), others]
  const answers = await Promise.all([absent, foreign].map((each) => house.api(`/bookings/${each}`, key)))
  const [one, two] = await Promise.all(answers.map(refusalOf))
  for (const each of [one, two])
    assert.deepEqual(
      [each?.status, each?.type, each?.code],
      [404, 'invalid_request_error', 'resource_not_found'],
    )
  assert.equal(await said(house.api('/nowhere', key)), '404 invalid_request_error route_not_found')
})

test('409 invalid_request_error the same Idempotency-Key came with another body', async () => {
  const manager = await keyOf('live', ['keys:write', ...scopes])
  const headers = { ...json, 'Idempotency-Key': 'nightly-export-0001' }
  const create = (name: string) =>
    house.api('/keys', manager, {
      method: 'POST',
      headers,
      body: JSON.stringify({ name, scopes: ['read:bookings'] }),
    })
  const first = await create('Nightly')
  assert.equal(first.status, 201)
  assert.equal(await (await create('Nightly')).text(), await first.text())
  assert.equal(await said(create('Weekly')), '409 invalid_request_error idempotency_key_reused')
})

test('422 validation_error right shape, wrong value; param names the field', async () => {
  const key = await keyOf()
  const post = (change: object) =>
    said(
      house.api('/bookings', key, {
        method: 'POST',
        headers: json,
        body: JSON.stringify({ ...booking, ...change }),
      }),
    )
  assert.equal(await post({ starts_at: 'tomorrow' }), '422 validation_error invalid_parameter starts_at')
  assert.equal(
    await post({ total: { amount: -1, currency: 'GBP' } }),
    '422 validation_error invalid_parameter total.amount',
  )
  assert.equal(await post({ customer_id: undefined }), '422 validation_error invalid_parameter customer_id')
  assert.equal(
    await said(house.api('/bookings?limit=0', key)),
    '422 validation_error invalid_parameter limit',
  )
})

/** A second in which `requests` come at once, by a clock that stands still: how each was answered. */
async function burst(credential: string, requests: number): Promise<Response[]> {
  const headers = { Authorization: `Bearer ${credential}` }
  return Promise.all(Array.from({ length: requests }, () => ask(house, { target: '/api/v1/me', headers })))
}
const countOf = (answers: readonly Response[], status: number) =>
  answers.filter((it) => it.status === status).length
const limitsOf = ({ headers }: Response) =>
  ['ratelimit-limit', 'ratelimit-remaining', 'ratelimit-reset', 'retry-after'].map((name) =>
    headers.get(name),
  )

test('429 rate_limit_error the bucket is empty; code: rate_limit_exceeded; Retry-After', async (t) => {
  const key = await keyOf()
  stopClock(t)
  const answers = await burst(key, 61)
  assert.deepEqual([countOf(answers, 200), countOf(answers, 429)], [60, 1])
  const refused = answers.find(({ status }) => status === 429)
  assert.ok(refused)
  const { type, code, headers } = await refusalOf(refused)
  assert.deepEqual([type, code, headers.get('retry-after')], ['rate_limit_error', 'rate_limit_exceeded', '1'])
})

test('500 api_error our fault; safe to retry; quote request_id', async () => {
  const key = await keyOf()
  await house.asOwner('alter table sample_resources rename to elsewhere')
  const { status, type, code, requestId } = await refusalOf(await house.api('/bookings', key))
  await house.asOwner('alter table elsewhere rename to sample_resources')
  assert.deepEqual([status, type, code], [500, 'api_error', 'internal_error'])
  const line = house
    .log()
    .split('\n')
    .find((it) => it.includes(requestId) && it.includes('request failed'))
  assert.ok(line, 'support finds the cause by it')
  assert.equal((await house.api('/bookings', key)).status, 200, 'the same request again')
})

test('600 a minute and 60 a second, per credential, API keys and OAuth tokens alike', async (t) => {
  const credentials = { key: await keyOf(), token: await tokenOf() }
  const [second, bystander] = [await keyOf(), await keyOf('test')]
  stopClock(t)
  for (const [kind, credential] of Object.entries(credentials)) {
    for (let passed = 60; passed <= 600; passed += 60) {
      const answers = await burst(credential, 60)
      const others = answers.filter(({ status }) => status !== 200)
      const told = await Promise.all(others.map(async (it) => [it.status, limitsOf(it), await it.text()]))
      assert.deepEqual(told, [], `${kind}: what fits a second`)
      // Which of them came last, the network says: the least is what is left.
      const left = answers.map(({ headers }) => Number(headers.get('ratelimit-remaining')))
      assert.equal(Math.min(...left), 600 - passed, kind)
      if (passed === 60) {
        const [refused] = await burst(credential, 1)
        assert.deepEqual([refused?.status, refused && limitsOf(refused)], [429, ['60', '0', '1', '1']], kind)
      }
      t.mock.timers.tick(1000)
    }
    const [refused] = await burst(credential, 1)
    assert.deepEqual([refused?.status, refused && limitsOf(refused)], [429, ['600', '0', '50', '50']], kind)
    for (const other of [second, bystander])
      assert.equal(countOf(await burst(other, 1), 200), 1, 'each for itself')
    t.mock.timers.tick(49_999)
    assert.equal(countOf(await burst(credential, 1), 429), 1, 'until the minute is over')
    t.mock.timers.tick(1)
    assert.equal(countOf(await burst(credential, 1), 200), 1, kind)
  }
})

test('RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset (seconds left), and Retry-After on 429, on every answer, errors too', async (t) => {
  const key = await keyOf()
  stopClock(t)
  const send = (target: string, credential: string | null = key, method = 'GET') =>
    ask(house, {
      method,
      target: `/api/v1${target}`,
      headers: credential === null ? {} : { Authorization: `Bearer ${credential}` },
    })
  const answers: [number, string][] = [
    [200, '/bookings'],
    [403, '/keys'],
    [404, `/bookings/${id('bk_', 9)}`],
    [404, '/nowhere'],
    [422, '/bookings?limit=0'],
  ]
  for (const [at, [status, target]] of answers.entries()) {
    const answer = await send(target)
    const left = String(599 - at)
    assert.deepEqual([answer.status, limitsOf(answer)], [status, ['600', left, '60', null]], target)
  }
  assert.equal((await send('/bookings', key, 'DELETE')).status, 405)
  t.mock.timers.tick(12_000)
  assert.deepEqual(
    limitsOf(await send('/me')),
    ['600', '593', '48', null],
    'of the minute, whose rest it tells',
  )
  // Of a credential that is none, the address is what is counted.
  for (const nobody of [null, 'garbage']) {
    const refused = await send('/me', nobody)
    assert.equal(refused.status, 401)
    const [limit, remaining, reset, retryAfter] = limitsOf(refused)
    assert.deepEqual([limit, retryAfter], [String(house.profile.failedCredentials.requests), null])
    assert.match(`${remaining} ${reset}`, /^\d+ \d+$/)
  }
  t.mock.timers.tick(1000)
  const refused = (await burst(key, 61)).find(({ status }) => status === 429)
  assert.deepEqual(refused && limitsOf(refused), ['60', '0', '1', '1'], 'of the window that is full')
})

test('{"data": […], "next_cursor": null}, cursor pagination (?cursor=&limit=)', async () => {
  const organization = await house.organization('Many Booths')
  const { secret } = await house.key(organization, 'live', scopes)
  const ids = [1, 2, 3, 4, 5].map((digit) => id('bk_', digit))
  await house.rows(
    organization,
    'live',
    'bookings',
    ids.map((each) => ({ id: each, ...booking })),
  )
  const seen: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: string = cursor && `&cursor=${cursor}`
    const page = (await (await house.api(`/bookings?limit=2${query}`, secret)).json()) as {
      data: { id: string }[]
      next_cursor: string | null
    }
    assert.deepEqual(Object.keys(page), ['data', 'next_cursor'])
    assert.ok(page.data.length <= 2)
    seen.push(...page.data.map((row) => row.id))
    cursor = page.next_cursor
  }
  assert.deepEqual(seen, ids)
})

test('GET /api/v1/bookings answers {"data": [{"id": "bk_" + ULID, "status": "confirmed", "starts_at", "ends_at", "customer_id": "cu_" + ULID, "total": {"amount": 45000, "currency": "GBP"}}], "next_cursor": null}', async () => {
  const organization = await house.organization('One Booth')
  const { secret } = await house.key(organization, 'live', scopes)
  const made = await house.api('/bookings', secret, {
    method: 'POST',
    headers: json,
    body: JSON.stringify(booking),
  })
  assert.equal(made.status, 201)
  const answer = (await (await house.api('/bookings', secret)).json()) as { data: { id: string }[] }
  const [row] = answer.data
  assert.match(row?.id ?? '', /^bk_[0-9A-HJKMNP-TV-Z]{26}$/)
  assert.deepEqual(answer, { data: [{ ...booking, id: row?.id }], next_cursor: null })
  assert.deepEqual(Object.keys(row ?? {}).sort(), [
    'customer_id',
    'ends_at',
    'id',
    'starts_at',
    'status',
    'total',
  ])
})

test("times are ISO 8601 in UTC, amount counts the currency's smallest unit", async () => {
  const utc = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/
  const manager = await keyOf('live', ['keys:read', 'keys:write', ...scopes])
  const until = `${house.now().getUTCFullYear() + 1}-01-01`
  const asked = { name: 'x', scopes: ['read:bookings'], expires_at: `${until}T02:00:00+02:00` }
  const made = await house.api('/keys', manager, {
    method: 'POST',
    headers: json,
    body: JSON.stringify(asked),
  })
  const key = (await made.json()) as { created_at: string; expires_at: string }
  assert.equal(made.status, 201)
  assert.match(key.created_at, utc)
  assert.equal(new Date(key.expires_at).toISOString(), `${until}T00:00:00.000Z`)
  assert.match(key.expires_at, utc)
  const post = (change: object) =>
    house.api('/bookings', manager, {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ ...booking, ...change }),
    })
  // What is kept as it was sent must be so from the start.
  assert.equal(
    await said(post({ starts_at: '2027-03-01T12:00:00+02:00' })),
    '422 validation_error invalid_parameter starts_at',
  )
  assert.equal(
    await said(post({ total: { amount: 450.5, currency: 'GBP' } })),
    '422 validation_error invalid_parameter total.amount',
  )
  const { data } = (await (await house.api('/bookings', manager)).json()) as { data: (typeof booking)[] }
  for (const row of data) {
    assert.match(row.starts_at, utc)
    assert.ok(Number.isInteger(row.total.amount))
  }
})

test('The live OpenAPI 3.1 document is at /api/v1/openapi.json, with x-required-scopes on each operation', async () => {
  const answer = await fetch(`${house.url}/api/v1/openapi.json`)
  assert.equal(answer.status, 200)
  assert.match(answer.headers.get('content-type') ?? '', /^application\/json/)
  const document = (await answer.json()) as { openapi: string; paths: Record<string, Record<string, object>> }
  assert.match(document.openapi, /^3\.1\.\d+$/)
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item))
      assert.ok(method === 'parameters' || 'x-required-scopes' in operation, `${method} ${path}`)
  }
})

test('key expiry: none by itself', async () => {
  const forever = await keyOf()
  const until = new Date(house.now().getTime() + 86_400_000)
  const { secret: chosen } = await house.key(harbour, 'live', scopes, until)
  house.travel(20 * 365 * 86_400)
  assert.equal((await house.api('/bookings', forever)).status, 200)
  assert.equal((await house.api('/bookings', chosen)).status, 401, 'where an end was chosen, it ends')
})
