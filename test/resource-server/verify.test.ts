// The library's check: who is let in, and what everybody else is answered with. A real server says what is good.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byServer } from '../../src/core/attribution.ts'
import { createFormat } from '../../src/credentials/format.ts'
import { issueKey } from '../../src/keys/issue-key.ts'
import {
  createResourceServer,
  type ServerRequest,
  type VerifyOptions,
} from '../../src/resource-server/entry.ts'
import { exchange, obtainCode, obtainTokens, readTokens } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'
import { resourceServer } from '../support/introspection.ts'
import { oneHouse } from '../support/one-house.ts'
import { makeKey, signProof } from '../support/proof.ts'
import { ask, bearing, protectBy, refusalOf, revoke, untilKept } from '../support/protected-api.ts'

const scope = 'read:bookings read:customers'

const shared = oneHouse()
let furnished = 0

async function furnish(house: House) {
  furnished += 1
  const organization = await house.organization(`Acme ${furnished}`)
  const email = `ann${furnished}@acme.example`
  const person = await house.person(email, organization)
  const app = await house.app(organization)
  const { key, secret } = await house.key(organization, 'live', ['read:bookings'])
  return { organization, email, person, app, key, secret }
}

test('keys and tokens are let in, each with who it is; whatever is no good credential is refused', async (t) => {
  const house = shared()
  const { organization, email, person, app, key, secret } = await furnish(house)
  const { latchkey, errors } = await protectBy(t, house, { resourceMetadata: 'https://r.example/meta' })
  const tokens = await obtainTokens(house.url, app, email, scope)

  const ofKey = await latchkey.verify(bearing(secret), { scopes: ['read:bookings'], accepts: ['api_key'] })
  assert.ok(ofKey.ok && ofKey.kind === 'api_key')
  assert.deepEqual(
    [ofKey.organization, ofKey.mode, [...ofKey.scopes], ofKey.keyId, ofKey.expiresAt, ofKey.isStale],
    [organization.id, 'live', ['read:bookings'], key.id, null, false],
  )
  const ofToken = await latchkey.verify(bearing(tokens.access_token), { accepts: ['access_token'] })
  assert.ok(ofToken.ok && ofToken.kind === 'access_token')
  assert.deepEqual(
    [ofToken.organization, ofToken.mode, [...ofToken.scopes], ofToken.client, ofToken.person],
    [organization.id, 'test', scope.split(' '), app.clientId, person],
  )
  assert.match(ofToken.grant, /^grant_/)
  assert.ok(ofToken.expiresAt && ofToken.expiresAt > house.now())

  const format = createFormat(house.profile.credentials.prefixes)
  const meta = 'resource_metadata="https://r.example/meta"'
  const invalid = {
    code: 'invalid_credential',
    status: 401,
    challenge: `Bearer error="invalid_token", ${meta}`,
  }
  for (const [what, text] of Object.entries({
    unknown: format.write('api_key', 'live').reveal(),
    'a refresh token': tokens.refresh_token,
    'a platform key': format.write('platform_key', 'live').reveal(),
    garbage: 'garbage',
    'very long': 'x'.repeat(5000),
    'not ASCII': 'bz_live_\u00e9',
    'a JSON text': '"x"',
  })) {
    assert.deepEqual(await refusalOf(latchkey.verify(bearing(text))), invalid, what)
  }
  assert.deepEqual(await refusalOf(latchkey.verify(ask({ authorization: 'Basic eDp5' }))), invalid)

  const missing = { code: 'missing_credential', status: 401, challenge: `Bearer ${meta}` }
  assert.deepEqual(await refusalOf(latchkey.verify(ask({}))), missing)
  assert.deepEqual(
    await refusalOf(latchkey.verify(ask({}, 'GET', `/reports?access_token=${secret}`))),
    missing,
    'never from the address',
  )
  const multiple = { code: 'multiple_credentials', status: 400, challenge: undefined }
  for (const request of [
    ask({ authorization: [`Bearer ${secret}`, `Bearer ${secret}`] }),
    ask({ authorization: `Bearer ${secret}`, 'X-API-Key': secret }),
    ask({ authorization: `Bearer ${secret}` }, 'GET', '/reports?access_token=x'),
    new Request('https://r.example/', {
      headers: [
        ['Authorization', `Bearer ${secret}`],
        ['Authorization', `Bearer ${secret}`],
      ],
    }),
  ])
    assert.deepEqual(await refusalOf(latchkey.verify(request)), multiple)

  const lacking = await latchkey.verify(bearing(secret), { scopes: ['read:customers', 'read:bookings'] })
  assert.ok(!lacking.ok)
  assert.deepEqual(
    [lacking.status, lacking.code, lacking.missingScopes, lacking.headers['WWW-Authenticate']],
    [
      403,
      'insufficient_scope',
      ['read:customers'],
      `Bearer error="insufficient_scope", scope="read:bookings read:customers", ${meta}`,
    ],
  )
  assert.match(lacking.body.error.message, /"read:customers"/)
  const kind = { code: 'wrong_credential_kind', status: 403, challenge: undefined }
  assert.deepEqual(await refusalOf(latchkey.verify(bearing(secret), { accepts: ['access_token'] })), kind)
  assert.deepEqual(
    await refusalOf(latchkey.verify(bearing(tokens.access_token), { accepts: ['api_key'] })),
    kind,
  )
  const elsewhere = { audience: 'https://other.example.com' }
  assert.deepEqual(await refusalOf(latchkey.verify(bearing(secret), elsewhere)), invalid)
  assert.ok((await latchkey.verify(bearing(secret), { audience: `${house.url}/api/v1` })).ok)
  assert.deepEqual(errors, [])
})

