// https://developer.boothzen.com, Authentication: each sentence that promises something is a test of that title. The
// published addresses are asked as they are printed.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import {
  allow,
  authorizationUrl,
  type Client,
  challengeOf,
  errorOf,
  exchange,
  obtainCode,
  obtainTokens,
  postToken,
  readTokens,
  redirectUri,
  refresh,
} from '../support/authorization.ts'
import { dumpDatabase } from '../support/dump.ts'
import { startHouse } from '../support/house.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { createPartner } from '../support/platform.ts'
import { publish } from '../support/published-hosts.ts'

const site = 'https://app.boothzen.com'
const api = `${site}/api/v1`
const keysPath = '/admin/settings/api-keys'
const appsPath = '/admin/settings/oauth-apps'
const email = 'ann@harbour.example'
const scopes = ['read:bookings', 'write:bookings', 'read:customers']
const id = (prefix: string, digit: number) => prefix + String(digit).repeat(26)

const house = await startHouse({ after }, { env: { PUBLIC_URL: site } })
publish('boothzen.com', house)
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
const app = await house.app(harbour, { mode: 'live', scopes })
// The vendor vouches for it: else a person hears of a mistake in its link before the app does.
await house.asOwner('update oauth_apps set verified_at = now()')
const tokens = await obtainTokens(site, app, email, scopes.join(' '))

/** A new key of Harbour Booths. */
const keyOf = async (mode: 'live' | 'test' = 'live', some: readonly string[] = scopes) =>
  (await house.key(harbour, mode, some)).secret

function get(url: string, credential: string | null, init: RequestInit = {}): Promise<Response> {
  const authorization = credential === null ? {} : { Authorization: `Bearer ${credential}` }
  return fetch(url, { ...init, headers: { ...authorization, ...init.headers } })
}

async function bodyOf(response: Response): Promise<Record<string, unknown>> {
  const text = await response.text()
  return (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> // the fields are asserted by whoever reads them
}

async function problemOf(response: Response): Promise<string> {
  const { error } = (await bodyOf(response)) as { error: Record<string, string> }
  return `${response.status} ${error['type']} ${error['code']}`
}

interface Documented {
  readonly 'x-required-scopes': readonly string[]
  readonly 'x-credential'?: string
}

/** Every operation of the live spec: method, path, and what the document says. */
async function operations(): Promise<[method: string, path: string, said: Documented][]> {
  const document = (await (await fetch(`${api}/openapi.json`)).json()) as {
    paths: Record<string, Record<string, Documented>>
  }
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([, said]) => 'x-required-scopes' in said)
      .map(([method, said]): [string, string, Documented] => [
        method.toUpperCase(),
        path.replaceAll(/\{\w+\}/g, 'x'),
        said,
      ]),
  )
}

async function signedIn(): Promise<PersonBrowser> {
  const browser = new PersonBrowser(site)
  await browser.signIn(await browser.open('/sign-in'), email)
  return browser
}

const secretOf = (html: string) => /id="secret" readonly value="(\w+)"/.exec(html)?.[1] ?? ''
const newKey = {
  name: 'Nightly export',
  mode: 'live',
  'scope:bookings': 'read',
  lifetime: 'never',
  addresses: '',
}

async function createByPage(browser: PersonBrowser, change: Readonly<Record<string, string>> = {}) {
  const page = await browser.open(`${keysPath}/new`)
  const shown = await browser.submit(page, { ...newKey, ...change })
  const secret = secretOf(shown.html)
  assert.match(secret, /^bz_(live|test)_/, shown.html)
  const me = await bodyOf(await get(`${api}/me`, secret))
  return { secret, key: String(me['key_id']), shown }
}

/** What the ledger says was done to a key, in its order. */
async function deedsTo(target: string): Promise<{ action: string; details: Record<string, unknown> }[]> {
  const select = 'select action, details from audit_events where target = $1 order by id'
  return house.asOwner(select, [target])
}

