// The promises of forward-auth that hold whichever proxy asks: called by the tests of each.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { byServer } from '../../src/core/attribution.ts'
import { revokeKey } from '../../src/keys/change-key.ts'
import { suspendOrganization } from '../../src/offboarding/suspend-organization.ts'
import type { Organization } from '../../src/organizations/organization-store.ts'
import { obtainTokens } from './authorization.ts'
import type { Ending } from './database.ts'
import { type House, startHouse } from './house.ts'
import type { Heard } from './markdown-examples.ts'
import {
  type Arrived,
  type Program,
  sendRaw,
  skipWithout,
  startProxy,
  startUpstream,
  type Upstream,
} from './proxy.ts'

export interface Proxied {
  readonly house: House
  readonly acme: Organization
  readonly upstream: Upstream
  readonly port: number
  /** A request with its lines as they are, and a credential. */
  send(credential: string | null, line: string, headers?: readonly string[], body?: string): Promise<Heard>
  /** The same, which must get through: what the server behind the proxy was sent. */
  pass(credential: string, line: string, headers?: readonly string[], body?: string): Promise<Arrived>
  /** The same, which must not: the answer, and nothing arrived. */
  refuse(credential: string | null, line: string, headers?: readonly string[]): Promise<Heard>
}

export const email = 'ann@acme.example'

/** So many requests a key has here. */
export const limit = 100

async function startProxied(t: Ending, program: Program): Promise<Proxied> {
  const house = await startHouse(t, {
    env: { TRUST_PROXY: '1', FORWARD_AUTH_JWT: 'on' },
    change: (profile) => {
      const windows = [{ requests: limit, seconds: 3600 }]
      const classes = Object.entries(profile.rateClasses).map(([name, it]) => [name, { ...it, windows }])
      return { ...profile, rateClasses: Object.fromEntries(classes) }
    },
  })
  const acme = await house.organization('Acme')
  const upstream = await startUpstream(t)
  const latchkey = Number(new URL(house.url).port)
  const port = await startProxy(t, program, { latchkey, upstream: upstream.port })
  const send: Proxied['send'] = (credential, line, headers = [], body = '') => {
    const lines = credential === null ? headers : [`Authorization: Bearer ${credential}`, ...headers]
    return sendRaw(port, [`${line} HTTP/1.1`, ...lines], body)
  }
  return {
    house,
    acme,
    upstream,
    port,
    send,
    pass: async (...args) => {
      const { status, body } = await send(...args)
      assert.equal(status, 200, `${args[1]}: ${body}`)
      return JSON.parse(body) as Arrived // what startUpstream writes
    },
    refuse: async (...args) => {
      const before = upstream.arrived.length
      const heard = await send(...args)
      assert.notEqual(heard.status, 200, args.slice(1).join(' '))
      assert.equal(upstream.arrived.length, before, `${args.slice(1).join(' ')} arrived`)
      return heard
    },
  }
}

const identity = [
  ...['organization', 'mode', 'credential-kind', 'credential-id', 'client', 'person', 'scopes', 'operation'],
].map((it) => `x-latchkey-${it}`)

const identityOf = ({ headers }: Arrived) => identity.map((name) => headers[name]?.join(' and '))
const codeOf = ({ body }: Heard) => (JSON.parse(body) as { error: { code: string } }).error.code

/** Every way of writing them that a client may try. */
const forged = [
  ...['organization', 'mode', 'credential-kind', 'credential-id', 'client', 'person', 'scopes'],
  ...['operation', 'assertion'],
].flatMap((it) => [
  `X-Latchkey-${it}: forged`,
  `x-LATCHKEY-${it.toUpperCase()}: forged`,
  `X_Latchkey_${it.replaceAll('-', '_')}: forged`,
  `X-Latchkey_${it}: forged`,
])

/** @param more promises of this proxy alone */
export function proxyPromises(program: Program, more: (given: () => Proxied) => void): void {
  describe(`${program}, as documented`, { skip: skipWithout(program) }, () => {
    const ends: (() => unknown)[] = []
    let shared: Proxied | null = null
    const given = () => {
      assert.ok(shared, 'it has not started')
      return shared
    }
    before(async () => {
      shared = await startProxied({ after: (end) => ends.unshift(end) }, program)
    })
    after(async () => {
      for (const end of ends) await end()
    })
    commonPromises(given)
    more(given)
  })
}

