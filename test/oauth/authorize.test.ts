import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { App } from '../../src/apps/app.ts'
import {
  authorizationUrl,
  errorOf,
  obtainCode,
  postToken,
  reachConsent,
  redirectUri,
} from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const scope = 'read:bookings'
const email = 'ann@acme.example'

async function open(t: Parameters<typeof startHouse>[0]): Promise<{ house: House; app: App }> {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const app = await house.app(organization)
  // The vendor says who it is: what is wrong with its requests is told to it without more ado (see consent A24).
  await house.database.knex('oauth_apps').update({ verified_at: new Date() })
  return { house, app }
}

/** What the app is told when the request is refused; null when it is told nothing. */
async function refusal(house: House, app: App, change: Record<string, string | null>): Promise<URL | null> {
  const { url } = authorizationUrl(house.url, app.clientId, scope, change)
  const response = await fetch(url, { redirect: 'manual', headers: { Accept: 'text/html' } })
  const location = response.headers.get('location')
  return location?.startsWith('http://127.0.0.1:51004/') ? new URL(location) : null
}

test('A1 to A4, A15: only a code with PKCE S256 is given out', async (t) => {
  const { house, app } = await open(t)
  const state = 'state with spaces & signs=é'
  const wrong: readonly [string, Record<string, string | null>, string][] = [
    ['A1 no challenge', { code_challenge: null, code_challenge_method: null }, 'invalid_request'],
    ['A2 plain', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['A3 challenge without method', { code_challenge_method: null }, 'invalid_request'],
    ['A4 short challenge', { code_challenge: 'a'.repeat(42) }, 'invalid_request'],
    ['A4 long challenge', { code_challenge: 'a'.repeat(129) }, 'invalid_request'],
    ['A4 bad character', { code_challenge: `${'a'.repeat(42)}!` }, 'invalid_request'],
    ['A30 request object', { request: 'x' }, 'request_not_supported'],
    ['scope of OpenID', { scope: 'openid' }, 'invalid_scope'],
    ['A29 foreign resource', { resource: 'https://other.example/api' }, 'invalid_target'],
  ]
  for (const [name, change, error] of wrong) {
    const told = await refusal(house, app, { state, ...change })
    assert.equal(told?.searchParams.get('error'), error, name)
    assert.equal(told?.searchParams.get('state'), state, `A18 ${name}`)
    assert.equal(told?.searchParams.get('iss'), house.url, `A19 ${name}`)
    assert.equal(told?.searchParams.get('code'), null, name)
  }
  for (const responseType of ['token', 'id_token', 'code token', 'code id_token']) {
    const told = await refusal(house, app, { response_type: responseType })
    assert.ok(!String(told).includes('access_token='), responseType)
    assert.match(String(told), /error=(unsupported_response_type|invalid_request)/, responseType)
  }
})

test('A5 to A9: a redirect URI is compared exactly, but for the port on loopback', async (t) => {
  const { house, app } = await open(t)
  const refused = [
    'http://127.0.0.1:51004/callback/',
    'http://127.0.0.1:51004/Callback',
    'http://127.0.0.1:51004/callback?x=1',
    'http://127.0.0.1:51004/callback#x',
    'https://127.0.0.1:51004/callback',
    'http://127.0.0.2:51004/callback',
    'http://127.0.0.1:1@evil.example/callback',
    'http://127.0.0.1.evil.example/callback',
    'https://evil.example/callback',
  ]
  for (const uri of refused) {
    const { url } = authorizationUrl(house.url, app.clientId, scope, { redirect_uri: uri })
    const response = await fetch(url, { redirect: 'manual', headers: { Accept: 'text/html' } })
    assert.equal(response.status, 400, uri)
    assert.equal(response.headers.get('location'), null, uri)
    assert.match(await response.text(), /Nothing was shared/, uri)
  }
  for (const port of ['', ':1', ':51004', ':65535']) {
    const { url } = authorizationUrl(house.url, app.clientId, scope, {
      redirect_uri: `http://127.0.0.1${port}/callback`,
    })
    assert.equal((await fetch(url, { redirect: 'manual' })).status, 303, `A8 ${port}`)
  }
  const unknown = authorizationUrl(house.url, 'app_unknown', scope)
  assert.equal((await fetch(unknown.url, { redirect: 'manual' })).status, 400, 'A6')
})

test('a client with a secret can not exist, nor be made', async (t) => {
  const { house, app } = await open(t)
  const metadata = await (await fetch(`${house.url}/.well-known/oauth-authorization-server`)).json()
  assert.deepEqual((metadata as Record<string, unknown>)['token_endpoint_auth_methods_supported'], ['none'])
  assert.deepEqual((metadata as Record<string, unknown>)['code_challenge_methods_supported'], ['S256'])
  const basic = `Basic ${Buffer.from(`${app.clientId}:secret`).toString('base64')}`
  const response = await fetch(`${house.url}/oauth/token`, {
    method: 'POST',
    headers: { Authorization: basic },
    body: new URLSearchParams({ grant_type: 'authorization_code', code: 'x' }),
  })
  assert.equal(await errorOf(response), '401 invalid_client')
  const columns = await house.database
    .knex('information_schema.columns')
    .where({ table_name: 'oauth_apps' })
    .select('column_name')
  assert.ok(columns.every(({ column_name: name }) => !String(name).includes('secret')))
  for (const grant of ['password', 'client_credentials', 'implicit']) {
    assert.equal(
      await errorOf(await postToken(house.url, { grant_type: grant, client_id: app.clientId })),
      '400 unsupported_grant_type',
      'T19',
    )
  }
})

test("don't allow is told to the app with state and iss, and nothing is granted", async (t) => {
  const { house, app } = await open(t)
  const browser = new PersonBrowser(house.url)
  const asked = authorizationUrl(house.url, app.clientId, scope)
  const consent = await reachConsent(browser, asked, email)
  const back = new URL((await browser.submit(consent, { decision: 'deny' })).url)
  assert.equal(back.origin + back.pathname, redirectUri)
  assert.equal(back.searchParams.get('error'), 'access_denied')
  assert.equal(back.searchParams.get('state'), asked.state)
  assert.equal(back.searchParams.get('iss'), house.url)
  assert.deepEqual(await house.database.knex('grants'), [])
})

test('consent is for an organization that the person administers, and for the scopes that were asked', async (t) => {
  const house = await startHouse(t)
  const [own, other, foreign] = [
    await house.organization('Own'),
    await house.organization('Member only'),
    await house.organization('Foreign'),
  ]
  await house.person(email, own)
  const person = await house.database.knex('persons').first('id')
  await house.database
    .knex('memberships')
    .insert({ person_id: person.id, organization_id: other.id, role: 'MEMBER' })
  const app = await house.app(own, { name: '<b>"Evil" & Co</b>' })
  const browser = new PersonBrowser(house.url)
  const consent = await reachConsent(
    browser,
    authorizationUrl(house.url, app.clientId, `${scope} write:bookings`),
    email,
  )
  assert.match(consent.html, /See your bookings/)
  assert.match(consent.html, /Create and change bookings/)
  assert.doesNotMatch(consent.html, /See your customers/)
  assert.match(consent.html, /&lt;b&gt;&quot;Evil&quot; &amp; Co/)
  assert.doesNotMatch(consent.html, /<b>"Evil"/)
  assert.match(consent.html, new RegExp(`value="${own.id}" checked`))
  assert.doesNotMatch(consent.html, new RegExp(`value="${other.id}"`))
  assert.match(consent.html, /only their administrators can allow this: <bdi>Member only</)
  for (const id of [other.id, foreign.id, '']) {
    const again = await browser.submit(consent, { organization: id, decision: 'allow' })
    assert.equal(again.status, 422)
    assert.match(again.html, /Choose the account/)
  }
  assert.deepEqual(await house.database.knex('grants'), [])
  await browser.submit(consent, { organization: own.id, decision: 'allow' })
  const [grant] = await house.database.knex('grants')
  assert.equal(grant.organization_id, own.id)
  assert.deepEqual(grant.scopes, [scope, 'write:bookings'])
})

test('allowing twice is allowing once: one consent, one grant, one code', async (t) => {
  const { house, app } = await open(t)
  const browser = new PersonBrowser(house.url)
  const consent = await reachConsent(browser, authorizationUrl(house.url, app.clientId, scope), email)
  const organization = /value="(org_[^"]+)"/.exec(consent.html)?.[1] ?? ''
  const form = new URLSearchParams({
    organization,
    decision: 'allow',
    form_token: /name="form_token" value="([^"]+)"/.exec(consent.html)?.[1] ?? '',
    shown: /name="shown" value="([^"]+)"/.exec(consent.html)?.[1] ?? '',
  })
  const post = {
    method: 'POST',
    body: form.toString(),
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  }
  const action = `${new URL(consent.url).pathname}/consent`
  const pages = await Promise.all([browser.request(action, post), browser.request(action, post)])
  const resume = /content="0;url=([^"]+)"/.exec((await pages[0]?.text()) ?? '')?.[1] ?? ''
  assert.equal((await house.database.knex('grants')).length, 1)
  const answers = await Promise.all([1, 2, 3, 4].map(() => browser.request(resume)))
  const codes = answers.filter((answer) => answer.headers.get('location')?.includes('code='))
  assert.equal(codes.length, 1)
  assert.equal((await house.database.knex('authorization_codes')).length, 1)
})

