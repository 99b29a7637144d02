// What /verify is asked and answers, whatever proxy asks: the headers by which requests are told, and who is calling.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createLocalJWKSet, createRemoteJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { createReadings, createRoute } from '../../src/api/router.ts'
import { byServer } from '../../src/core/attribution.ts'
import type { Contract, Operation } from '../../src/core/contract.ts'
import { apiPathMistake } from '../../src/core/own-names.ts'
import { createFormat } from '../../src/credentials/format.ts'
import { issueKey } from '../../src/keys/issue-key.ts'
import { Secret } from '../../src/lib/secret.ts'
import { rotateSigningKey } from '../../src/oauth/signing-keys.ts'
import { exchange, obtainCode, obtainTokens, readTokens } from '../support/authorization.ts'
import { type House, type HouseOptions, startHouse } from '../support/house.ts'
import { createPartner } from '../support/platform.ts'
import { makeKey, signProof } from '../support/proof.ts'
import { sendRaw } from '../support/proxy.ts'
import { ask } from '../support/published-hosts.ts'

const email = 'ann@acme.example'
const forwarded = (method: string, uri: string) => ({ 'X-Forwarded-Method': method, 'X-Forwarded-Uri': uri })

async function open(t: TestContext, { env = {}, ...options }: HouseOptions = {}) {
  const house = await startHouse(t, { env: { TRUST_PROXY: '1', ...env }, ...options })
  // Another one where the database is another house's, too.
  const acme = await house.organization(options.databaseUrl === undefined ? 'Acme' : `Acme ${Date.now()}`)
  const port = Number(new URL(house.url).port)
  const { basePath } = house.profile
  return {
    house,
    acme,
    port,
    /** What a proxy asks about a request with this credential. */
    verify: (credential: string | null, line: string, headers: Record<string, string> = {}) => {
      const [method = '', path = ''] = line.split(' ')
      return fetch(`${house.url}/verify`, {
        headers: {
          ...(credential === null ? {} : { Authorization: `Bearer ${credential}` }),
          ...forwarded(method, basePath + path),
          ...headers,
        },
      })
    },
  }
}

const codeOf = async (answer: Response) => ((await answer.json()) as { error: { code: string } }).error.code
const identityOf = ({ headers }: Response) =>
  Object.fromEntries([...headers].filter(([name]) => name.startsWith('x-latchkey-')))

test('every identity header is there and none is empty, whatever the credential is', async (t) => {
  const { house, acme, verify } = await open(t)
  const { key, secret } = await house.key(acme, 'test', ['read:bookings'])
  const none = await house.key(acme, 'live', [])
  const partner = await createPartner(house)
  const allowed = await verify(secret, 'GET /bookings')
  assert.deepEqual([allowed.status, await allowed.text()], [200, ''])
  const usual = { 'x-latchkey-client': '-', 'x-latchkey-person': '-', 'x-latchkey-assertion': '-' }
  const expected = {
    ...usual,
    'x-latchkey-organization': acme.id,
    'x-latchkey-mode': 'test',
    'x-latchkey-credential-kind': 'api_key',
    'x-latchkey-credential-id': key.id,
    'x-latchkey-scopes': 'read:bookings',
    'x-latchkey-operation': 'listBookings',
  }
  assert.deepEqual(identityOf(allowed), expected)
  assert.equal(allowed.headers.get('x-boothzen-scope'), 'read:bookings')
  assert.equal(allowed.headers.get('ratelimit-limit'), '600')
  assert.match(allowed.headers.get('x-request-id') ?? '', /^req_/)
  assert.equal(allowed.headers.get('cache-control'), 'no-store')
  assert.equal(identityOf(await verify(none.secret, 'GET /me'))['x-latchkey-scopes'], '-')
  const platform = await verify(partner.secret, 'POST /organizations/api-key')
  assert.deepEqual(identityOf(platform), {
    ...usual,
    'x-latchkey-organization': '-',
    'x-latchkey-mode': '-',
    'x-latchkey-credential-kind': 'platform_key',
    'x-latchkey-credential-id': partner.platform.id,
    'x-latchkey-scopes': '-',
    'x-latchkey-operation': 'createOrganizationApiKey',
  })
  assert.equal((await verify(partner.secret, 'GET /bookings')).status, 403)
})