test('Fetch the complete documentation index at: https://developer.boothzen.com/llms.txt', async () => {
  const response = await fetch('https://developer.boothzen.com/llms.txt')
  assert.deepEqual(
    [response.status, response.headers.get('content-type')],
    [200, 'text/plain; charset=utf-8'],
  )
  assert.match(await response.text(), /^# BoothZen/)
  const page = await fetch('https://developer.boothzen.com/docs/errors', { redirect: 'manual' })
  assert.deepEqual([page.status, page.headers.get('location')], [302, `${site}/docs/errors`])
  for (const path of ['/oauth/authorize', '/admin', '/sign-in', '/.well-known/oauth-authorization-server'])
    assert.equal((await fetch(`https://developer.boothzen.com${path}`)).status, 421, path)
})

test('Use this file to discover all available pages before exploring further.', async () => {
  const index = await (await fetch('https://developer.boothzen.com/llms.txt')).text()
  const linked = [...index.matchAll(/\]\((\S+)\)/g)].map(([, url = '']) => url)
  for (const url of linked) assert.equal((await fetch(url)).status, 200, url)
  const pages = ['docs', 'docs/authentication', 'docs/errors', 'docs/limits', 'docs/reference']
  for (const page of pages) assert.ok(linked.includes(`${site}/${page}.md`), page)
  assert.ok(linked.includes(`${api}/openapi.json`))
  const here = await fetch('https://developer.boothzen.com/docs/errors.md')
  assert.equal(await here.text(), await (await fetch(`${site}/docs/errors.md`)).text())
})

test('The BoothZen public API accepts two equivalent credential types.', async () => {
  const kinds = []
  for (const credential of [await keyOf(), tokens.access_token]) {
    const answer = await get(`${api}/me`, credential)
    assert.equal(answer.status, 200)
    const { kind, mode, scopes: held, organization_id: organization } = await bodyOf(answer)
    kinds.push(kind)
    assert.deepEqual([mode, held, organization], ['live', [...scopes].sort(), harbour.id])
  }
  assert.deepEqual(kinds, ['api_key', 'access_token'])
  for (const neither of [tokens.refresh_token, 'bz_live_', 'x'])
    assert.equal((await get(`${api}/me`, neither)).status, 401)
})