function commonPromises(given: () => Proxied): void {
  test('who calls is told by headers, for both kinds of credential', async () => {
    const { house, acme, pass, send } = given()
    const { key, secret } = await house.key(acme, 'live', ['read:bookings', 'write:bookings'])
    const arrived = await pass(secret, 'GET /api/v1/bookings?limit=2')
    assert.deepEqual([arrived.method, arrived.url], ['GET', '/api/v1/bookings?limit=2'])
    const scopes = 'read:bookings write:bookings'
    assert.deepEqual(identityOf(arrived), [
      ...[acme.id, 'live', 'api_key', key.id, '-', '-', scopes, 'listBookings'],
    ])
    assert.equal(arrived.headers['authorization'], undefined, 'the secret ends at the proxy')

    const person = await house.person(email, acme)
    const app = await house.app(acme)
    const token = (await obtainTokens(house.url, app, email, 'read:bookings')).access_token
    const byToken = await pass(token, 'GET /api/v1/bookings')
    const grant = byToken.headers['x-latchkey-credential-id']?.[0]
    assert.match(grant ?? '', /^grant_/)
    assert.deepEqual(identityOf(byToken), [
      ...[acme.id, 'test', 'access_token', grant, app.clientId, person, 'read:bookings', 'listBookings'],
    ])

    const answer = await send(secret, 'GET /api/v1/bookings')
    const inner = (JSON.parse(answer.body) as Arrived).headers['x-request-id']
    assert.deepEqual(inner, [answer.headers.get('x-request-id')], 'one id for all three of them')
    assert.match(house.log(), new RegExp(`"request_id":"${inner?.[0]}".*"asked_path":"/api/v1/bookings"`))
    assert.equal(answer.headers.get('ratelimit-limit'), String(limit))
    assert.match(answer.headers.get('ratelimit-remaining') ?? '', /^\d+$/)
  })

  test('a body reaches the server whole', async () => {
    const { house, acme, pass, port } = given()
    const { secret } = await house.key(acme, 'live', ['write:bookings'])
    const body = JSON.stringify({ text: 'é'.repeat(40_000) })
    const type = 'Content-Type: application/json'
    const arrived = await pass(secret, 'POST /api/v1/bookings', [type], body)
    assert.deepEqual([arrived.method, arrived.body === body], ['POST', true])
    assert.deepEqual(arrived.headers['x-latchkey-operation'], ['createBooking'])
    // Several on one connection, in chunks: what fetch sends.
    for (let round = 0; round < 3; round += 1) {
      const sent = await fetch(`http://localhost:${port}/api/v1/bookings`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${secret}` },
        body: new Blob([body]).stream(),
        duplex: 'half',
      } as RequestInit) // what TypeScript's types of fetch lack is `duplex`
      assert.equal(((await sent.json()) as Arrived).body === body, true)
    }
  })

  test('a refusal reaches the client with its envelope, challenge and limits', async () => {
    const { house, acme, refuse, pass } = given()
    const { key, secret } = await house.key(acme, 'live', ['read:bookings'])
    const bad = `${secret.slice(0, -1)}${secret.endsWith('a') ? 'b' : 'a'}`
    const metadata = `resource_metadata="${house.url}/.well-known/oauth-protected-resource/api/v1"`
    for (const [credential, line, status, code, challenge] of [
      [null, 'GET /api/v1/bookings', 401, 'missing_credential', `Bearer ${metadata}`],
      [bad, 'GET /api/v1/bookings', 401, 'invalid_credential', `Bearer error="invalid_token", ${metadata}`],
      [
        secret,
        'POST /api/v1/bookings',
        403,
        'insufficient_scope',
        `Bearer error="insufficient_scope", scope="read:bookings write:bookings", ${metadata}`,
      ],
      [secret, 'DELETE /api/v1/bookings', 403, 'method_not_allowed', undefined],
      [secret, 'GET /api/v1/nothing', 403, 'route_not_found', undefined],
      [secret, 'GET /api/v1/me/', 403, 'route_not_found', undefined],
      [secret, 'GET /api/v1/bookings?api_key=x', 400, 'multiple_credentials', undefined],
      // The query is the client's: nothing in it is for the check itself.
      [null, 'GET /api/v1/bookings?limit=headers', 401, 'missing_credential', `Bearer ${metadata}`],
    ] as const) {
      const heard = await refuse(credential, line)
      assert.deepEqual([heard.status, codeOf(heard)], [status, code], line)
      assert.equal(heard.headers.get('www-authenticate'), challenge, line)
      assert.match(heard.headers.get('content-type') ?? '', /^application\/json/, line)
      assert.match(heard.headers.get('x-request-id') ?? '', /^req_/, line)
      assert.ok(heard.body.includes(heard.headers.get('x-request-id') ?? '?'), line)
      assert.match(heard.headers.get('ratelimit-remaining') ?? '', /^\d+$/, line)
    }
    await pass(secret, 'GET /api/v1/bookings')
    const spent = await house.key(acme, 'live', ['read:bookings'])
    const me = () => house.api('/me', spent.secret)
    for (let left = limit; left > 0; left -= 20) await Promise.all(Array.from({ length: 20 }, me))
    const limited = await refuse(spent.secret, 'GET /api/v1/bookings')
    assert.deepEqual([limited.status, codeOf(limited)], [429, 'rate_limit_exceeded'])
    assert.match(limited.headers.get('retry-after') ?? '', /^[1-9]\d*$/)
    assert.equal(limited.headers.get('ratelimit-remaining'), '0')
    await revokeKey(house.database.knex, {
      reach: { organization: acme.id, mode: 'any' },
      id: key.id,
      by: byServer,
      now: house.now(),
    })
    await house.settle()
    assert.equal((await refuse(secret, 'GET /api/v1/bookings')).status, 401, 'revoked')
    const lost = await house.organization('Lost')
    const other = await house.key(lost, 'live', ['read:bookings'])
    await pass(other.secret, 'GET /api/v1/bookings')
    await suspendOrganization(house.database.knex, { organization: lost.id, by: byServer }, house.now())
    await house.settle()
    assert.equal((await refuse(other.secret, 'GET /api/v1/bookings')).status, 401, 'suspended')
  })

  test('no identity but the checked one arrives', async () => {
    const { house, acme, pass } = given()
    const { key, secret } = await house.key(acme, 'live', ['read:bookings'])
    const twice = [...forged, ...forged]
    for (const headers of [
      forged,
      twice,
      ['X-Request-Id: req_forged'],
      identity.flatMap((it) => [`Connection: close, ${it}`]),
      [`Connection: close, ${identity.join(', ')}, x-request-id`],
      ['X-Forwarded-For: 192.0.2.1', 'X-Forwarded-Host: evil.example', 'X-Forwarded-Proto: gopher'],
    ]) {
      const arrived = await pass(secret, 'GET /api/v1/bookings', headers)
      assert.deepEqual(identityOf(arrived), [
        ...[acme.id, 'live', 'api_key', key.id, '-', '-', 'read:bookings', 'listBookings'],
      ])
      const all = JSON.stringify(arrived.headers)
      assert.ok(!/forged|evil|192\.0\.2\.1|gopher/.test(all), all)
      assert.match(arrived.headers['x-request-id']?.join(' and ') ?? '', /^req_[0-9A-Z]{26}$/)
    }
  })

  test('no operation but the checked one is run', async () => {
    const { house, acme, send, upstream } = given()
    const { secret } = await house.key(acme, 'live', ['read:bookings'])
    // It may read bookings, and its own description; customers and whatever writes are another's.
    const lines = [
      ...['GET /api/v1/me/../customers', 'GET /api/v1/me/%2e%2e/customers', 'GET /api/v1/me/.%2E/customers'],
      ...[
        'GET /api/v1/bookings/..%2fcustomers',
        'GET /api/v1/bookings/..%5ccustomers',
        'GET /api/v1/bookings/..\\customers',
      ],
      ...[
        'GET /api/v1/bookings/%252e%252e/customers',
        'GET /api/v1/bookings/..;/customers',
        'GET /api/v1/bookings/..%3b/customers',
      ],
      ...[
        'GET /api/v1//customers',
        'GET //api/v1/customers',
        'GET /api/v1/./customers',
        'GET /api/v1/customers/',
      ],
      ...[
        'GET /api/v1/Customers',
        'GET /API/v1/customers',
        'GET /api/v1/%63ustomers',
        'GET /%61pi/v1/customers',
      ],
      ...[
        'GET /api/v1/bookings#/../customers',
        'GET /api/v1/bookings%23/../customers',
        'GET /api/v1/bookings%00',
      ],
      ...['GET /api/v1/bookings%0d%0aX-Latchkey-Mode:%20test', 'GET /api/v1/bookings/%c0%ae%c0%ae/customers'],
      ...[
        'GET /api/v1/bookings;x=y',
        'GET /api/v1/bookings/%ff',
        'GET /api/v1/bookings/%e9',
        'GET /api/v1/bookings/%',
      ],
      ...['GET http://evil.example/api/v1/customers', 'GET /x/../api/v1/customers', 'get /api/v1/customers'],
      ...[
        'POST /api/v1/bookings',
        'PROPFIND /api/v1/bookings',
        'HEAD /api/v1/customers',
        'OPTIONS /api/v1/customers',
      ],
    ]
    for (const line of lines) {
      const before = upstream.arrived.length
      const { status } = await send(secret, line).catch(() => ({ status: 400 })) // closed without an answer
      assert.notEqual(status, 200, line)
      assert.notEqual(status, 500, line)
      assert.equal(upstream.arrived.length, before, line)
    }
    // What the client says of the request is not what is checked.
    for (const headers of [
      ['X-Forwarded-Method: GET', 'X-Forwarded-Uri: /api/v1/bookings'],
      ['X-Original-Method: GET', 'X-Original-URI: /api/v1/bookings'],
      ['X-Original-Method: GET', 'X-Original-URL: http://localhost/api/v1/bookings'],
      [
        'Connection: close, X-Forwarded-Uri, X-Forwarded-Method',
        'X-Original-URI: /api/v1/bookings',
        'X-Original-Method: GET',
      ],
    ]) {
      for (const line of ['POST /api/v1/bookings', 'GET /api/v1/customers']) {
        const before = upstream.arrived.length
        const { status } = await send(secret, line, headers)
        assert.equal(status, 403, `${line} ${headers.join(', ')}`)
        assert.equal(upstream.arrived.length, before)
      }
    }
    for (const header of ['X-HTTP-Method-Override: DELETE', 'X-Rewrite-URL: /api/v1/customers']) {
      assert.equal((await send(secret, 'GET /api/v1/bookings', [header])).status, 400, header)
    }
    assert.equal((await send(secret, 'GET /api/v1/bookings?_method=DELETE')).status, 400)
    // Another spelling of these is refused, or ends at the proxy; and so does whatever comes after very many.
    const very = Array.from({ length: 1500 }, () => 'X-G:')
    for (const headers of [
      ['X_Forwarded_Method: DELETE', 'X_Forwarded_Uri: /api/v1/customers'],
      ['X_HTTP_Method_Override: DELETE'],
      ['X-HTTP_Method-Override: DELETE'],
      ['X_Original_URL: /api/v1/customers'],
      [...very, 'X-HTTP-Method-Override: DELETE'],
    ]) {
      const before = upstream.arrived.length
      const { status } = await send(secret, 'GET /api/v1/bookings', headers)
      const arrived = upstream.arrived.slice(before)
      assert.equal(status === 200, arrived.length === 1, headers.at(-1))
      assert.doesNotMatch(JSON.stringify(arrived), /DELETE|customers/, headers.at(-1))
    }
    // An address with its host is the same address.
    assert.equal((await send(secret, 'GET http://evil.example/api/v1/bookings')).status, 200)
    assert.equal(upstream.arrived.at(-1)?.url, '/api/v1/bookings')
    assert.equal((await send(secret, 'GET /api/v1/bookings/bk%20%C3%A9')).status, 200)
    assert.equal(upstream.arrived.at(-1)?.url, '/api/v1/bookings/bk%20%C3%A9')
  })
}