test('a check counts once, in the limits and in the last use, and says in the log what was asked', async (t) => {
  const { house, acme, verify } = await open(t)
  const { key, secret } = await house.key(acme, 'live', ['read:bookings'])
  const left = async () =>
    Number((await verify(secret, 'GET /bookings?limit=1')).headers.get('ratelimit-remaining'))
  assert.deepEqual([await left(), await left()], [599, 598])
  assert.equal((await house.api('/me', secret)).headers.get('ratelimit-remaining'), '597')
  await verify(secret, 'GET /bookings', { 'X-Forwarded-For': '192.0.2.9, 198.51.100.7' })
  await house.settle()
  const used = await house.asOwner<{ address: string; operation: string }>(
    'select address, operation from api_key_uses where key_id = $1',
    [key.id],
  )
  assert.deepEqual(used, [{ address: '198.51.100.7', operation: 'GET /bookings' }])
  const line = house
    .log()
    .split('\n')
    .filter((it) => it.includes('"asked_path":"/api/v1/bookings"'))
    .at(-1)
  assert.match(line ?? '', /"path":"\/verify".*"asked_method":"GET"/)
  assert.ok(!house.log().includes(secret))
})

test('what is asked is believed only where it can be read in one way', async (t) => {
  const { house, acme, port } = await open(t)
  const { secret } = await house.key(acme, 'live', ['read:bookings'])
  const uri = '/api/v1/bookings'
  const send = (lines: readonly string[], target = '/verify') =>
    sendRaw(port, [`GET ${target} HTTP/1.1`, `Authorization: Bearer ${secret}`, ...lines])
  for (const [status, ...lines] of [
    [200, 'X-Forwarded-Method: GET', `X-Forwarded-Uri: ${uri}`],
    [200, 'X-Original-Method: GET', `X-Original-URI: ${uri}?limit=3`],
    [200, 'X-Original-Method: GET', `X-Original-URL: https://app.example.com${uri}`],
    [200, 'X-Original-Method: GET', `X-Original-URL: http://[::1]:8080${uri}`, `X-Original-URI: ${uri}`],
    [
      200,
      'X-Forwarded-Method: GET',
      `X-Forwarded-Uri: ${uri}`,
      'X-Original-Method: GET',
      `X-Original-URI: ${uri}`,
    ],
    // None, halves of it, and the half of each.
    [400],
    [400, 'X-Forwarded-Method: GET'],
    [400, `X-Forwarded-Uri: ${uri}`],
    [400, 'X-Forwarded-Method:', `X-Forwarded-Uri: ${uri}`],
    [400, 'X-Original-Method: GET'],
    [400, `X-Original-URI: ${uri}`],
    [400, `X-Original-URL: http://localhost${uri}`],
    [400, 'X-Forwarded-Method: GET', `X-Original-URI: ${uri}`],
    [400, 'X-Original-Method: GET', `X-Forwarded-Uri: ${uri}`],
    [400, 'X-Forwarded-Method: GET', `X-Forwarded-Uri: ${uri}`, 'X-Original-Method: GET'],
    // Two that differ, and one that comes twice.
    [
      400,
      'X-Forwarded-Method: GET',
      `X-Forwarded-Uri: ${uri}`,
      'X-Original-Method: POST',
      `X-Original-URI: ${uri}`,
    ],
    [
      400,
      'X-Forwarded-Method: GET',
      `X-Forwarded-Uri: ${uri}`,
      'X-Original-Method: GET',
      `X-Original-URI: ${uri}?`,
    ],
    [
      400,
      'X-Original-Method: GET',
      `X-Original-URL: http://localhost${uri}`,
      'X-Original-URI: /api/v1/customers',
    ],
    [400, 'X-Forwarded-Method: GET', 'x-forwarded-method: GET', `X-Forwarded-Uri: ${uri}`],
    [400, 'X-Forwarded-Method: GET', `X-Forwarded-Uri: ${uri}`, `X-FORWARDED-URI: ${uri}`],
    // No address of a path.
    [400, 'X-Forwarded-Method: GET', 'X-Forwarded-Uri: api/v1/bookings'],
    [400, 'X-Forwarded-Method: GET', `X-Forwarded-Uri: http://localhost${uri}`],
    [400, 'X-Forwarded-Method: GET', `X-Forwarded-Uri: ${uri}#/..`],
    [400, 'X-Forwarded-Method: GET', `X-Forwarded-Uri: ${uri}?${'x'.repeat(8000)}`],
    [400, 'X-Original-Method: GET', 'X-Original-URL: ftp://localhost/api/v1/bookings'],
    [400, 'X-Original-Method: GET', 'X-Original-URL: http://localhost?/api/v1/bookings'],
    [400, 'X-Forwarded-Method: GET', `X-Forwarded-Uri: ${uri}`, 'X-HTTP-Method-Override: POST'],
    // What PHP, Rack and WSGI read as the same headers, and as the same parameter.
    [400, 'X-Forwarded-Method: GET', `X-Forwarded-Uri: ${uri}`, 'X_HTTP_METHOD_OVERRIDE: POST'],
    [400, 'X-Forwarded-Method: GET', `X-Forwarded-Uri: ${uri}`, 'X-HTTP_Method-Override: POST'],
    [400, 'X-Forwarded-Method: GET', `X-Forwarded-Uri: ${uri}`, 'X_Original_URL: /api/v1/customers'],
    [400, 'X-Forwarded-Method: GET', `X-Forwarded-Uri: ${uri}`, 'X-Rewrite_URL: /api/v1/customers'],
    [400, 'X-Forwarded-Method: GET', `X-Forwarded-Uri: ${uri}?_method=DELETE`],
    [400, 'X-Forwarded-Method: GET', `X-Forwarded-Uri: ${uri}?limit=3&%2emethod%5b%5d=DELETE`],
    [200, 'X-Forwarded-Method: GET', `X-Forwarded-Uri: ${uri}?limit=3&method=x&payment_method=y&_methods=z`],
    // Node.js drops the last of so many headers.
    [
      ...[400, 'X-Forwarded-Method: GET', `X-Forwarded-Uri: ${uri}`],
      ...Array.from({ length: 1500 }, () => 'X-G:'),
      'X-HTTP-Method-Override: POST',
    ],
    [403, 'X-Forwarded-Method: get', `X-Forwarded-Uri: ${uri}`],
    [403, 'X-Forwarded-Method: GET', 'X-Forwarded-Uri: /api/v1'],
    [403, 'X-Forwarded-Method: GET', 'X-Forwarded-Uri: /'],
    [403, 'X-Forwarded-Method: GET', 'X-Forwarded-Uri: /admin/settings/api-keys'],
  ] as const) {
    const { status: answered, body } = await send(lines)
    assert.equal(answered, status, `${lines.join(' ')}: ${body}`)
    if (status === 400) assert.match(body, /"unclear_request"/, lines.join(' '))
  }
})