/** What two answers have to have in common: of values that are each answer's own, the kind alone. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf)
  if (value === null || typeof value !== 'object')
    return typeof value === 'string' && /^\w+_\w{20,}$/.test(value) ? 'an id' : value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shapeOf(inner)]))
}

test('Both grant access to the same /api/v1/* surface and share the same response shapes, rate-limit headers, and error envelopes.', async () => {
  const requests: [string, string, string?][] = [
    ...(await operations()).map(([method, path]): [string, string] => [method, path]),
    ['GET', '/bookings?limit=1'],
    ['GET', '/bookings?limit=0'],
    ['GET', `/bookings/${live}`],
    ['GET', `/bookings/${sandbox}`],
    ['GET', `/bookings/${others}`],
    ['POST', '/bookings', JSON.stringify(booking)],
    ['POST', '/bookings', '{'],
    ['POST', '/bookings', JSON.stringify({ ...booking, total: { amount: -1, currency: 'GBP' } })],
    ['DELETE', '/bookings'],
    ['GET', '/nowhere'],
  ]
  // Of a grant of its own, so that both have asked for nothing yet.
  const fresh = await obtainTokens(site, app, email, scopes.join(' '))
  const credentials = [await keyOf(), fresh.access_token]
  const seen = new Set<number>()
  for (const [method, path, body] of requests) {
    const answers = []
    for (const credential of credentials) {
      const init = body === undefined ? {} : { body, headers: { 'Content-Type': 'application/json' } }
      const answer = await get(api + path, credential, { method, ...init })
      seen.add(answer.status)
      const { headers } = answer
      const told = ['ratelimit-limit', 'ratelimit-remaining', 'x-boothzen-scope', 'content-type', 'allow']
      // What it is and whose, each says for itself.
      const said = path === '/me' ? {} : shapeOf(await bodyOf(answer))
      answers.push({
        status: answer.status,
        names: [...headers.keys()].filter((name) => name !== 'content-length').sort(),
        values: told.map((name) => headers.get(name)),
        challenge: headers.get('www-authenticate'),
        said,
      })
    }
    assert.deepEqual(answers[0], answers[1], `${method} ${path}`)
  }
  assert.deepEqual([...seen].sort(), [200, 201, 400, 403, 404, 405, 422])
})

test('API key (Bearer) First-party scripts, server-to-server admin/settings/api-keys', async () => {
  const browser = await signedIn()
  assert.match((await browser.open('/admin/settings/api-keys')).html, /<h1[^>]*>API keys</)
  const { secret } = await createByPage(browser)
  assert.equal((await get(`${api}/bookings`, secret)).status, 200, 'a script needs nothing but the key')
})

test('OAuth 2.1 (PKCE) Third-party apps acting on behalf of operators admin/settings/oauth-apps', async () => {
  assert.match((await (await signedIn()).open('/admin/settings/oauth-apps')).html, /<h1[^>]*>OAuth apps</)
  const { person_id: person } = await bodyOf(await get(`${api}/me`, tokens.access_token))
  const [operator] = await house.asOwner<{ id: string }>('select id from persons where email = $1', [email])
  assert.equal(person, operator?.id)
})

test('Send the key in the Authorization header on every request:', async () => {
  const key = await keyOf()
  for (const round of [1, 2]) {
    assert.equal((await get(`${api}/bookings`, key)).status, 200, `${round}`)
    assert.equal((await get(`${api}/bookings`, null)).status, 401, 'what was sent before is not remembered')
  }
  for (const elsewhere of [
    { Cookie: `key=${key}` },
    { 'X-Api-Key': key },
    { Authorization: key },
    { Authorization: `Basic ${key}` },
  ])
    assert.equal(
      (await get(`${api}/bookings`, null, { headers: elsewhere as Record<string, string> })).status,
      401,
    )
})

test('curl https://app.boothzen.com/api/v1/bookings -H "Authorization: Bearer bz_live_..."', async () => {
  const printed = 'curl https://app.boothzen.com/api/v1/bookings -H "Authorization: Bearer bz_live_..."'
  const command = printed.replace(site, house.url).replace('bz_live_...', await keyOf())
  const { stdout } = await promisify(execFile)('sh', ['-c', command])
  assert.deepEqual(
    (JSON.parse(stdout) as { data: { id: string }[] }).data.map((row) => row.id).includes(live),
    true,
  )
})

test('Two prefixes, one binding:', async () => {
  const browser = await signedIn()
  for (const mode of ['live', 'test']) {
    const { secret } = await createByPage(browser, { mode })
    assert.ok(secret.startsWith(`bz_${mode}_`))
    const { mode: bound, organization_id: organization } = await bodyOf(await get(`${api}/me`, secret))
    assert.deepEqual([bound, organization], [mode, harbour.id])
    assert.equal(
      (await get(`${api}/me`, secret.replace(`_${mode}_`, mode === 'live' ? '_test_' : '_live_'))).status,
      401,
    )
  }
})

/** The ids of every booking that a key is shown. */
async function bookingsOf(key: string, query = ''): Promise<string[]> {
  const { data } = (await bodyOf(await get(`${api}/bookings?limit=100${query}`, key))) as {
    data: { id: string }[]
  }
  return data.map((row) => row.id)
}

test('bz_live_* — live data, real bookings, real payments.', async () => {
  const seen = await bookingsOf(await keyOf('live'))
  assert.ok(seen.includes(live) && !seen.includes(sandbox))
})

test('bz_test_* — sandbox data, isolated from live.', async () => {
  const key = await keyOf('test')
  assert.deepEqual(await bookingsOf(key), [sandbox])
  const before = await bookingsOf(await keyOf('live'))
  const headers = { 'Content-Type': 'application/json' }
  const made = await get(`${api}/bookings`, key, { method: 'POST', headers, body: JSON.stringify(booking) })
  const { id: added } = await bodyOf(made)
  assert.deepEqual((await bookingsOf(key)).sort(), [sandbox, String(added)].sort())
  assert.deepEqual(await bookingsOf(await keyOf('live')), before, 'nothing of it is live')
})

test('Test keys cannot read live resources and live keys cannot read test resources.', async () => {
  for (const [mode, foreign] of [
    ['test', live],
    ['live', sandbox],
  ] as const) {
    const key = await keyOf(mode)
    assert.equal(
      await problemOf(await get(`${api}/bookings/${foreign}`, key)),
      '403 permission_error wrong_mode',
    )
    assert.ok(!(await bookingsOf(key)).includes(foreign))
  }
})