test('forms are taken from our own pages in the same browser alone (U5)', async (t) => {
  const { house, app } = await open(t)
  const [browser, stranger] = [new PersonBrowser(house.url), new PersonBrowser(house.url)]
  const consent = await reachConsent(browser, authorizationUrl(house.url, app.clientId, scope), email)
  const foreign = await reachConsent(stranger, authorizationUrl(house.url, app.clientId, scope), email)
  const token = (html: string) => /name="form_token" value="([^"]+)"/.exec(html)?.[1] ?? ''
  const organization = /value="(org_[^"]+)"/.exec(consent.html)?.[1] ?? ''
  const shown = /name="shown" value="([^"]+)"/.exec(consent.html)?.[1] ?? ''
  const send = (formToken: string, headers: Record<string, string>) =>
    browser.request(`${new URL(consent.url).pathname}/consent`, {
      method: 'POST',
      body: new URLSearchParams({ organization, shown, decision: 'allow', form_token: formToken }),
      headers,
    })
  assert.equal((await send('', {})).status, 403)
  assert.equal((await send(token(foreign.html), {})).status, 403)
  assert.equal((await send(token(consent.html), { 'Sec-Fetch-Site': 'cross-site' })).status, 403)
  assert.equal((await send(token(consent.html), { 'Sec-Fetch-Site': 'same-site' })).status, 403)
  assert.equal((await send(token(consent.html), { Origin: 'https://acme.example' })).status, 403)
  assert.deepEqual(await house.database.knex('grants'), [])
  assert.equal((await send(token(consent.html), { Origin: house.url })).status, 200)
})