test('Envoy: the path behind /verify is asked for, by the method of the question itself', async (t) => {
  const { house, acme, port } = await open(t)
  const { secret } = await house.key(acme, 'live', ['read:bookings'])
  for (const [line, status] of [
    ['GET /verify/api/v1/bookings?limit=2', 200],
    ['HEAD /verify/api/v1/bookings', 200],
    ['POST /verify/api/v1/bookings', 403],
    ['GET /verify/api/v1/customers', 403],
    ['GET /verify/api/v1/bookings?api_key=x', 400],
    ['GET /verify/api/v1/me/../customers', 400],
    ['GET /verify//api/v1/bookings', 400],
    ['GET /verify/', 403],
    ['GET /verify/verify', 403],
  ] as const) {
    const lines = [`${line} HTTP/1.1`, `Authorization: Bearer ${secret}`, 'Content-Length: 0']
    assert.equal((await sendRaw(port, lines)).status, status, line)
    // What the client adds is nothing that the path does not say.
    const added = ['X-Forwarded-Method: GET', 'X-Forwarded-Uri: /api/v1/me']
    assert.equal((await sendRaw(port, [...lines, ...added])).status, 400, line)
  }
  for (const path of ['/verifyx', '/Verify'])
    assert.equal(
      (await fetch(house.url + path, { headers: forwarded('GET', '/api/v1/me') })).status,
      404,
      path,
    )
  assert.match(apiPathMistake('/verify/v1') ?? '', /begins with \/verify/)
})

const operation = (method: string, path: string) =>
  ({
    id: `${method} ${path}`,
    method,
    path,
    requiredScopes: [],
    rateClass: 'default',
  }) as unknown as Operation