test('There is no ?mode= toggle.', async () => {
  for (const mode of ['live', 'test'] as const) {
    const key = await keyOf(mode)
    const own = await bookingsOf(key)
    for (const asked of ['live', 'test', 'any', ''])
      assert.deepEqual(await bookingsOf(key, `&mode=${asked}`), own)
    const foreign = mode === 'live' ? sandbox : live
    assert.equal(
      (await get(`${api}/bookings/${foreign}?mode=${mode === 'live' ? 'test' : 'live'}`, key)).status,
      403,
    )
    assert.equal((await bodyOf(await get(`${api}/me?mode=test`, key)))['mode'], mode)
  }
})

test('Keys are SHA-256 hashed at rest.', async () => {
  const { secret } = await createByPage(await signedIn())
  const hash = createHash('sha256').update(secret).digest()
  const rows = await house.asOwner<{ kind: string }>('select kind from credentials where hash = $1', [hash])
  assert.deepEqual(rows, [{ kind: 'api_key' }])
  const dump = await dumpDatabase(house.databaseUrl)
  assert.ok(dump.includes(hash.toString('hex')) && !dump.includes(secret))
  assert.ok(!dump.includes(Buffer.from(secret).toString('hex')) && !house.log().includes(secret))
})

test('The full secret is shown once on creation.', async () => {
  const browser = await signedIn()
  const { secret, key, shown } = await createByPage(browser)
  assert.equal(shown.html.split(secret).length, 2, 'once')
  for (const page of [`${keysPath}/created`, keysPath, `${keysPath}/${key}`, '/admin/audit-log'])
    assert.ok(!(await browser.open(page)).html.includes(secret), page)
  const manager = await keyOf('live', ['keys:read', 'keys:write', ...scopes])
  const headers = { 'Content-Type': 'application/json' }
  const body = JSON.stringify({ name: 'By API', scopes: ['read:bookings'] })
  const made = await bodyOf(await get(`${api}/keys`, manager, { method: 'POST', headers, body }))
  assert.match(String(made['secret']), /^bz_live_\w{36}$/)
  const read = await (await get(`${api}/keys/${made['id']}`, manager)).text()
  assert.ok(!read.includes(String(made['secret'])))
})

test('If lost, revoke and re-issue from the admin UI — there is no recovery.', async () => {
  const browser = await signedIn()
  const lost = await createByPage(browser)
  assert.ok(!(await browser.open(`${keysPath}/${lost.key}`)).html.includes(lost.secret))
  await browser.submit(await browser.open(`${keysPath}/${lost.key}/revoke`), {})
  assert.equal((await get(`${api}/bookings`, lost.secret)).status, 401)
  const again = await createByPage(browser)
  assert.notEqual(again.secret, lost.secret)
  assert.equal((await get(`${api}/bookings`, again.secret)).status, 200)
})

test('Create, scope, rotate, and revoke keys.', async () => {
  const browser = await signedIn()
  const { secret, key } = await createByPage(browser, {
    'scope:bookings': 'write',
    'scope:customers': 'read',
  })
  assert.deepEqual((await bodyOf(await get(`${api}/me`, secret)))['scopes'], [...scopes].sort())
  const rotated = secretOf(
    (await browser.submit(await browser.open(`${keysPath}/${key}/rotate`), { overlap: '3600' })).html,
  )
  for (const each of [secret, rotated])
    assert.equal((await get(`${api}/bookings`, each)).status, 200, 'both work')
  const { key_id: successor, scopes: kept } = await bodyOf(await get(`${api}/me`, rotated))
  assert.deepEqual(kept, [...scopes].sort())
  await browser.submit(await browser.open(`${keysPath}/${successor}/revoke`), {})
  assert.equal((await get(`${api}/bookings`, rotated)).status, 401)
})

