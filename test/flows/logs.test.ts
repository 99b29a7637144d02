import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { exchange, obtainCode, readTokens, refresh } from '../support/authorization.ts'
import { createTestDatabase, queryDatabase } from '../support/database.ts'
import { password } from '../support/password.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import {
  clientId,
  demoKey,
  makeHome,
  type ServerProcess,
  setUpLink,
  startServer,
} from '../support/server-process.ts'

const email = 'operator@example.com'
const form = 'application/x-www-form-urlencoded'

type Line = Readonly<Record<string, unknown>>

interface Logged {
  readonly text: string
  readonly lines: readonly Line[]
}

/** What was logged, without what a first start prints before it, once so much of it is there. */
async function logged(server: ServerProcess, isThere: (it: Logged) => boolean): Promise<Logged> {
  for (const end = Date.now() + 10_000; ; await sleep(10)) {
    // The output comes by another way than the answers: it may be a little late.
    const whole = server.stdout().split('\n').slice(0, -1)
    const json = whole.filter((line) => line.startsWith('{'))
    const text = json.join('\n') + server.stderr()
    const it = { text, lines: json.map((line) => JSON.parse(line) as Line) }
    if (isThere(it) || Date.now() > end) return it
  }
}

const atLeast =
  (count: number) =>
  ({ lines }: Logged) =>
    lines.length >= count
const errors = ({ lines }: Logged) => lines.filter((line) => line['level'] === 'error')

/** Secrets wherever a client may put one, well or badly: path, headers, body. */
const attempts: readonly (readonly [string, RequestInit])[] = [
  ['/api/v1/bookings', { headers: { Authorization: 'Bearer canary-bearer' } }],
  ['/api/v1/bookings', { headers: { Authorization: 'Basic canary-basic' } }],
  ['/api/v1/bookings', { headers: { Authorization: 'canary-plain', 'X-Api-Key': 'canary-x-api-key' } }],
  ['/api/v1/bookings?api_key=canary-query', {}],
  ['/api/v1/bookings?access_token=canary-query', {}],
  ['/api/v1/nowhere?access_token=canary-query', { headers: { Cookie: 'latchkey_session=canary-cookie' } }],
  ['/docs?api_key=canary-query', { headers: { Referer: 'http://localhost/?code=canary-referer' } }],
  ['/setup?token=canary-token', { headers: { Cookie: 'latchkey_session=canary-cookie' } }],
  ['/interaction/canary-interaction', {}],
  ['/oauth/authorize?client_id=canary-client&code=canary-code', {}],
  ['/oauth/authorize/canary-interaction', {}],
  ['/sign-in', post(form, 'email=a@example.com&password=canary-password&form_token=canary-form')],
  ['/setup', post(form, 'token=canary-token&password=canary-password')],
  [
    '/oauth/token',
    post(form, 'grant_type=authorization_code&code=canary-code&code_verifier=canary-verifier'),
  ],
  [
    '/oauth/token',
    post(form, 'grant_type=refresh_token&refresh_token=canary-refresh&client_secret=canary-x'),
  ],
  ['/oauth/token', post('application/json', '{"code":"canary-code"}')],
  ['/oauth/token', post(form, 'grant_type=canary', { Authorization: 'Basic canary-basic' })],
  ['/oauth/revoke', post(form, 'token=canary-token&client_id=canary-client')],
  ['/oauth/introspect', post(form, 'token=canary-token')],
]

function post(type: string, body: string, headers: Readonly<Record<string, string>> = {}): RequestInit {
  return { method: 'POST', body, headers: { ...headers, 'Content-Type': type } }
}

test('K7, K8: the log has a line for each request, and no secret', async (t) => {
  const databaseUrl = await createTestDatabase(t)
  const env = { DATABASE_URL: databaseUrl, LOG_LEVEL: 'trace' }
  const server = await startServer(t, { home: await makeHome(t), env })
  const { url } = server
  const key = demoKey(server)

  await t.test('a line is JSON with the id that the answer carries', async () => {
    const response = await server.api('/bookings?limit=1', key)
    const id = response.headers.get('x-request-id')
    assert.match(id ?? '', /^req_[0-9A-Z]{26}$/)
    const own = (await logged(server, atLeast(1))).lines.filter((line) => line['request_id'] === id)
    assert.equal(own.length, 1)
    const { level, msg, method, path, status, mode } = own[0] ?? {}
    const told = { level, msg, method, path, status, mode }
    const expected = { level: 'info', msg: 'request', method: 'GET', path: '/api/v1/bookings', status: 200 }
    assert.deepEqual(told, { ...expected, mode: 'test' })
  })

  await t.test('what a client sends in the wrong place or by mistake is not logged', async () => {
    const before = (await logged(server, atLeast(1))).lines.length
    for (const [path, init] of attempts) {
      const { status } = await fetch(url + path, { ...init, redirect: 'manual' })
      assert.ok(status < 500, `${status} for ${path}`)
    }
    const { lines, text } = await logged(server, atLeast(before + attempts.length))
    assert.equal(lines.length - before, attempts.length)
    for (const line of lines) assert.match(String(line['request_id']), /^req_/)
    assert.deepEqual(/.*canary.*/.exec(text), null)
  })

  await t.test('what really opens something is not logged, nor is it when the database fails', async () => {
    const browser = new PersonBrowser(url)
    await browser.submit(await browser.open(setUpLink(server)), { password, password_again: password })
    const app = { clientId: clientId(server) }
    const granted = await obtainCode(url, app, email, 'read:bookings', browser)
    const tokens = await readTokens(await exchange(url, app, granted))
    const next = await readTokens(await refresh(url, app, tokens.refresh_token))
    assert.equal((await server.api('/bookings', tokens.access_token)).status, 200)

    const unused = await obtainCode(url, app, email, 'read:bookings', browser)
    const hidden = ['credentials', 'refresh_tokens', 'authorization_codes', 'persons', 'person_sessions']
    for (const table of hidden)
      await queryDatabase(databaseUrl, `alter table ${table} rename to ${table}_gone`)
    // What is kept in memory goes on being good: it is made to be forgotten.
    await queryDatabase(databaseUrl, "notify latchkey_changes, 'credentials'")
    let me = await server.api('/me', key)
    for (let time = 0; me.ok && time < 100; time += 1) me = await server.api('/me', key)
    assert.equal(me.status, 503)
    assert.equal((await exchange(url, app, unused)).status, 500)
    assert.equal((await refresh(url, app, next.refresh_token)).status, 500)
    assert.equal((await browser.open('/admin/settings/api-keys')).status, 500)
    const stranger = new PersonBrowser(url)
    assert.equal((await stranger.signIn(await stranger.open('/sign-in'), email)).status, 500)

    const told = await logged(server, (it) => errors(it).length >= 10)
    assert.equal(errors(told).length, 10) // of each failure its cause, and the line of its request
    const secrets = {
      key,
      password,
      email,
      link: new URL(setUpLink(server)).searchParams.get('token') ?? '',
      session: browser.cookie('latchkey_session') ?? '',
      code: granted.code,
      verifier: granted.verifier,
      unusedCode: unused.code,
      unusedVerifier: unused.verifier,
      accessToken: tokens.access_token,
      refreshToken: tokens.refresh_token,
      nextAccessToken: next.access_token,
      nextRefreshToken: next.refresh_token,
    }
    for (const [name, secret] of Object.entries(secrets)) {
      assert.ok(secret.length > 8, `no ${name}`)
      assert.ok(!told.text.includes(secret), `the ${name} is in the log`)
    }
  })
})