test('a path is refused that another server may take for one of a more concrete operation', () => {
  const operations = [
    ...[operation('GET', '/bookings/{id}'), operation('GET', '/bookings/latest')],
    ...[
      operation('POST', '/bookings/Import'),
      operation('GET', '/files/{name}.json'),
      operation('GET', '/me'),
    ],
    ...[operation('GET', '/{kind}/{id}'), operation('GET', '/{kind}/{id}/notes')],
  ]
  const contract: Contract = { operations, document: {} }
  const [route, isReadAlike] = [createRoute(contract), createReadings(contract)]
  const isAlike = (path: string) => {
    const found = route('GET', path).operation
    return found && isReadAlike(found, { path, decoded: decodeURIComponent(path) })
  }
  const alike = [
    '/bookings/bk_1',
    '/bookings/BK_1',
    '/bookings/latest',
    '/me',
    '/bookings/latest2',
    '/bookings/a%20b',
  ]
  for (const path of [...alike, '/files/x.json', '/calls/LATEST', '/calls/x/notes'])
    assert.equal(isAlike(path), true, path)
  const others = [
    '/bookings/LATEST',
    '/bookings/l%61test',
    '/bookings/latest.json',
    '/bookings/import',
    '/Bookings/bk_1',
  ]
  for (const path of [...others, '/FILES/x.json', '/files/x.JSON']) assert.equal(isAlike(path), false, path)
})

test('networks of a key, and limits of wrong ones, go by the client that the proxy names', async (t) => {
  const { house, acme, verify } = await open(t, {
    change: (profile) => ({ ...profile, failedCredentials: { requests: 2, seconds: 3600 } }),
  })
  const wanted = {
    ...{
      organization: acme.id,
      mode: 'live' as const,
      name: 'bound',
      scopes: ['read:bookings'],
      expiresAt: null,
    },
    ...{ allowedAddresses: ['192.0.2.0/24'], by: byServer },
  }
  const format = createFormat(house.profile.credentials.prefixes)
  const { secret } = await issueKey(house.database.knex, format, wanted, house.now())
  const from = (addresses: string) =>
    verify(secret.reveal(), 'GET /bookings', { 'X-Forwarded-For': addresses })
  assert.equal((await from('192.0.2.7')).status, 200)
  assert.equal((await from('198.51.100.7, 192.0.2.7')).status, 200)
  const refused = await from('192.0.2.7, 198.51.100.7')
  assert.deepEqual([refused.status, await codeOf(refused)], [403, 'address_not_allowed'])
  const guess = async (address: string) =>
    (await verify('x', 'GET /bookings', { 'X-Forwarded-For': address })).status
  const answers = [await guess('203.0.113.1'), await guess('203.0.113.1'), await guess('203.0.113.1')]
  assert.deepEqual([...answers, await guess('203.0.113.2')], [401, 401, 429, 401])
})

test('without TRUST_PROXY the log warns, once', async (t) => {
  const { house, acme, verify } = await open(t, { env: { TRUST_PROXY: '0' } })
  const { secret } = await house.key(acme, 'live', ['read:bookings'])
  for (const _ of [1, 2]) assert.equal((await verify(secret, 'GET /bookings')).status, 200)
  assert.equal(house.log().match(/TRUST_PROXY is 0/g)?.length, 1)
})