test('Every action here is audit-logged.', async () => {
  const browser = await signedIn()
  const { key, secret } = await createByPage(browser, { 'scope:customers': 'read' })
  const rotated = secretOf(
    (await browser.submit(await browser.open(`${keysPath}/${key}/rotate`), { overlap: '3600' })).html,
  )
  const { key_id: successor } = await bodyOf(await get(`${api}/me`, rotated))
  await browser.submit(await browser.open(`${keysPath}/${key}/revoke`), {})
  assert.equal((await get(`${api}/me`, secret)).status, 401)
  const deeds = [...(await deedsTo(key)), ...(await deedsTo(String(successor)))]
  assert.deepEqual(deeds.map(({ action }) => action).sort(), ['key.created', 'key.revoked', 'key.rotated'])
  const created = deeds.find(({ action }) => action === 'key.created')
  assert.deepEqual(
    created?.details['scopes'],
    ['read:bookings', 'read:customers'],
    'with what it was scoped to',
  )
  const { html } = await browser.open(`/admin/audit-log?target=${key}`)
  for (const said of ['Created an API key', 'Rotated an API key', 'Revoked an API key', email])
    assert.ok(html.includes(said), said)
})

test('Each key carries a set of scopes (for example read:bookings, write:bookings, read:customers).', async () => {
  for (const held of [scopes, ['read:bookings'], ['read:customers', 'write:bookings']]) {
    const key = await keyOf('live', held)
    assert.deepEqual((await bodyOf(await get(`${api}/me`, key)))['scopes'], [...held].sort())
    assert.equal((await get(`${api}/bookings`, key)).status, held.includes('read:bookings') ? 200 : 403)
    assert.equal((await get(`${api}/customers`, key)).status, held.includes('read:customers') ? 200 : 403)
  }
})

test('The exact list of scopes per endpoint is part of the OpenAPI contract — see the x-required-scopes extension on each path in the live spec or in the API Reference tab.', async () => {
  const every = Object.keys(house.profile.scopes)
  const partner = await createPartner(house)
  for (const [method, path, said] of await operations()) {
    const required = said['x-required-scopes']
    for (const missing of required) {
      const lacking = await keyOf(
        'live',
        every.filter((scope) => scope !== missing),
      )
      const refused = await get(api + path, lacking, { method })
      assert.equal(await problemOf(refused), '403 permission_error insufficient_scope', `${method} ${path}`)
    }
    const enough = said['x-credential'] === 'platform' ? partner.secret : await keyOf('live', required)
    assert.notEqual((await get(api + path, enough, { method })).status, 403, `${method} ${path}`)
  }
})

test('A request with a key that lacks the required scope returns 403 with a Stripe-shape error envelope (see Error Codes).', async () => {
  const refused = await get(`${api}/customers`, await keyOf('live', ['read:bookings']))
  assert.equal(refused.status, 403)
  const { error, ...nothing } = (await bodyOf(refused)) as { error: Record<string, unknown> }
  const { message, request_id: requestId, ...rest } = error
  assert.deepEqual(nothing, {})
  assert.deepEqual(rest, { type: 'permission_error', code: 'insufficient_scope' })
  assert.match(String(message), /read:customers/)
  assert.equal(requestId, refused.headers.get('x-request-id'))
})

test('X-BoothZen-Scope — the scopes granted to the calling key.', async () => {
  for (const held of [scopes, ['read:customers']]) {
    const key = await keyOf('live', held)
    for (const path of [
      '/me',
      '/bookings',
      '/customers',
      '/nowhere',
      '/bookings?limit=0',
      `/bookings/${id('bk_', 9)}`,
    ]) {
      const granted = (await get(api + path, key)).headers.get('x-boothzen-scope')
      assert.deepEqual(granted?.split(' ').sort(), [...held].sort(), path)
    }
  }
})

test('X-Request-Id — opaque request ID for support tickets.', async () => {
  const key = await keyOf()
  const seen = new Set<string>()
  const asked: [string, string | null][] = [
    ['/me', key],
    ['/bookings', key],
    ['/nowhere', key],
    ['/bookings?limit=0', key],
    ['/bookings', null],
    ['/bookings', 'bz_live_wrong'],
    ['/openapi.json', null],
  ]
  for (const [path, credential] of asked) {
    const answer = await get(api + path, credential, { headers: { 'X-Request-Id': 'of the caller' } })
    const stamped = answer.headers.get('x-request-id') ?? ''
    assert.match(stamped, /^req_[0-9A-HJKMNP-TV-Z]{26}$/)
    assert.ok(house.log().includes(stamped), 'support finds it')
    seen.add(stamped)
  }
  assert.equal(seen.size, asked.length)
})

