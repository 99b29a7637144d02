// What every answer forbids and hides, whatever is asked for: U6, U10, U11, U17, K13.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import ts from 'typescript'
import { authorizationUrl } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'
import { importsOf, nodesOf, parseSource, placeOf, readSources, type Source } from '../support/imports.ts'
import { invite, lastLink, openMembers } from '../support/invitations.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { makeHome, startServer } from '../support/server-process.ts'

const bodyLimit = 56 * 1024

/** Pages of every kind, and the answers to forms that are refused. */
async function everyKindOfPage(t: TestContext): Promise<{ house: House; pages: [string, Response][] }> {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person('ann@acme.example', organization)
  const app = await house.app(organization)
  const { key } = await house.key(organization, 'test', ['read:bookings'])
  const ann = new PersonBrowser(house.url)
  const members = await openMembers(ann, 'ann@acme.example')
  await invite(ann, members, 'ben@acme.example')
  const asked = authorizationUrl(house.url, app.clientId, 'read:bookings').url
  const consent = await ann.open(asked)
  assert.match(consent.html, /wants access/)
  const signedIn = [
    '/admin/members',
    '/admin/members/link',
    '/admin/settings/api-keys',
    `/admin/settings/api-keys/${key.id}`,
    '/admin/settings/api-keys/new',
    consent.url,
  ]
  const anybody = [
    '/',
    '/docs',
    '/docs/reference',
    '/docs/errors.md',
    '/llms.txt',
    '/sign-in',
    '/setup?token=x',
    lastLink(house),
    '/invitation?token=x',
    '/no-such-page',
    '/%00',
    asked,
    authorizationUrl(house.url, 'nobody', 'x').url,
  ]
  const pages: [string, Response][] = []
  for (const address of signedIn) pages.push([address, await ann.request(address)])
  for (const address of anybody) pages.push([address, await new PersonBrowser(house.url).request(address)])
  for (const address of ['/sign-in', '/invitation', '/admin/members/invitations']) {
    pages.push([
      `POST ${address}`,
      await ann.request(address, { method: 'POST', body: new URLSearchParams() }),
    ])
    const json = { method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } }
    pages.push([`POST ${address} as JSON`, await ann.request(address, json)])
  }
  return { house, pages }
}

test('U6 no page of any kind may be framed, sniffed or run what is not ours, and none tells others where we were', async (t) => {
  const { pages } = await everyKindOfPage(t)
  const statuses = new Set(pages.map(([, { status }]) => status))
  for (const status of [200, 303, 400, 403, 404, 410]) assert.ok(statuses.has(status), `one of ${status}`)
  for (const [address, page] of pages) {
    const policy = page.headers.get('content-security-policy') ?? ''
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "form-action 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ])
      assert.ok(policy.includes(part), `${address} (${page.status}): ${part}`)
    assert.doesNotMatch(policy, /unsafe-|\*|https?:/, address)
    assert.equal(page.headers.get('x-frame-options'), 'DENY', address)
    assert.equal(page.headers.get('x-content-type-options'), 'nosniff', address)
    assert.equal(page.headers.get('referrer-policy'), 'same-origin', address)
    const html = await page.text()
    assert.doesNotMatch(html, /<script(?![^>]* src="\/assets\/)|<style|\sstyle="|\son[a-z]+="/, address)
  }
})

test('U17 an error shows no stack, no SQL and no secret: neither a page, nor the API, nor the token endpoint', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person('ann@acme.example', organization)
  const { secret } = await house.key(organization, 'test', ['read:bookings'])
  const ann = new PersonBrowser(house.url)
  await openMembers(ann, 'ann@acme.example')
  const { clientId } = await house.app(organization)
  // The tables are gone under the running server: every statement fails, with its text in the error.
  await house.asOwner('alter schema public rename to gone')
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: 'very-secret-token',
    client_id: clientId,
  })
  const answers = [
    await ann.request('/admin/members'),
    await ann.request('/invitation?token=very-secret-token'),
    await fetch(`${house.url}/oauth/token`, { method: 'POST', body: form }),
    await house.api('/bookings', secret),
  ]
  for (const answer of answers) {
    const text = await answer.text()
    assert.ok(answer.status >= 500, `${answer.url}: ${answer.status}`)
    assert.doesNotMatch(
      text,
      /\bat .*\.[jt]s:\d+|node_modules|select |insert |postgres|knex|very-secret/i,
      answer.url,
    )
    assert.ok(!text.includes(secret.slice(8)), answer.url)
    assert.ok((answer.headers.get('x-request-id') ?? '').startsWith('req_'), answer.url)
  }
})