test('what is known costs no question; those of one turn go together, each of them once', async (t) => {
  const house = shared()
  const { organization, key, secret } = await furnish(house)
  const reports = await protectBy(t, house)
  const { latchkey, questions } = reports
  await untilKept(reports, secret)
  const before = questions()
  for (let time = 0; time < 200; time += 1) assert.ok((await latchkey.verify(bearing(secret))).ok)
  assert.deepEqual(questions(), before)

  const others = await Promise.all(
    Array.from({ length: 30 }, () => house.key(organization, 'live', ['read:bookings'])),
  )
  const verdicts = await Promise.all(
    [...others, ...others, ...others].map((it) => latchkey.verify(bearing(it.secret))),
  )
  assert.ok(verdicts.every(({ ok }) => ok))
  const asked = questions()
  assert.deepEqual(
    [asked.batches - before.batches, asked.credentials - before.credentials],
    [1, 30],
    'in one question, each once',
  )
  // 1,000 at most in one question: what is more goes beside it.
  const many = Array.from({ length: 1500 }, (_, n) => latchkey.verify(bearing(`bz_live_unknown${n}`)))
  assert.ok((await Promise.all(many)).every((it) => !it.ok && it.code === 'invalid_credential'))
  const more = questions()
  assert.deepEqual([more.batches - asked.batches, more.credentials - asked.credentials], [2, 1500])

  // The stream tells: nobody waits for a time to pass.
  await revoke(house, key)
  await house.settle()
  const startedAt = performance.now()
  while ((await latchkey.verify(bearing(secret))).ok) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.ok(performance.now() - startedAt < 2000, 'within the bound')
  await house.settle()
  const [use] = await house.database.knex('api_key_uses').where({ key_id: key.id })
  assert.equal(use?.client, 'Reports API')
})

