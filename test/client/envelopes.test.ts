// Answers and errors of the four published shapes come out alike.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  createOrganizationApiKey,
  LatchkeyClient,
  LatchkeyError,
  type Listing,
} from '../../src/client/entry.ts'
import { json, startStage, thingsApi } from '../support/client.ts'

const apiKey = `tk_live_${'a'.repeat(36)}`

interface Thing {
  readonly id: string
}
/** The methods of thingsApi, which no generated module has types for. */
interface Things {
  readonly things: {
    list(query?: object): Listing<Thing>
    get(id: string): Promise<Thing>
    create(body: object, options?: { idempotencyKey: string }): Promise<Thing>
    delete(id: string): Promise<undefined>
    paint(id: string): Promise<Thing>
  }
}

test('the envelopes', async (t) => {
  const stage = await startStage(t)
  const clientOf = (...api: Parameters<typeof thingsApi>) =>
    new LatchkeyClient({
      apiKey,
      baseUrl: stage.url,
      contract: thingsApi(...api),
      surroundings: stage.surroundings,
    }) as unknown as Things // see there
  const errorOf = async (promise: PromiseLike<unknown>): Promise<LatchkeyError> => {
    const error = await promise.then(
      () => assert.fail('it succeeded'),
      (it: unknown) => it,
    )
    assert.ok(error instanceof LatchkeyError)
    return error
  }
  const ids = async (listing: Listing<Thing>) => {
    const found: string[] = []
    for await (const { id } of listing) found.push(id)
    return found
  }
  const data = (...all: string[]) => all.map((id) => ({ id }))

  await t.test('BoothZen: the Stripe shape, with param and request id', async () => {
    const { things } = clientOf('boothzen', 'BoothZen')
    stage.answer(json(200, { id: 't_1' }))
    assert.deepEqual(await things.get('t_1'), { id: 't_1' })
    assert.equal(stage.heard[0]?.path, '/v1/things/t_1')
    const error = { type: 'validation_error', code: 'invalid_parameter', message: 'color: is not one.' }
    const body = { error: { ...error, param: 'color', request_id: 'req_1' } }
    stage.answer(json(422, body))
    const refused = await errorOf(things.create({ color: 7 }))
    assert.equal(refused.message, 'BoothZen API 422: color: is not one.')
    assert.equal(refused.name, 'LatchkeyError')
    assert.deepEqual(
      [refused.status, refused.code, refused.param, refused.requestId],
      [422, 'invalid_parameter', 'color', 'req_1'],
    )
    assert.equal(refused.response?.status, 422)
    assert.deepEqual(refused.response.data, body)
    assert.equal(refused.response.headers['content-type'], 'application/json')
  })

  await t.test('Boooply: the thing is spread into the answer; the request id is in a header', async () => {
    const { things } = clientOf('boooply', 'Boooply')
    stage.answer(json(201, { success: true, id: 't_1' }))
    assert.equal((await things.create({})).id, 't_1')
    const refusal = { success: false, error: 'Invalid or inactive API key.', code: 'INVALID_API_KEY' }
    stage.answer(json(400, refusal, { 'X-Request-Id': 'req_2' }))
    const error = await errorOf(things.get('t_1'))
    assert.equal(error.message, 'Boooply API 400: Invalid or inactive API key.')
    assert.equal(error.code, 'INVALID_API_KEY')
    assert.equal(error.requestId, 'req_2')
  })

  await t.test('Evalyo: problem details', async () => {
    const { things } = clientOf('evalyo', 'Evalyo')
    stage.answer(json(200, { data: { id: 't_1' } }))
    assert.deepEqual(await things.get('t_1'), { id: 't_1' })
    stage.answer(
      json(403, { title: 'Forbidden', status: 403, detail: 'A scope lacks.', code: 'insufficient_scope' }),
    )
    const error = await errorOf(things.get('t_1'))
    assert.equal(error.message, 'Evalyo API 403: A scope lacks.')
    assert.equal(error.code, 'insufficient_scope')
  })

  await t.test('Busy Board: the key in its own header, numbered pages', async () => {
    const { things } = clientOf('busyboard', 'Busy Board', 'page', 'x-api-key')
    const page = (number: number, ...all: string[]) =>
      json(200, {
        success: true,
        data: data(...all),
        pagination: { page: number, limit: 2, total: 3, totalPages: 2 },
      })
    stage.answer(page(1, 'a', 'b'), page(2, 'c'))
    assert.deepEqual(await ids(things.list({ limit: 2 })), ['a', 'b', 'c'])
    assert.deepEqual(
      stage.heard.map(({ path }) => path),
      ['/v1/things?limit=2', '/v1/things?limit=2&page=2'],
    )
    assert.equal(stage.heard[0]?.headers['x-api-key'], apiKey)
    assert.equal(stage.heard[0].headers.authorization, undefined)
    stage.answer(
      json(401, { success: false, message: 'Invalid API Key provided', data: null, statusCode: 401 }),
    )
    assert.equal((await errorOf(things.list())).message, 'Busy Board API 401: Invalid API Key provided')
  })

  await t.test('a page has its data, its cursor and the next page', async () => {
    const { things } = clientOf('boooply', 'Boooply')
    stage.answer(
      json(200, { success: true, data: data('a'), nextCursor: 'c1' }),
      json(200, { success: true, data: data('b'), nextCursor: null }),
    )
    const page = await things.list()
    assert.deepEqual(page.data, data('a'))
    assert.equal(page.nextCursor, 'c1')
    const next = await page.next()
    assert.deepEqual(next?.data, data('b'))
    assert.equal(await next?.next(), null)
    assert.deepEqual(
      stage.heard.map(({ path }) => path),
      ['/v1/things', '/v1/things?cursor=c1'],
    )
  })

  await t.test('pages by the header Link', async () => {
    const { things } = clientOf('evalyo', 'Evalyo', 'link')
    const link = '</v1/things?cursor=x0>; rel="prev", </v1/things?cursor=x2>; rel="next"'
    stage.answer(json(200, { data: data('a') }, { Link: link }), json(200, { data: data('b') }))
    assert.deepEqual(await ids(things.list()), ['a', 'b'])
    assert.equal(stage.heard[1]?.path, '/v1/things?cursor=x2')
  })

  await t.test('what is no JSON, and nothing at all', async () => {
    const { things } = clientOf('boothzen', 'BoothZen')
    stage.answer((res) => res.writeHead(404, { 'Content-Type': 'text/html' }).end('<h1>Not here</h1>'))
    const error = await errorOf(things.get('t_1'))
    assert.equal(error.message, 'BoothZen API 404: The answer says no more.')
    assert.equal(error.response?.data, '<h1>Not here</h1>')
    stage.answer((res) => res.writeHead(204).end())
    assert.equal(await things.delete('t_1'), undefined)
  })

  await t.test(
    'a success that this API did not write is none: a page of a proxy, half an answer',
    async () => {
      const pages = [
        clientOf('boothzen', 'BoothZen'),
        clientOf('evalyo', 'Evalyo', 'link'),
        clientOf('busyboard', 'Busy Board', 'page'),
      ]
      for (const { things } of pages) {
        for (const text of [
          `<h1>Sign in to the network, ${apiKey}</h1>`,
          '{"data":[{"id":"t_',
          '{"items":[]}',
        ]) {
          stage.answer((res) => res.writeHead(200, { 'X-Request-Id': 'req_7' }).end(text))
          const error = await errorOf(things.list())
          assert.match(error.message, / API 200: The answer is not as this API writes it\. Check baseUrl/)
          assert.deepEqual([error.status, error.requestId], [200, 'req_7'])
          assert.ok(!JSON.stringify(error.response).includes(apiKey))
          if (!text.endsWith('}')) await errorOf(things.get('t_1'))
        }
      }
    },
  )

  await t.test('a part of the address is one step of it, whatever it holds', async () => {
    const { things } = clientOf('boothzen', 'BoothZen')
    stage.answer(json(200, {}))
    await things.get('../keys?x=1#')
    assert.equal(stage.heard[0]?.path, '/v1/things/..%2Fkeys%3Fx%3D1%23')
    for (const id of ['', '.', '..']) assert.throws(() => things.get(id), /things\.get: id must be/)
  })

  await t.test(
    'a creation has an Idempotency-Key, the caller’s where there is one; no other POST has',
    async () => {
      const { things } = clientOf('boothzen', 'BoothZen')
      stage.answer(json(200, {}))
      await things.create({})
      await things.create({}, { idempotencyKey: 'mine' })
      await things.paint('t_1')
      const [first, mine, none] = stage.heard.map(({ headers }) => headers['idempotency-key'])
      assert.match(String(first), /^[0-9a-f-]{36}$/)
      assert.deepEqual([mine, none], ['mine', undefined])
      const spaced = things.create({}, { idempotencyKey: 'a b' })
      await assert.rejects(spaced, /^TypeError: idempotencyKey must be/)
      assert.equal(stage.heard.length, 3)
    },
  )
})

