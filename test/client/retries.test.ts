// What the client does when an answer does not come, or says: not now.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  LatchkeyClient,
  LatchkeyConnectionError,
  LatchkeyError,
  LatchkeyTimeoutError,
  provision,
} from '../../src/client/entry.ts'
import { hangUp, json, startStage, thingsApi } from '../support/client.ts'

const contract = thingsApi('boothzen', 'Things')
const apiKey = `tk_live_${'a'.repeat(36)}`
const busy = json(
  429,
  { error: { code: 'rate_limit_exceeded', message: 'Slow down.' } },
  { 'Retry-After': '7' },
)
const down = json(503, { error: { code: 'unavailable', message: 'Back soon.' } })
const thing = json(200, { id: 't_1' })

test('tries and the waits between them', async (t) => {
  const stage = await startStage(t)
  const options = { apiKey, baseUrl: stage.url, contract, surroundings: stage.surroundings }
  const client = new LatchkeyClient(options)
  const get = () => client.request({ method: 'GET', path: '/things/t_1' })
  const post = (idempotencyKey?: string) =>
    client.request({ method: 'POST', path: '/things', body: { color: 'red' }, idempotencyKey })
  const statusOf = (status: number) => (error: unknown) =>
    error instanceof LatchkeyError && error.status === status

  await t.test('429 waits for as many seconds as Retry-After says', async () => {
    stage.answer(busy, thing)
    assert.deepEqual((await get()).data, { id: 't_1' })
    assert.deepEqual(stage.waits, [7000])
  })

  await t.test('503 waits until the date that Retry-After says', async () => {
    const date = new Date(stage.surroundings.now() + 4000).toUTCString()
    stage.answer(json(503, {}, { 'Retry-After': date }), thing)
    await get()
    assert.deepEqual(stage.waits, [4000])
  })

  await t.test('no wait that the server asks for is shorter than one that it does not', async () => {
    for (const soon of ['0', new Date(stage.surroundings.now() - 60_000).toUTCString()]) {
      stage.answer(json(503, {}, { 'Retry-After': soon }), thing)
      await get()
      assert.deepEqual(stage.waits, [500], soon)
    }
  })

  await t.test('a Retry-After that is neither seconds nor a date is as none', async () => {
    for (const strange of ['-5', '1.5', 'soon', 'foo 1', '1, 2', '2026-11-26', '']) {
      stage.answer(json(503, {}, { 'Retry-After': strange }), thing)
      await get()
      assert.deepEqual(stage.waits, [500], strange)
    }
    stage.answer(json(503, {}, { 'Retry-After': '9'.repeat(30) }))
    await assert.rejects(get(), statusOf(503))
    assert.deepEqual(stage.waits, [])
  })

  await t.test('without Retry-After the waits double, and chance shortens them', async () => {
    stage.answer(down, down, thing)
    await get()
    assert.deepEqual(stage.waits, [500, 1000])
    stage.answer(down, down, thing)
    const surroundings = { ...stage.surroundings, random: () => 0.1 }
    await new LatchkeyClient({ ...options, surroundings }).request({ method: 'GET', path: '/things/t_1' })
    assert.deepEqual(stage.waits, [50, 100])
  })

  await t.test('a connection that breaks is tried again, and told of when it stays so', async () => {
    stage.answer(hangUp, hangUp, thing)
    assert.equal((await get()).status, 200)
    stage.answer(hangUp)
    await assert.rejects(get(), (error) => {
      assert.ok(error instanceof LatchkeyConnectionError)
      assert.match(error.message, /^Things API: there was no answer: /)
      assert.equal(error.status, undefined)
      assert.ok(error.cause instanceof Error)
      return true
    })
    assert.equal(stage.heard.length, 3)
  })

  await t.test('two more tries, or as many as the program says', async () => {
    stage.answer(down)
    await assert.rejects(get(), statusOf(503))
    assert.equal(stage.heard.length, 3)
    stage.answer(down)
    const once = new LatchkeyClient({ ...options, maxRetries: 0 })
    await assert.rejects(once.request({ method: 'GET', path: '/' }), statusOf(503))
    assert.equal(stage.heard.length, 1)
  })

  await t.test('500, 502, 504 and 408 pass; other refusals are final', async () => {
    for (const status of [408, 500, 502, 504]) {
      stage.answer(json(status, {}), thing)
      assert.equal((await get()).status, 200, String(status))
    }
    for (const status of [400, 401, 403, 404, 409, 422, 501]) {
      stage.answer(json(status, {}))
      await assert.rejects(get(), statusOf(status))
      assert.equal(stage.heard.length, 1, String(status))
    }
  })

  await t.test('a wait that would take longer than the timeout is not begun', async () => {
    stage.answer(json(429, { error: { message: 'Later.' } }, { 'Retry-After': '31' }))
    await assert.rejects(get(), (error) => error instanceof LatchkeyError && error.retryAfter === 31)
    assert.deepEqual(stage.waits, [])
  })

  await t.test('no answer in time is a timeout', async () => {
    stage.answer(() => {}) // says nothing, ever
    const slow = client.request({ method: 'GET', path: '/things/t_1', timeout: 30 })
    await assert.rejects(slow, (error) => {
      assert.ok(error instanceof LatchkeyTimeoutError)
      assert.equal(error.message, 'Things API: no answer within 30 ms.')
      return true
    })
  })

  await t.test('the time of a call is also that of its access token', async () => {
    stage.answer(thing)
    const never = () => new Promise<string>(() => {}) // waits for a lock whose owner is gone, say
    const client = new LatchkeyClient({ apiKey: never, baseUrl: stage.url, contract })
    const get = (more: object) => client.request({ method: 'GET', path: '/things', ...more })
    await assert.rejects(get({ timeout: 30 }), LatchkeyTimeoutError)
    const reason = new Error('The visitor left.')
    const given = new AbortController()
    setTimeout(() => given.abort(reason), 10)
    await assert.rejects(get({ signal: given.signal }), (error) => error === reason)
    assert.equal(stage.heard.length, 0)

    // After a 401 the second token has what is left.
    stage.answer(json(401, {}))
    const once = new LatchkeyClient({
      apiKey: (refused) => (refused === undefined ? apiKey : never()),
      baseUrl: stage.url,
      contract,
    })
    const refused = once.request({ method: 'GET', path: '/things', timeout: 50 })
    await assert.rejects(refused, LatchkeyTimeoutError)
    assert.equal(stage.heard.length, 1)
  })

  await t.test('a call is given up with the reason of its signal, also between two tries', async () => {
    const reason = new Error('The visitor left.')
    const given = new AbortController()
    stage.answer(() => given.abort(reason))
    const call = client.request({ method: 'GET', path: '/things', signal: given.signal })
    await assert.rejects(call, (error) => error === reason)
    assert.equal(stage.heard.length, 1)
    const before = client.request({ method: 'GET', path: '/things', signal: AbortSignal.abort(reason) })
    await assert.rejects(before, (error) => error === reason)
    assert.equal(stage.heard.length, 1)
    // Here the clock is the real one: the wait is a minute, were it not given up.
    stage.answer(json(503, {}, { 'Retry-After': '20' }))
    const waiting = new AbortController()
    const patient = new LatchkeyClient({ apiKey, baseUrl: stage.url, contract })
    const later = patient.request({ method: 'GET', path: '/things', signal: waiting.signal })
    setTimeout(() => waiting.abort(reason), 50)
    await assert.rejects(later, (error) => error === reason)
  })

  await t.test('many calls may have one signal, and none of them leaves anything with it', async () => {
    stage.answer(thing)
    const { signal } = new AbortController()
    let listeners = 0
    const { addEventListener } = signal
    signal.addEventListener = (...given: Parameters<typeof addEventListener>) => {
      listeners += 1
      addEventListener.apply(signal, given)
    }
    const calls = Array.from({ length: 12 }, () =>
      client.request({ method: 'GET', path: '/things/t_1', signal }),
    )
    assert.equal((await Promise.all(calls)).length, 12)
    await client.request({ method: 'GET', path: '/things/t_1', signal })
    assert.equal(listeners, 1)
  })

  await t.test('a POST is tried again only under an Idempotency-Key, which stays the same', async () => {
    for (const unclear of [down, hangUp]) {
      stage.answer(unclear, thing)
      await assert.rejects(post(), LatchkeyError)
      assert.equal(stage.heard.length, 1)
    }
    stage.answer(busy, hangUp, json(201, { id: 't_2' }))
    assert.equal((await post('order-7')).status, 201)
    const keys = stage.heard.map(({ headers }) => headers['idempotency-key'])
    assert.deepEqual(keys, ['order-7', 'order-7', 'order-7'])
    assert.deepEqual(new Set(stage.heard.map(({ body }) => body)), new Set(['{"color":"red"}']))
  })

  await t.test('with 429 nothing was done: any call is tried again', async () => {
    stage.answer(busy, json(201, { id: 't_3' }))
    assert.equal((await post()).status, 201)
    stage.answer(busy, thing)
    await client.request({ method: 'PATCH', path: '/things/t_1', body: {} })
    assert.deepEqual(stage.waits, [7000])
  })

  await t.test('a platform that provisions sends one by itself, another with each call', async () => {
    stage.answer(busy, down, json(201, { apiKey }))
    const platformKey = `tk_platform_${'b'.repeat(36)}`
    const config = { baseUrl: stage.url, platformKey, surroundings: stage.surroundings }
    const data = { userId: '1', userEmail: 'ann@acme.example', organizationId: 'o_1' }
    const operation = { id: 'x', method: 'POST', path: '/organizations/api-key' } as const
    const rest = { resource: null, name: 'x', input: 'body', answer: 'item' } as const
    const platforms = { ...operation, ...rest, sendsIdempotencyKey: true, isForPlatforms: true }
    const withPlatforms = { ...contract, operations: [platforms] }
    assert.equal((await provision(withPlatforms, config, data)).apiKey, apiKey)
    const keys = new Set(stage.heard.map(({ headers }) => headers['idempotency-key']))
    assert.equal(stage.heard.length, 3)
    assert.equal(keys.size, 1)
    assert.match([...keys][0]?.toString() ?? '', /^[0-9a-f-]{36}$/)
    const authorizations = new Set(stage.heard.map(({ headers }) => headers.authorization))
    assert.deepEqual(authorizations, new Set([`Bearer ${platformKey}`]))
    stage.answer(json(201, { apiKey }))
    await provision(withPlatforms, config, data)
    assert.ok(!keys.has(stage.heard[0]?.headers['idempotency-key']))
  })

  await t.test('a time that no call can take is told at once', async () => {
    for (const timeout of [0, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31])
      assert.throws(
        () => new LatchkeyClient({ ...options, timeout }),
        /^TypeError: timeout must be a whole number from 1 to/,
      )
  })

  await t.test('a redirect is not followed: the key would go with it', async () => {
    stage.answer(json(301, {}, { Location: 'https://elsewhere.example/' }))
    await assert.rejects(get(), /^LatchkeyError: Things API 301: .*redirect.*baseUrl/)
    assert.equal(stage.heard.length, 1)
  })
})
