// POST /verify/batch as a resource server sees it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byServer } from '../../src/core/attribution.ts'
import { createFormat } from '../../src/credentials/format.ts'
import { issueKey } from '../../src/keys/issue-key.ts'
import { exchange, obtainCode, obtainTokens, readTokens } from '../support/authorization.ts'
import { postBatch, verifyAll } from '../support/batch.ts'
import { createTestDatabase } from '../support/database.ts'
import { startDatabaseProxy } from '../support/database-proxy.ts'
import { type House, startHouse } from '../support/house.ts'
import { claimsOf, introspect, resourceServer } from '../support/introspection.ts'
import { oneHouse } from '../support/one-house.ts'
import { makeKey, signProof } from '../support/proof.ts'
import { revoke } from '../support/protected-api.ts'

const scope = 'read:bookings read:customers'

const shared = oneHouse()
let opened = 0

async function open(house: House) {
  opened += 1
  const organization = await house.organization(`Acme ${opened}`)
  const email = `ann${opened}@acme.example`
  await house.person(email, organization)
  const app = await house.app(organization)
  return { organization, email, app, server: await resourceServer(house) }
}

test('verification of many: each is what introspection says of it, in their order, by one look-up', async (t) => {
  const proxy = await startDatabaseProxy(t, await createTestDatabase(t))
  const house = await startHouse(t, { databaseUrl: proxy.url })
  const { organization, email, app, server } = await open(house)
  const tokens = await obtainTokens(house.url, app, email, scope)
  const keys = await Promise.all(
    Array.from({ length: 20 }, () => house.key(organization, 'live', ['read:bookings'])),
  )
  const format = createFormat(house.profile.credentials.prefixes)
  const credentials = [
    tokens.access_token,
    'garbage',
    format.write('api_key', 'live').reveal(),
    tokens.refresh_token,
    format.write('platform_key', 'live').reveal(),
    ...keys.map(({ secret }) => secret),
    'half \ud800 a surrogate',
    '',
    tokens.access_token,
  ]
  await verifyAll(house, server, ['x']) // whoever asks is known from here on
  const before = proxy.seen.length
  const { results, now, age_ms: age } = await verifyAll(house, server, credentials)
  const lookUps = proxy.seen.slice(before).filter(({ text }) => /from credentials\b/.test(text))
  assert.equal(lookUps.length, 1, lookUps.map(({ text }) => text).join('\n'))
  assert.ok(Math.abs(now - house.now().getTime()) < 60_000)
  assert.ok(age >= 0 && age < 900, String(age))
  assert.equal(results.length, credentials.length)
  for (const [index, token] of credentials.entries()) {
    if (token === '') continue // introspection takes it for none
    assert.deepEqual(results[index], await claimsOf(await introspect(house, server, { token })), `${index}`)
  }
  assert.equal(results.filter(({ active }) => active === true).length, 22)

  // What is in memory, and what has ended since.
  const again = proxy.seen.length
  const [first] = keys
  assert.ok(first)
  assert.deepEqual((await verifyAll(house, server, credentials)).results, results)
  assert.equal(
    proxy.seen.slice(again).filter(({ text }) => /from credentials\b/.test(text)).length,
    1,
    'the unknown one alone',
  )
  await revoke(house, first.key)
  await house.settle()
  assert.deepEqual((await verifyAll(house, server, [first.secret, keys[1]?.secret])).results[0], {
    active: false,
  })
  const other = await resourceServer(house, 'https://reports.example.com')
  const elsewhere = await verifyAll(house, other, [tokens.access_token, keys[1]?.secret])
  assert.deepEqual(elsewhere.results, [{ active: false }, { active: false }])
  const [some] = (
    await verifyAll(house, await resourceServer(house, `${house.url}/api/v1`, ['read:customers']), [
      tokens.access_token,
    ])
  ).results
  assert.equal(some?.['scope'], 'read:customers')
})

test('a use is noted with what was done, and a key that is bound to networks is active for who comes from there', async () => {
  const house = shared()
  const { organization, server } = await open(house)
  const { key, secret } = await house.key(organization, 'live', ['read:bookings'])
  const format = createFormat(house.profile.credentials.prefixes)
  const wanted = {
    organization: organization.id,
    mode: 'test' as const,
    name: 'office',
    scopes: ['read:bookings'],
    expiresAt: null,
    allowedAddresses: ['192.0.2.0/24'],
    by: byServer,
  }
  const office = (await issueKey(house.database.knex, format, wanted, house.now())).secret.reveal()
  const { results } = await verifyAll(house, server, [
    { credential: secret, client_address: '198.51.100.7', operation: 'GET /reports/{id}' },
    office,
    { credential: office, client_address: '198.51.100.7' },
    { credential: office, client_address: '::ffff:192.0.2.7' },
  ])
  assert.deepEqual(
    results.map(({ active, address_bound: isBound }) => [active, isBound]),
    [
      [true, undefined],
      [false, undefined],
      [false, undefined],
      [true, true],
    ],
  )
  await house.settle()
  const [use] = await house.database.knex('api_key_uses').where({ key_id: key.id })
  assert.deepEqual(
    [use?.address, use?.client, use?.operation],
    ['198.51.100.7', 'Reports API', 'GET /reports/{id}'],
  )
})