test('the base path may stand in baseUrl, or not', async (t) => {
  const stage = await startStage(t)
  const contract = { ...thingsApi('boothzen', 'Things'), basePaths: ['/api/v1', '/v1'] as const }
  const pathFor = async (baseUrl: string) => {
    stage.answer(json(200, {}))
    await new LatchkeyClient({ apiKey, baseUrl, contract }).request({ method: 'GET', path: '/me' })
    return stage.heard[0]?.path
  }
  assert.equal(await pathFor(stage.url), '/api/v1/me')
  assert.equal(await pathFor(`${stage.url}/`), '/api/v1/me')
  assert.equal(await pathFor(`${stage.url}/api/v1/`), '/api/v1/me')
  assert.equal(await pathFor(`${stage.url}/v1`), '/v1/me')
  assert.equal(await pathFor(`${stage.url}/behind/a/proxy`), '/behind/a/proxy/api/v1/me')
  for (const baseUrl of ['', 'example.com', 'ftp://example.com', 'https://a:b@example.com', 'https://x/?k=1'])
    assert.throws(() => new LatchkeyClient({ apiKey, baseUrl, contract }), /baseUrl must be an address/)
})

test('which API it is, the prefix says, or contract does', async (t) => {
  const stage = await startStage(t)
  const open = (options: object) => new LatchkeyClient({ apiKey, baseUrl: stage.url, ...options })
  assert.throws(
    () => open({}),
    /^TypeError: apiKey begins like no credential .*contract: .*"boothzen".*basePath/,
  )
  assert.throws(() => open({ apiKey: undefined }), /^TypeError: apiKey is missing: /)
  const config = { baseUrl: stage.url, platformKey: '' } // what an environment has that was not set
  const data = { userId: '1', userEmail: 'ann@acme.example', organizationId: 'org_1' }
  await assert.rejects(createOrganizationApiKey(config, data), /^TypeError: platformKey is missing: /)
  assert.throws(() => open({ apiKey: () => 'x' }), /apiKey is a function, which does not say/)
  // A name from JavaScript, which no compiler has seen.
  assert.throws(() => open({ contract: 'nobody' }), /contract is unknown: there are "/)
  assert.doesNotThrow(() => open({ apiKey: () => 'x', contract: 'boothzen' }))
  assert.ok('bookings' in open({ apiKey: `bz_test_${'a'.repeat(36)}` }))
  assert.ok('bookings' in open({ apiKey: `bz_oat_live_${'a'.repeat(36)}` }))

  const plain = open({ contract: { basePath: '/v2', header: 'X-Key' } })
  stage.answer(json(418, { detail: 'I am a teapot.' }))
  await assert.rejects(plain.request({ method: 'GET', path: '/tea' }), /Latchkey API 418: I am a teapot\./)
  assert.equal(stage.heard[0]?.path, '/v2/tea')
  assert.equal(stage.heard[0].headers['x-key'], apiKey)

  for (const basePath of ['', '/', 'v2', '/v2/']) {
    stage.answer(json(200, {}))
    await open({ contract: { basePath, header: 'X-Key' } }).request({ method: 'get', path: '/tea' })
    assert.equal(stage.heard[0]?.path, /v2/.test(basePath) ? '/v2/tea' : '/tea', basePath)
  }
  // Behind the host's name it would be another host, which would be sent the key.
  const bare = open({ contract: { basePath: '', header: 'X-Key' } })
  for (const path of ['.elsewhere.example/', '@elsewhere.example/', 'tea', ''])
    await assert.rejects(bare.request({ method: 'GET', path }), /^TypeError: path must begin with a slash/)
})
