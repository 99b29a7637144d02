// Where and how a credential is presented: SECURITY P1 to P6, K1, K5, K7, K9, K10.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { appScopes } from '../../src/core/profile.ts'
import { obtainCode, obtainTokens } from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'

const scope = 'read:bookings'
const email = 'ann@acme.example'

test('P1, P2: without a credential a client learns where to get one', async (t) => {
  const house = await startHouse(t)
  const response = await house.api('/bookings', null)
  assert.equal(response.status, 401)
  const challenge = response.headers.get('www-authenticate') ?? ''
  assert.doesNotMatch(challenge, /error/)
  const [, url = ''] = /^Bearer resource_metadata="([^"]+)"$/.exec(challenge) ?? []
  assert.equal(url, `${house.url}/.well-known/oauth-protected-resource/api/v1`)
  const metadata = await (await fetch(url)).json()
  assert.deepEqual(metadata, {
    resource: `${house.url}/api/v1`,
    authorization_servers: [house.url],
    scopes_supported: appScopes(house.profile),
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: ['ES256', 'Ed25519', 'EdDSA'],
    resource_name: 'BoothZen API',
  })
  assert.doesNotMatch(JSON.stringify(metadata) + challenge, /offline_access/, 'P7')
})

test('P3, P6, K5: whatever is wrong with a credential, the answer is the same', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const app = await house.app(organization)
  const tokens = await obtainTokens(house.url, app, email, scope)
  const { code } = await obtainCode(house.url, app, email, scope)
  const { secret: revoked, key } = await house.key(organization, 'test', [scope])
  const { secret: expired } = await house.key(organization, 'test', [scope], new Date(Date.now() + 1000))
  const { secret: good } = await house.key(organization, 'test', [scope])
  const { secret: unknown } = await house.key(organization, 'test', [scope])
  await house.database.knex('credentials').where({ key_id: key.id }).delete()
  await house.database
    .knex('api_keys')
    .where({ last_four: unknown.slice(-4) })
    .delete()
  await house.database
    .knex('credentials')
    .where('audience', `${house.url}/api/v1`)
    .update({ audience: 'https://else.example/' })
  house.travel(2)

  const bad = {
    garbage: 'garbage',
    'a flipped character': good.slice(0, 20) + (good[20] === 'a' ? 'b' : 'a') + good.slice(21),
    revoked,
    expired,
    unknown,
    'another audience': tokens.access_token,
    'a refresh token': tokens.refresh_token,
    'a code': code,
    'a very long text': 'x'.repeat(8000),
  }
  const answers = new Set<string>()
  for (const [name, credential] of Object.entries(bad)) {
    const response = await house.api('/bookings', credential)
    assert.equal(response.status, 401, name)
    assert.match(
      response.headers.get('www-authenticate') ?? '',
      /^Bearer error="invalid_token", resource_metadata=/,
    )
    assert.ok(response.headers.get('ratelimit-limit'), 'K14')
    answers.add((await response.text()).replace(/req_[0-9A-Z]{26}/, ''))
  }
  assert.equal(answers.size, 1)
  assert.equal((await house.api('/bookings', good)).status, 200)
})

test('K1: a text that is not one of our secrets costs no query', async (t) => {
  const house = await startHouse(t)
  const { secret } = await house.key(await house.organization('Acme'), 'test', [scope])
  let lookUps = 0
  const { lookUp } = house.database
  // The one seam through which credentials are looked up.
  Object.assign(house.database, {
    lookUp: (...args: Parameters<typeof lookUp>) => {
      lookUps += 1
      return lookUp(...args)
    },
  })
  for (let at = 0; at < secret.length; at += 1) {
    const other = secret[at] === 'A' ? 'B' : 'A'
    const flipped = secret.slice(0, at) + other + secret.slice(at + 1)
    assert.equal((await house.api('/me', flipped)).status, 401, `character ${at}`)
  }
  assert.equal(lookUps, 0)
  assert.equal((await house.api('/me', secret)).status, 200)
  assert.equal(lookUps, 1, 'and a good one costs one')
})