test('K13 the API answers no other origin: no Access-Control-Allow-Origin, and a preflight allows nothing', async (t) => {
  const house = await startHouse(t)
  const { secret } = await house.key(await house.organization('Acme'), 'test', ['read:bookings'])
  const Origin = 'https://evil.example'
  const asks = [
    house.api('/bookings', secret, { headers: { Origin } }),
    house.api('/bookings', null, { headers: { Origin } }),
    house.api('/no-such-thing', secret, { headers: { Origin } }),
    house.api('/bookings', null, {
      method: 'OPTIONS',
      headers: {
        Origin,
        'Access-Control-Request-Method': 'GET',
        'Access-Control-Request-Headers': 'authorization',
      },
    }),
  ]
  const answers = await Promise.all(asks)
  assert.equal(answers[0]?.status, 200)
  for (const answer of answers) {
    const allowed = [...answer.headers.keys()].filter((name) => name.startsWith('access-control-'))
    assert.deepEqual(allowed, [], `${answer.url} (${answer.status})`)
  }
})

test('U11 a body may have 56 KiB: one more byte is refused by the API, by forms and by the token endpoint', async (t) => {
  const house = await startHouse(t)
  const { secret } = await house.key(await house.organization('Acme'), 'test', ['write:bookings'])
  const json = { 'Content-Type': 'application/json' }
  const send = (path: string, length: number) => {
    const body = `x=${'x'.repeat(length - 2)}`
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
    return fetch(house.url + path, { method: 'POST', body, headers })
  }
  const book = (length: number) => {
    const body = JSON.stringify({ note: 'x'.repeat(length - 11) })
    assert.equal(body.length, length)
    return house.api('/bookings', secret, { method: 'POST', body, headers: json })
  }
  assert.equal((await book(bodyLimit)).status, 422)
  assert.equal((await book(bodyLimit + 1)).status, 413)
  for (const path of ['/sign-in', '/invitation', '/setup', '/admin/members/invitations']) {
    assert.equal((await send(path, bodyLimit)).status, 403, path)
    assert.equal((await send(path, bodyLimit + 1)).status, 413, path)
  }
  const { status } = await send('/oauth/token', bodyLimit + 1)
  assert.ok(status >= 400 && status < 500, `token endpoint: ${status}`)
})

test('U11 JSON as deep as a body can hold, and numbers and keys without end: a 4xx, never a fault', async (t) => {
  const house = await startHouse(t)
  const { secret } = await house.key(await house.organization('Acme'), 'test', ['write:bookings'])
  const half = bodyLimit / 2
  const bodies = [
    '['.repeat(half) + ']'.repeat(half),
    '['.repeat(bodyLimit),
    `${'{"a":'.repeat(8000)}1${'}'.repeat(8000)}`,
    `{"note":${'9'.repeat(50_000)}}`,
    `{${Array.from({ length: 5000 }, (_, index) => `"k${index}":1`).join(',')}}`,
    '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{}}}',
  ]
  for (const body of bodies) {
    const headers = { 'Content-Type': 'application/json' }
    const { status } = await house.api('/bookings', secret, { method: 'POST', body, headers })
    assert.ok(status >= 400 && status < 500, `${body.slice(0, 20)}: ${status}`)
  }
})