/** What an app is told that sends a person with such a link, as the query of its redirect URI. */
async function answerTo(change: Readonly<Record<string, string | null>>): Promise<string | null> {
  const asked = authorizationUrl(site, app.clientId, 'read:bookings', change)
  const answer = await fetch(asked.url, { redirect: 'manual' })
  const location = answer.headers.get('location') ?? ''
  return location.startsWith(redirectUri) ? new URL(location).searchParams.get('error') : null
}

test('PKCE is required — there is no confidential-client flow.', async () => {
  assert.equal(await answerTo({ code_challenge: null, code_challenge_method: null }), 'invalid_request')
  assert.equal(await answerTo({ code_challenge_method: 'plain' }), 'invalid_request')
  const metadata = await bodyOf(await fetch(`${site}/.well-known/oauth-authorization-server`))
  assert.deepEqual(metadata['token_endpoint_auth_methods_supported'], ['none'])
  assert.deepEqual(metadata['code_challenge_methods_supported'], ['S256'])
  assert.deepEqual(metadata['grant_types_supported'], ['authorization_code', 'refresh_token'])
  const machine = { grant_type: 'client_credentials', client_id: app.clientId, client_secret: 'x' }
  assert.notEqual((await postToken(site, machine)).status, 200)
})

const metadataOf = async () => bodyOf(await fetch(`${site}/.well-known/oauth-authorization-server`))

test('Authorize https://app.boothzen.com/oauth/authorize', async () => {
  assert.equal((await metadataOf())['authorization_endpoint'], 'https://app.boothzen.com/oauth/authorize')
  const asked = authorizationUrl(site, app.clientId, 'read:bookings')
  assert.ok(asked.url.startsWith('https://app.boothzen.com/oauth/authorize?'))
  assert.match((await new PersonBrowser(site).open(asked.url)).html, /name="password"/)
})

test('Token exchange https://app.boothzen.com/oauth/token', async () => {
  assert.equal((await metadataOf())['token_endpoint'], 'https://app.boothzen.com/oauth/token')
  const code = await obtainCode(site, app, email, 'read:bookings')
  const fields = { grant_type: 'authorization_code', client_id: app.clientId, redirect_uri: redirectUri }
  const body = new URLSearchParams({ ...fields, code: code.code, code_verifier: code.verifier })
  const answer = await fetch('https://app.boothzen.com/oauth/token', { method: 'POST', body })
  assert.equal((await readTokens(answer)).token_type, 'Bearer')
})

test('Refresh https://app.boothzen.com/oauth/token (grant_type=refresh_token)', async () => {
  const first = await obtainTokens(site, app, email, 'read:bookings')
  const fields = { grant_type: 'refresh_token', client_id: app.clientId, refresh_token: first.refresh_token }
  const body = new URLSearchParams(fields)
  const next = await readTokens(await fetch('https://app.boothzen.com/oauth/token', { method: 'POST', body }))
  assert.equal((await get(`${api}/bookings`, next.access_token)).status, 200)
})

test('Generate a PKCE code_verifier and SHA-256 code_challenge.', async () => {
  const asked = authorizationUrl(site, app.clientId, 'read:bookings')
  const challenge = createHash('sha256').update(asked.verifier).digest('base64url')
  assert.equal(new URL(asked.url).searchParams.get('code_challenge'), challenge)
  const code = await obtainCode(site, app, email, 'read:bookings')
  const others = { ...code, verifier: 'x'.repeat(43) }
  assert.equal(await errorOf(await exchange(site, app, others)), '400 invalid_grant', 'another verifier')
  assert.equal(challengeOf(asked.verifier), challenge)
})

test('Redirect the operator to /oauth/authorize?response_type=code&client_id=...&redirect_uri=...&scope=...&state=...&code_challenge=...&code_challenge_method=S256.', async () => {
  const verifier = 'v'.repeat(64)
  const query =
    `response_type=code&client_id=${app.clientId}&redirect_uri=${encodeURIComponent(redirectUri)}` +
    `&scope=read:bookings&state=s1&code_challenge=${challengeOf(verifier)}&code_challenge_method=S256`
  const back = await allow(new PersonBrowser(site), { url: `${site}/oauth/authorize?${query}` }, email)
  assert.ok(back.href.startsWith(redirectUri))
  assert.equal(back.searchParams.get('state'), 's1')
  const code = { code: back.searchParams.get('code') ?? '', verifier }
  assert.equal((await readTokens(await exchange(site, app, code))).scope, 'read:bookings')
})