test('P4: a missing scope is named, in the message and in the challenge', async (t) => {
  const house = await startHouse(t)
  const { secret } = await house.key(await house.organization('Acme'), 'test', [scope])
  const response = await house.api('/customers', secret)
  assert.equal(response.status, 403)
  const challenge = response.headers.get('www-authenticate') ?? ''
  assert.match(
    challenge,
    /^Bearer error="insufficient_scope", scope="read:bookings read:customers", resource_metadata="/,
  )
  const { error } = (await response.json()) as { error: Record<string, string> }
  assert.equal(error['type'], 'permission_error')
  assert.equal(error['code'], 'insufficient_scope')
  assert.match(error['message'] ?? '', /"read:customers"/)
  assert.equal(error['request_id'], response.headers.get('x-request-id'))
  assert.equal(response.headers.get('x-boothzen-scope'), scope)
})

test('P5, K7, K9: exactly one credential, in the header alone', async (t) => {
  const house = await startHouse(t)
  const { secret } = await house.key(await house.organization('Acme'), 'test', [scope])
  const status = async (path: string, headers: Record<string, string>, init: RequestInit = {}) =>
    (await fetch(`${house.url}/api/v1${path}`, { ...init, headers })).status
  const bearer = { Authorization: `Bearer ${secret}` }

  assert.equal(await status('/me', { Authorization: `bearer ${secret}` }), 200, 'the scheme has no case')
  assert.equal(await status(`/me?access_token=${secret}`, {}), 401, 'ignored in the query')
  assert.equal(await status(`/me?api_key=${secret}`, {}), 400, 'which the contract answers so')
  assert.equal(await status(`/me?access_token=${secret}`, bearer), 400)
  assert.equal(await status('/me', { ...bearer, 'X-Api-Key': secret }), 400)
  assert.equal(await status('/me', { 'X-Api-Key': secret }), 401, 'another header is another API')
  assert.equal(await status('/me', { Authorization: secret }), 401)
  assert.equal(
    await status('/me', { Authorization: `Basic ${Buffer.from(`${secret}:`).toString('base64')}` }),
    401,
  )
  const form = { method: 'POST', body: new URLSearchParams({ access_token: secret }) }
  assert.equal(await status('/bookings', {}, form), 401)
  assert.notEqual(await status('/bookings', bearer, form), 201)

  const twice = await new Promise<number | undefined>((resolve, reject) => {
    const headers = { Authorization: [`Bearer ${secret}`, `Bearer ${secret}`] }
    request(`${house.url}/api/v1/me`, { headers }, (response) => resolve(response.statusCode))
      .on('error', reject)
      .end()
  })
  assert.equal(twice, 400, 'two headers of one name')
  assert.ok(!house.log().includes(secret), 'nothing of it is in the log')
})

test('K10: live and test, and organizations, are apart', async (t) => {
  const house = await startHouse(t)
  const [own, other] = [await house.organization('Own'), await house.organization('Other')]
  const id = (digit: number) => `bk_${String(digit).repeat(26)}`
  await house.rows(own, 'live', 'bookings', [{ id: id(1) }])
  await house.rows(own, 'test', 'bookings', [{ id: id(2) }])
  await house.rows(other, 'live', 'bookings', [{ id: id(3) }])
  const keys = {
    [id(1)]: (await house.key(own, 'live', [scope])).secret,
    [id(2)]: (await house.key(own, 'test', [scope])).secret,
    [id(3)]: (await house.key(other, 'live', [scope])).secret,
  }
  const otherMode: Readonly<Record<string, string>> = { [id(1)]: id(2), [id(2)]: id(1) }
  for (const [mine, key] of Object.entries(keys)) {
    assert.deepEqual(await (await house.api('/bookings', key)).json(), {
      data: [{ id: mine }],
      next_cursor: null,
    })
    for (const theirs of Object.keys(keys)) {
      const status = (await house.api(`/bookings/${theirs}`, key)).status
      assert.equal(status, theirs === mine ? 200 : theirs === otherMode[mine] ? 403 : 404)
    }
  }
})