/** What a server says to these bytes, until it ends the connection. */
async function say(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.setEncoding('utf8')
  let heard = ''
  socket.on('data', (text) => {
    heard += text
  })
  socket.on('error', () => {}) // a reset is an end as well
  socket.write(bytes)
  await once(socket, 'close')
  return heard
}

test('U11 a header without end is refused (431)', async (t) => {
  const house = await startHouse(t)
  const heard = await say(
    house.url,
    `GET /docs HTTP/1.1\r\nHost: localhost\r\nCookie: ${'x'.repeat(70_000)}\r\n\r\n`,
  )
  assert.match(heard, /^HTTP\/1\.1 431 /)
})

test('U11 a request that comes drop by drop is cut, in its head and in its body', {
  timeout: 180_000,
}, async (t) => {
  const { url } = await startServer(t, { home: await makeHome(t) })
  const [head, body] = await Promise.all([
    say(url, 'GET /docs HTTP/1.1\r\nHost: localhost\r\nX-Slow: '),
    say(
      url,
      'POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\nx',
    ),
  ])
  assert.match(head, /^HTTP\/1\.1 408 /)
  assert.match(body, /^(HTTP\/1\.1 408 |$)/)
})

// Whoever may have the server fetch an address may have it fetch one inside: so nothing of ours fetches any.
const callers = new Set(['fetch', 'WebSocket', 'EventSource', 'XMLHttpRequest'])
const doors = /^(undici|axios|got|node-fetch|ws|(node:)?(https?|http2|net|tls|dgram|dns|dns\/promises))$/
// Names of them that open no connection.
const harmless = new Set([
  'createServer',
  'Server',
  'IncomingMessage',
  'ServerResponse',
  'STATUS_CODES',
  'BlockList',
  'isIP',
  'SocketAddress',
])
const allowed = [
  'src/db/changes.ts', // the line to our own database, which has to be cut when it is silent
  'src/db/embedded-processes.ts', // asks of a child's pipe whether it is one
  'src/lib/guarded-fetch.ts', // what strangers name: refused before anything is connected to
  'src/web/own-requests.ts', // to this very server alone
  'src/client/wire.ts', // published to others: no file of the server imports it
  'src/resource-server/wire.ts', // the same
]

function outwardCalls(source: Source): string[] {
  const places: string[] = []
  for (const node of nodesOf(source.tree)) {
    const isCall = ts.isCallExpression(node) || ts.isNewExpression(node)
    const called = isCall ? node.expression.getText().replace(/^globalThis\W+/, '') : ''
    if (callers.has(called)) places.push(placeOf(source, node))
    if (!ts.isImportDeclaration(node) || !ts.isStringLiteral(node.moduleSpecifier)) continue
    if (!doors.test(node.moduleSpecifier.text)) continue
    const named = node.importClause?.namedBindings
    const names = named && ts.isNamedImports(named) ? named.elements.map((it) => it.name.text) : ['*']
    if (names.some((name) => !harmless.has(name))) places.push(placeOf(source, node))
  }
  return places
}

test('U10 nothing in src fetches an address but by the guarded fetch: no HTTP client, no socket of our own', () => {
  const sources = readSources('src')
  assert.ok(
    sources.flatMap(importsOf).some(({ to }) => to === 'node:http'),
    'imports are seen',
  )
  const places = sources.filter(({ file }) => !allowed.includes(file)).flatMap(outwardCalls)
  assert.deepEqual(places, [])
})

test('U10 a fetch, a client or a socket would be told', () => {
  const text = [
    'await fetch(address)',
    "import { request } from 'node:https'",
    "import * as http from 'node:http'",
    "import { createServer } from 'node:http'",
    "const words = 'fetch(address)' // fetch(address)",
    'new WebSocket(address)',
    'globalThis.fetch(address)',
    "import { request as ask } from 'undici'",
  ].join('\n')
  const told = outwardCalls(parseSource('src/oauth/logo.ts', text))
  assert.deepEqual(
    told,
    [1, 2, 3, 6, 7, 8].map((line) => `src/oauth/logo.ts:${line}`),
  )
})