test('Exchange the returned code for an access token at /oauth/token with the code_verifier.', async () => {
  const code = await obtainCode(site, app, email, 'read:bookings')
  const without = { grant_type: 'authorization_code', client_id: app.clientId, redirect_uri: redirectUri }
  assert.equal((await postToken(site, { ...without, code: code.code })).status, 400)
  const again = await obtainCode(site, app, email, 'read:bookings')
  const { access_token: token, expires_in: seconds } = await readTokens(await exchange(site, app, again))
  assert.match(token, /^bz_oat_live_/)
  assert.equal(seconds, 3600)
})

test('Use the access token in the same Authorization: Bearer ... header as an API key — OAuth tokens are interchangeable with API keys on /api/v1/*.', async () => {
  const [byKey, byToken] = [
    await get(`${api}/bookings`, await keyOf()),
    await get(`${api}/bookings`, tokens.access_token),
  ]
  assert.equal(byToken.status, 200)
  assert.deepEqual(await bodyOf(byToken), await bodyOf(byKey))
  const headers = { 'Content-Type': 'application/json' }
  const init = { method: 'POST', headers, body: JSON.stringify(booking) }
  const made = await bodyOf(await get(`${api}/bookings`, tokens.access_token, init))
  assert.deepEqual(await bodyOf(await get(`${api}/bookings/${made['id']}`, await keyOf())), made)
})

/** Tokens of a grant of their own, which a test may end. */
const ownGrant = async (client: Client = app) => obtainTokens(site, client, email, 'read:bookings')

test('Refresh tokens rotate on every exchange.', async () => {
  let current = await ownGrant()
  const seen = new Set([current.refresh_token])
  for (const round of [1, 2, 3]) {
    current = await readTokens(await refresh(site, app, current.refresh_token))
    seen.add(current.refresh_token)
    assert.equal(seen.size, round + 1)
    assert.equal((await get(`${api}/bookings`, current.access_token)).status, 200)
  }
})

test('Always store the latest one and discard the previous.', async () => {
  const strict = await house.app(harbour, { mode: 'live', refreshGraceSeconds: 0 })
  const first = await ownGrant(strict)
  const second = await readTokens(await refresh(site, strict, first.refresh_token))
  const third = await readTokens(await refresh(site, strict, second.refresh_token))
  assert.equal((await get(`${api}/bookings`, third.access_token)).status, 200, 'the latest is good')
  assert.equal(await errorOf(await refresh(site, strict, first.refresh_token)), '400 invalid_grant')
})

test('Create a client, set redirect URIs, and copy your client_id.', async () => {
  const { html } = await registerByPage()
  const clientId = /id="client_id" readonly value="(app_[0-9a-z]{24})"/.exec(html)?.[1] ?? ''
  // The form's redirect URIs are those that a link may name.
  const back = authorizationUrl(site, clientId, 'read:bookings', {
    redirect_uri: 'https://sync.example.com/callback',
  })
  assert.match((await new PersonBrowser(site).open(back.url)).html, /name="password"/)
  const elsewhere = authorizationUrl(site, clientId, 'read:bookings', {
    redirect_uri: 'https://sync.example.com/other',
  })
  assert.equal((await fetch(elsewhere.url, { redirect: 'manual' })).status, 400)
})

async function registerByPage() {
  const browser = await signedIn()
  return browser.submit(await browser.open(`${appsPath}/new`), {
    name: 'Calendar Sync',
    redirect_uri: 'https://sync.example.com/callback',
    mode: 'live',
    homepage: '',
    policy_uri: '',
    terms_uri: '',
    'scope:read:bookings': 'required',
    refresh_grace: '60',
    refresh_lifetime: '90 days',
    refresh_idle: '',
    on_reuse: 'revoke',
  })
}