test('a person who is signed in is not asked to sign in again, and is when the app says so', async (t) => {
  const { house, app } = await open(t)
  const browser = new PersonBrowser(house.url)
  await obtainCode(house.url, app, email, scope, browser)
  const again = await browser.open(authorizationUrl(house.url, app.clientId, scope).url)
  assert.match(again.html, /wants access/)
  const forced = await browser.open(authorizationUrl(house.url, app.clientId, scope, { prompt: 'login' }).url)
  assert.match(forced.html, /name="password"/)
  assert.match((await browser.signIn(forced, email)).html, /wants access/)
})

test('whoever signs out, or signs in as another, is no longer who they were to the engine', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  await house.person('bob@acme.example', organization)
  const app = await house.app(organization)
  const browser = new PersonBrowser(house.url)
  await obtainCode(house.url, app, email, scope, browser)
  const console = await browser.open('/admin/settings/api-keys')
  const token = /name="form_token" value="([^"]+)"/.exec(console.html)?.[1] ?? ''
  await browser.open('/sign-out', { method: 'POST', body: new URLSearchParams({ form_token: token }) })
  const asked = authorizationUrl(house.url, app.clientId, scope)
  const page = await browser.open(asked.url)
  assert.match(page.html, /name="password"/)
  assert.match((await browser.signIn(page, 'bob@acme.example')).html, /bob@acme\.example/)
})

test('two tabs at once: each comes to its own end', async (t) => {
  const { house, app } = await open(t)
  const browser = new PersonBrowser(house.url)
  const [first, second] = [
    authorizationUrl(house.url, app.clientId, scope),
    authorizationUrl(house.url, app.clientId, scope),
  ]
  const [one, two] = [await browser.open(first.url), await browser.open(second.url)]
  const oneConsent = await browser.signIn(one, email)
  const twoConsent = await browser.open(two.url)
  const organization = /value="(org_[^"]+)"/.exec(oneConsent.html)?.[1] ?? ''
  for (const [consent, { state }] of [
    [twoConsent, second],
    [oneConsent, first],
  ] as const) {
    const back = new URL((await browser.submit(consent, { organization, decision: 'allow' })).url)
    assert.ok(back.searchParams.get('code'), back.href)
    assert.equal(back.searchParams.get('state'), state)
  }
})