test('a key that ends is refused from then on, though it is kept', async (t) => {
  const house = shared()
  const { organization } = await furnish(house)
  const soon = new Date(house.now().getTime() + 4000)
  const { secret } = await house.key(organization, 'live', ['read:bookings'], soon)
  const reports = await protectBy(t, house)
  const { latchkey, questions } = reports
  await untilKept(reports, secret)
  const before = questions().credentials
  while (questions().credentials === before) {
    // It is asked about again only when it has ended: by the server's word of how long it has.
    const verdict = await latchkey.verify(bearing(secret))
    if (!verdict.ok) assert.ok(house.now().getTime() > soon.getTime() - 1000, 'not before its last second')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
})

test('a token that is bound to a key needs a proof of its holder, each time another', async (t) => {
  const house = shared()
  const { app, email, secret } = await furnish(house)
  const publicUrl = 'https://reports.example.com'
  const { latchkey } = await protectBy(t, house, { publicUrl })
  const holder = await makeKey()
  const code = await obtainCode(house.url, app, email, scope)
  const sent = { DPoP: await signProof(holder, { url: `${house.url}/oauth/token` }) }
  const { access_token: token } = await readTokens(await exchange(house.url, app, code, sent))
  const proof = (signing = {}) =>
    signProof(holder, { method: 'GET', url: `${publicUrl}/reports`, accessToken: token, ...signing })
  const present = (dpop: string | string[], credential = token) =>
    latchkey.verify(ask({ authorization: `DPoP ${credential}`, dpop }), { scopes: ['read:bookings'] })
  const good = await proof()
  assert.ok((await present(good)).ok)
  assert.ok((await present(await proof())).ok)
  const refused = (code: string) => ({
    code,
    status: 401,
    challenge: `DPoP error="${code === 'invalid_credential' ? 'invalid_token' : code}", realm="API", algs="ES256 Ed25519 EdDSA"`,
  })
  assert.deepEqual(await refusalOf(present(good)), refused('invalid_dpop_proof'), 'taken before')
  assert.deepEqual(await refusalOf(present(await proof({ url: house.url }))), refused('invalid_dpop_proof'))
  assert.deepEqual(await refusalOf(present([await proof(), await proof()])), refused('invalid_dpop_proof'))
  assert.deepEqual(
    await refusalOf(latchkey.verify(bearing(token))),
    refused('invalid_credential'),
    'as a bearer',
  )
  assert.deepEqual(await refusalOf(present(await proof(), secret)), refused('invalid_credential'), 'a key')
})

test('a key that is bound to networks is good for the address that was asked about alone', async (t) => {
  const house = shared()
  const { organization } = await furnish(house)
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
  const { latchkey } = await protectBy(t, house)
  const from = async (address: string) => (await latchkey.verify({ ...bearing(office), address })).ok
  for (let round = 0; round < 5; round += 1) {
    assert.equal(await from('192.0.2.7'), true)
    assert.equal(await from('198.51.100.7'), false)
    assert.equal(await from('::ffff:192.0.2.8'), true)
    assert.equal(await from('no address'), false)
  }
})

test('credentials come as the profile of the server says', async (t) => {
  const house = await startHouse(t, { profile: 'busyboard' })
  const organization = await house.organization('Acme')
  const scopes = Object.keys(house.profile.scopes).slice(0, 1)
  const { secret } = await house.key(organization, 'live', scopes)
  const { latchkey } = await protectBy(t, house)
  const header = house.profile.credentials.header
  assert.notEqual(header.toLowerCase(), 'authorization')
  assert.ok((await latchkey.verify(ask({ [header]: secret }))).ok)
  const refused = await refusalOf(latchkey.verify(ask({})))
  assert.match(refused.challenge ?? '', new RegExp(`ApiKey realm="API", header="${header}"`, 'i'))
  const { latchkey: own } = await protectBy(t, house, { header: 'X-Reports-Key' })
  assert.ok((await own.verify(ask({ 'x-reports-key': secret }))).ok)
})

test('whatever is handed over has a verdict: nothing is thrown, and nobody is let in by it', async (t) => {
  const house = shared()
  const { secret } = await furnish(house)
  const { latchkey, errors } = await protectBy(t, house)
  const broken: object = new Proxy(
    {},
    {
      get: () => assert.fail('get'),
      has: () => assert.fail('has'),
      ownKeys: () => assert.fail('ownKeys'),
    },
  )
  const verify = async (request: unknown, options?: unknown) => {
    // What JavaScript may hand over, whatever the types say.
    const verdict = latchkey.verify(request as ServerRequest, options as VerifyOptions)
    assert.ok(verdict instanceof Promise)
    return await verdict
  }
  const codeOf = async (request: unknown, options?: unknown) => {
    const verdict = await verify(request, options)
    return verdict.ok ? 'ok' : `${verdict.status} ${verdict.code}`
  }
  const good = `Bearer ${secret}`
  const rawHeaders = ['AUTHORIZATION', good]
  for (const headers of [
    undefined,
    null,
    [],
    new Map(),
    { authorization: null },
    { authorization: Symbol('x') },
  ])
    assert.equal(await codeOf({ method: 'GET', url: '/', headers }), '401 missing_credential')
  for (const request of [
    ...[null, undefined, 5, 'GET /', Symbol('x'), broken],
    { method: 'GET', url: '/', headers: broken },
    { method: 'GET', url: new URL('https://r.example/'), headers: { authorization: good } },
    { method: 'GET', url: '/', rawHeaders: [...rawHeaders], socket: broken },
  ]) {
    const before = errors.length
    assert.equal(await codeOf(request), '503 unavailable')
    assert.equal(errors.length, before + 1, 'its owner is told')
  }
  assert.equal(await codeOf({ rawHeaders }), 'ok', 'without a socket')
  assert.equal(await codeOf({ headers: new Map([['authorization', good]]) }), 'ok')
  assert.equal(await codeOf({ headers: { authorization: [good, good] } }), '400 multiple_credentials')
  for (const options of [null, { scopes: 'read:bookings' }, { audience: 'reports' }])
    assert.equal(await codeOf(bearing(secret), options), '503 unavailable')
  const { latchkey: own } = await protectBy(t, house, {
    clientAddress: () => assert.fail('no such header'),
    onError: () => assert.fail('no log'),
  })
  assert.equal((await refusalOf(own.verify(bearing(secret)))).code, 'unavailable')
  assert.doesNotMatch(errors.join(), new RegExp(secret))
})

test('options that can not work are refused at once, and the secret is shown nowhere', async (t) => {
  const house = shared()
  const { secret } = await furnish(house)
  const { id, secret: clientSecret } = await resourceServer(house)
  const good = { url: house.url, clientId: id, clientSecret }
  for (const [option, wrong] of Object.entries({
    url: 'ftp://x.example',
    clientSecret: ' ',
    boundMs: 10,
    cacheSize: 0,
    timeoutMs: 5000,
    audience: 'reports',
    whenAway: 'allow-known-reads',
    allowKnownReadsForMs: 1000,
    header: 'a b',
  })) {
    const make = () => createResourceServer({ ...good, [option]: wrong })
    assert.throws(
      make,
      (error) => error instanceof TypeError && !error.message.includes(clientSecret),
      option,
    )
  }
  const errors: Error[] = []
  const wrong = createResourceServer({ ...good, clientSecret: 'wrong', onError: (it) => errors.push(it) })
  t.after(() => wrong.close())
  const verdict = await wrong.verify(bearing(secret))
  assert.ok(!verdict.ok && verdict.status === 503 && verdict.headers['Retry-After'] === '1')
  assert.match(errors.map(({ message }) => message).join(), /clientId or clientSecret is wrong/)
  assert.doesNotMatch(JSON.stringify([verdict, errors.map((it) => it.message)]), new RegExp(secret))
  const closed = createResourceServer(good)
  assert.ok((await closed.verify(bearing(secret))).ok)
  closed.close()
  const after = await closed.verify(bearing(secret))
  assert.ok(!after.ok && after.code === 'unavailable')
})