test('short forms and proofs of possession go by the host that the client asked', async (t) => {
  const { house, acme, verify } = await open(t, { env: { PUBLIC_URL: 'https://app.boothzen.com' } })
  const { secret } = await house.key(acme, 'live', ['read:bookings'])
  const short = (host: string) => {
    const headers = {
      Authorization: `Bearer ${secret}`,
      ...forwarded('GET', '/v1/bookings'),
      'X-Forwarded-Host': host,
    }
    return ask(house, { target: '/verify', headers: { Host: 'latchkey.internal', ...headers } })
  }
  assert.equal((await short('API.boothzen.com')).status, 200)
  for (const host of ['app.boothzen.com', 'evil.example', ''])
    assert.equal((await short(host)).status, 403, host)

  const app = await house.app(acme, { requiresDpop: true })
  await house.person(email, acme)
  const key = await makeKey()
  const local = await open(t, { databaseUrl: house.databaseUrl })
  const code = await obtainCode(local.house.url, app, email, 'read:bookings')
  const tokenProof = { DPoP: await signProof(key, { url: `${local.house.url}/oauth/token` }) }
  const token = (await readTokens(await exchange(local.house.url, app, code, tokenProof))).access_token
  const prove = async (url: string, method = 'GET') =>
    local.verify(null, 'GET /bookings', {
      Authorization: `DPoP ${token}`,
      DPoP: await signProof(key, { method, url, accessToken: token }),
    })
  assert.equal((await prove(`${local.house.url}/api/v1/bookings`)).status, 200)
  assert.equal(await codeOf(await prove(`${local.house.url}/api/v1/bookings`, 'POST')), 'invalid_dpop_proof')
  assert.equal(await codeOf(await prove(`${local.house.url}/verify`)), 'invalid_dpop_proof')
  const asBearer = await verify(token, 'GET /bookings')
  assert.equal(asBearer.status, 401)
})

test('refusals in headers say what the answer would have said', async (t) => {
  const { house, acme, verify } = await open(t, {
    profile: 'evalyo',
    change: (profile) => ({
      ...profile,
      problems: { ...profile.problems, route_not_found: { message: 'Nö: “nothing”.' } },
    }),
  })
  const { secret } = await house.key(acme, 'live', [])
  for (const [credential, line] of [
    [null, 'GET /nothing'],
    ['x', 'GET /nothing'],
    [secret, 'GET /nothing'],
    [secret, 'GET /%'],
  ] as const) {
    const plain = await verify(credential, line)
    const headers = credential === null ? {} : { Authorization: `Bearer ${credential}` }
    const told = await fetch(`${house.url}/verify-nginx`, {
      headers: { ...headers, ...forwarded('GET', house.profile.basePath + (line.split(' ')[1] ?? '')) },
    })
    assert.deepEqual([told.status, await told.text()], [403, ''])
    assert.equal(told.headers.get('x-latchkey-refusal-status'), String(plain.status))
    assert.equal(told.headers.get('www-authenticate'), plain.headers.get('www-authenticate'))
    const body = told.headers.get('x-latchkey-refusal-body') ?? ''
    assert.match(body, /^[\x20-\x7e]+$/)
    const problem = (text: string) => text.replaceAll(/req_\w+/g, 'req_')
    assert.deepEqual(JSON.parse(problem(body)), JSON.parse(problem(await plain.text())))
    assert.equal((JSON.parse(body) as { status: number }).status, plain.status, 'the envelope says the same')
    assert.match(plain.headers.get('content-type') ?? '', /^application\/problem\+json/)
  }
})

test('while no credential can be looked up nothing is let through, and it is 503', async (t) => {
  const { house, acme, verify } = await open(t, { env: { CREDENTIAL_CACHE: '0' } })
  const { secret } = await house.key(acme, 'live', ['read:bookings'])
  assert.equal((await verify(secret, 'GET /bookings')).status, 200)
  await house.asOwner('alter table credentials rename to elsewhere')
  const refused = await verify(secret, 'GET /bookings')
  assert.deepEqual([refused.status, await codeOf(refused)], [503, 'busy'])
  assert.deepEqual(identityOf(refused), {})
})

const claimsOf = async (
  house: House,
  assertion: string,
  keys = createRemoteJWKSet(new URL(`${house.url}/oauth/jwks`)),
) =>
  jwtVerify(assertion, keys, {
    ...{ issuer: house.url, audience: house.url + house.profile.basePath, typ: 'latchkey-identity+jwt' },
    ...{ algorithms: ['ES256'], currentDate: house.now() },
  })