test('of a token that is bound to a key it is said what came of the proof', async () => {
  const house = shared()
  const { app, email, server } = await open(house)
  const [holder, thief] = [await makeKey(), await makeKey()]
  const code = await obtainCode(house.url, app, email, 'read:bookings')
  const sent = { DPoP: await signProof(holder, { url: `${house.url}/oauth/token` }) }
  const { access_token: credential } = await readTokens(await exchange(house.url, app, code, sent))
  const url = 'https://reports.example.com/reports'
  const sign = (key: typeof holder, signing = {}) =>
    signProof(key, { method: 'GET', url, accessToken: credential, ...signing })
  const good = await sign(holder)
  const item = (proof: string) => ({ credential, dpop: { proof, method: 'GET', url } })
  const asked = [
    [credential, 'missing'],
    [item(good), 'good'],
    [item(await sign(thief)), 'bad'],
    [item(await sign(holder, { method: 'POST' })), 'bad'],
    [item(await sign(holder, { url: 'https://elsewhere.example.com/reports' })), 'bad'],
    [item(await sign(holder, { accessToken: 'another' })), 'bad'],
    [item('garbage'), 'bad'],
  ] as const
  const { results } = await verifyAll(
    house,
    server,
    asked.map(([it]) => it),
  )
  assert.deepEqual(
    results.map(({ dpop }) => dpop),
    asked.map(([, dpop]) => dpop),
  )
  for (const { cnf } of results) assert.deepEqual(cnf, { jkt: holder.thumbprint })
  const [replayed] = (await verifyAll(house, server, [item(good)])).results
  assert.equal(replayed?.['dpop'], 'bad', 'a proof is taken once')
})

test('a question that is none is refused with a sentence that repeats no credential', async () => {
  const house = shared()
  const { organization, server } = await open(house)
  const { secret } = await house.key(organization, 'live', ['read:bookings'])
  const many = (count: number) => ({ credentials: Array.from({ length: count }, () => 'x') })
  const bodies: readonly (readonly [what: string, body: unknown, say: RegExp])[] = [
    ['no JSON', `{"credentials":["${secret}"`, /not valid JSON/],
    ['a list', [secret], /1 to 1000/],
    ['null', null, /1 to 1000/],
    ['none', { credentials: [] }, /1 to 1000/],
    ['too many', many(1001), /1 to 1000/],
    ['a number', { credentials: [secret, 7] }, /credentials\[1\] is neither/],
    ['a list in it', { credentials: [[secret]] }, /credentials\[0\] is neither/],
    ['no credential', { credentials: [{ client_address: '192.0.2.1' }] }, /\.credential is no text/],
    ['no address', { credentials: [{ credential: secret, client_address: 'office' }] }, /no IP address/],
    ['an address that is no text', { credentials: [{ credential: secret, client_address: 7 }] }, /no IP/],
    ['an operation with a NUL', { credentials: [{ credential: secret, operation: 'a\0b' }] }, /operation/],
    ['a proof alone', { credentials: [{ credential: secret, dpop: secret }] }, /dpop is no object/],
    ['half a proof', { credentials: [{ credential: secret, dpop: { proof: secret } }] }, /proof, method/],
    ['too large', { credentials: ['x'.repeat(1024 * 1024)] }, /too large/],
  ]
  for (const [what, body, say] of bodies) {
    const response = await postBatch(house, server, body)
    const text = await response.text()
    assert.equal(response.status, 400, what)
    assert.equal((JSON.parse(text) as { error: string }).error, 'invalid_request', what)
    assert.match(text, say, what)
    assert.doesNotMatch(text, new RegExp(secret.slice(0, 20)), what)
  }
  const form = await postBatch(house, server, 'credentials=x', { 'Content-Type': 'text/plain' })
  assert.equal(form.status, 400)
  assert.equal((await verifyAll(house, server, many(1000).credentials)).results.length, 1000)

  for (const as of [null, { ...server, secret: 'wrong' }, { ...server, id: `rs_${'0'.repeat(24)}` }]) {
    const response = await postBatch(house, as, { credentials: [secret] })
    assert.equal(response.status, 401)
    assert.match(response.headers.get('www-authenticate') ?? '', /^Basic realm="verification"/)
  }
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const response = await fetch(`${house.url}/verify/batch`, { method })
    assert.deepEqual([response.status, response.headers.get('allow')], [405, 'POST'])
  }
  assert.doesNotMatch(house.log(), /"status":5\d\d/)

  await house.asOwner('alter table credentials rename to credentials_away')
  const away = await postBatch(house, server, { credentials: ['x', secret] })
  assert.equal(away.status, 503, 'no answer is no answer: for none of them')
  assert.doesNotMatch(await away.text(), /active|relation/)
  await house.asOwner('alter table credentials_away rename to credentials')
  assert.equal((await verifyAll(house, server, [secret])).results[0]?.['active'], true)
})