test('Public clients (mobile, SPA) do not get a secret — PKCE is mandatory.', async () => {
  const { html } = await registerByPage()
  assert.match(html, /No secret exists: this is a public client/)
  assert.doesNotMatch(html, /client_secret/)
  const code = await obtainCode(site, app, email, 'read:bookings')
  const { clientId } = app
  const headers = { Authorization: `Basic ${Buffer.from(`${clientId}:secret`).toString('base64')}` }
  assert.notEqual((await exchange(site, app, code, headers)).status, 200, 'there is no secret to be sent')
  assert.equal(await answerTo({ code_challenge: null }), 'invalid_request')
})

test('The public API is reachable under two equivalent base URLs:', async () => {
  const key = await keyOf()
  const [one, two] = await Promise.all(
    [api, 'https://harbour-booths.boothzen.com/api/v1'].map(async (base) =>
      bodyOf(await get(`${base}/bookings`, key)),
    ),
  )
  assert.deepEqual(one, two)
})

test('https://app.boothzen.com/api/v1/* The canonical host. Works for every tenant. Used by all docs examples.', async () => {
  const theirs = (await house.key(other, 'live', scopes)).secret
  assert.deepEqual(await bookingsOf(theirs), [others])
  assert.ok((await bookingsOf(await keyOf())).includes(live))
  const { servers } = (await bodyOf(await fetch(`${api}/openapi.json`))) as { servers: { url: string }[] }
  assert.deepEqual(
    servers.map(({ url }) => url),
    [api, 'https://{slug}.boothzen.com/api/v1', 'https://api.boothzen.com/v1'],
  )
})

test('https://{slug}.boothzen.com/api/v1/* The tenant-branded host. Useful for white-label integrations where the request URL itself should reveal the operator.', async () => {
  const { data } = (await bodyOf(
    await get('https://harbour-booths.boothzen.com/api/v1/bookings', await keyOf()),
  )) as {
    data: { id: string }[]
  }
  assert.ok(data.some((row) => row.id === live))
})

test('Both resolve the calling tenant from the API key, not the hostname — the slug-host is purely cosmetic.', async () => {
  for (const slug of ['harbour-booths', 'other-booths', 'nobody', 'app']) {
    for (const [organization, secret] of [
      [harbour, await keyOf()],
      [other, (await house.key(other, 'live', scopes)).secret],
    ] as const) {
      const me = await bodyOf(await get(`https://${slug}.boothzen.com/api/v1/me`, secret))
      assert.equal(me['organization_id'], organization.id, slug)
    }
  }
})

test('All response shapes, rate limits, and scopes are identical.', async () => {
  const key = await keyOf('live', ['read:bookings'])
  const bases = [api, 'https://harbour-booths.boothzen.com/api/v1', 'https://api.boothzen.com/v1']
  for (const path of ['/bookings', '/me', '/customers', '/bookings?limit=0', '/nowhere', '/openapi.json']) {
    const answers: unknown[] = []
    for (const base of bases) {
      const answer = await get(base + path, key)
      const said = shapeOf(await bodyOf(answer))
      answers.push([
        answer.status,
        answer.headers.get('x-boothzen-scope'),
        answer.headers.get('ratelimit-limit'),
        said,
      ])
    }
    assert.deepEqual(
      answers,
      bases.map(() => answers[0]),
      path,
    )
  }
  const left: number[] = []
  for (const base of bases)
    left.push(Number((await get(`${base}/me`, key)).headers.get('ratelimit-remaining')))
  assert.deepEqual(
    left,
    bases.map((_, at) => (left[0] ?? 0) - at),
    'one count, wherever it asks',
  )
})

test('There is also a legacy short form, https://api.boothzen.com/v1/*, which is equivalent to app.boothzen.com/api/v1/*.', async () => {
  const key = await keyOf()
  for (const [method, path] of await operations()) {
    if (method !== 'GET') continue
    const [long, short] = [await get(api + path, key), await get(`https://api.boothzen.com/v1${path}`, key)]
    assert.deepEqual(
      [short.status, shapeOf(await bodyOf(short))],
      [long.status, shapeOf(await bodyOf(long))],
      path,
    )
  }
  assert.equal((await get('https://app.boothzen.com/v1/bookings', key)).status, 404, 'of that host alone')
})