test('an assertion is verified by what /oauth/jwks says', async (t) => {
  const { house, acme, verify } = await open(t, { env: { FORWARD_AUTH_JWT: 'on' } })
  const { key, secret } = await house.key(acme, 'live', ['read:bookings'])
  const assertion = async (credential = secret, line = 'GET /bookings') => {
    const answer = await verify(credential, line)
    assert.equal(answer.status, 200)
    return answer.headers.get('x-latchkey-assertion') ?? ''
  }
  const first = await assertion()
  const { payload, protectedHeader } = await claimsOf(house, first)
  const { iat = 0, exp = 0, ...claims } = payload
  assert.deepEqual(claims, {
    iss: house.url,
    aud: `${house.url}/api/v1`,
    sub: key.id,
    client_id: key.id,
    org_id: acme.id,
    mode: 'live',
    credential_type: 'api_key',
    key_id: key.id,
    scope: 'read:bookings',
    operation: 'listBookings',
  })
  assert.equal(exp - iat, 60)
  assert.notEqual(await assertion(secret, 'GET /me'), first, 'it is for its operation')
  await house.travel(40)
  const later = await claimsOf(house, await assertion())
  assert.ok((later.payload.exp ?? 0) > exp, 'none is given that is about to end')
  const brief = await house.key(acme, 'live', ['read:bookings'], new Date(house.now().getTime() + 20_000))
  const ends = (await claimsOf(house, await assertion(brief.secret))).payload
  assert.ok(
    (ends.exp ?? 0) <= Math.ceil((house.now().getTime() + 20_000) / 1000),
    'not longer than its credential',
  )

  const person = await house.person(email, acme)
  const app = await house.app(acme)
  const token = (await obtainTokens(house.url, app, email, 'read:bookings')).access_token
  const ofToken = (await claimsOf(house, await assertion(token))).payload
  assert.deepEqual([ofToken.sub, ofToken['client_id'], ofToken['mode']], [person, app.clientId, 'test'])
  assert.match(String(ofToken['grant_id']), /^grant_/)
  const partner = await createPartner(house)
  const ofPlatform = (await claimsOf(house, await assertion(partner.secret, 'POST /organizations/api-key')))
    .payload
  assert.deepEqual([ofPlatform.sub, ofPlatform['org_id']], [partner.platform.id, undefined])

  // A new key signs when everybody who keeps /oauth/jwks for as long as it says has read it.
  const known = (await (await fetch(`${house.url}/oauth/jwks`)).json()) as JSONWebKeySet
  const cookieKeys = [new Secret('k'.repeat(40))]
  const rotation = { overlapSeconds: 3600, by: byServer }
  const { created } = await rotateSigningKey(house.database.knex, cookieKeys, rotation, house.now())
  assert.notEqual(created, protectedHeader.kid)
  const other = await open(t, {
    databaseUrl: house.databaseUrl,
    env: { FORWARD_AUTH_JWT: 'on', PUBLIC_URL: house.url },
  })
  const byOther = async () =>
    (await other.verify(secret, 'GET /bookings')).headers.get('x-latchkey-assertion') ?? ''
  const local = createLocalJWKSet(known)
  assert.equal((await jwtVerify(await byOther(), local)).protectedHeader.kid, protectedHeader.kid)
  const late = await open(t, {
    databaseUrl: house.databaseUrl,
    env: { FORWARD_AUTH_JWT: 'on', PUBLIC_URL: house.url },
  })
  late.house.travel(400)
  const afterwards = (await late.verify(secret, 'GET /bookings')).headers.get('x-latchkey-assertion') ?? ''
  assert.equal(JSON.parse(Buffer.from(afterwards.split('.')[0] ?? '', 'base64url').toString()).kid, created)
})

test('the keys of assertions are published where there is no authorization server', async (t) => {
  const { house, acme, verify } = await open(t, { profile: 'evalyo', env: { FORWARD_AUTH_JWT: 'on' } })
  const { secret } = await house.key(acme, 'live', [])
  const path = [...(await readPaths(house))][0] ?? ''
  const answer = await verify(secret, path)
  assert.equal(answer.status, 200, await answer.text())
  await claimsOf(house, answer.headers.get('x-latchkey-assertion') ?? '')
  const without = await open(t, { profile: 'evalyo' })
  assert.equal((await fetch(`${without.house.url}/oauth/jwks`)).status, 404)
})

/** What a key without scopes may read. */
async function readPaths({ url, profile }: House): Promise<string[]> {
  const answer = await fetch(`${url}${profile.basePath}/openapi.json`)
  const { paths } = (await answer.json()) as {
    paths: Record<string, { get?: { 'x-required-scopes': string[] } }>
  }
  return Object.entries(paths)
    .filter(([path, it]) => it.get?.['x-required-scopes'].length === 0 && !path.includes('{'))
    .map(([path]) => `GET ${path}`)
}
