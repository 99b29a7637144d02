// The OpenID Foundation's modules for OpenID providers, as far as they are about OAuth: each under its own name, with
// what it checks. docs/conformance.md says which are left out, and why.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { App } from '../../src/apps/app.ts'
import {
  allow,
  authorizationUrl,
  errorOf,
  exchange,
  obtainCode,
  postToken,
  readTokens,
  redirectUri,
  refresh,
} from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const scope = 'read:bookings read:customers'
const email = 'ann@acme.example'
const withQuery = 'https://app.example.com/callback?dummy1=lorem&dummy2=ipsum'

test('OpenID Foundation: oidcc', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const app = await house.app(organization)
  const queried = await house.app(organization, { redirectUris: [withQuery] })
  // Of an app that the vendor vouches for: of another a person hears first (A24).
  await house.database.knex('oauth_apps').update({ verified_at: new Date() })
  const browser = new PersonBrowser(house.url)
  const isAlive = async (token: string) => (await house.api('/me', token)).status === 200
  const codeOf = () => obtainCode(house.url, app, email, scope, browser)
  const open = (url: string) => fetch(url, { redirect: 'manual', headers: { Accept: 'text/html' } })
  type Change = Readonly<Record<string, string | null>>
  const ask = (change: Change, client: App = app) =>
    open(authorizationUrl(house.url, client.clientId, scope, change).url)
  const refusedByPage = async (response: Response) => {
    assert.equal(response.status, 400)
    assert.equal(response.headers.get('location'), null)
    assert.match(await response.text(), /Nothing was shared/)
  }
  const errorTold = (response: Response) =>
    new URL(response.headers.get('location') ?? '').searchParams.get('error')

  await t.test('oidcc-server: the happy flow', async () => {
    const response = await exchange(house.url, app, await codeOf())
    assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
    assert.equal(response.headers.get('cache-control'), 'no-store')
    const tokens = await readTokens(response)
    assert.equal(tokens.token_type, 'Bearer')
    assert.ok(await isAlive(tokens.access_token), 'the token works')
  })

  await t.test('oidcc-alternate-happy-flow: neither parameters nor scopes have an order', async () => {
    const asked = authorizationUrl(house.url, app.clientId, 'read:customers read:bookings')
    const turned = new URL(asked.url)
    turned.search = String(new URLSearchParams([...turned.searchParams].reverse()))
    const back = await allow(browser, { url: turned.href }, email)
    const code = back.searchParams.get('code') ?? ''
    const body: [string, string][] = [
      ['code_verifier', asked.verifier],
      ['client_id', app.clientId],
      ['redirect_uri', redirectUri],
      ['code', code],
      ['grant_type', 'authorization_code'],
    ]
    const response = await fetch(`${house.url}/oauth/token`, {
      method: 'POST',
      body: new URLSearchParams(body),
    })
    assert.deepEqual((await readTokens(response)).scope.split(' ').sort(), scope.split(' '))
  })

  await t.test('oidcc-response-type-missing: is told to the app', async () => {
    const response = await ask({ response_type: null })
    assert.ok(
      ['invalid_request', 'unsupported_response_type'].includes(errorTold(response) ?? ''),
      'the error',
    )
  })

  await t.test('oidcc-ensure-registered-redirect-uri: another one gets a page of ours', async () => {
    await refusedByPage(await ask({ redirect_uri: 'https://app.example.com/unregistered' }, queried))
  })

  await t.test('oidcc-ensure-redirect-uri-in-authorization-request: of two, one must be named', async () => {
    const two = await house.app(organization, { redirectUris: [withQuery, 'https://app.example.com/other'] })
    await refusedByPage(await ask({ redirect_uri: null }, two))
  })

  await t.test('oidcc-redirect-uri-query-OK: a query that is registered comes back whole', async () => {
    const asked = authorizationUrl(house.url, queried.clientId, scope, { redirect_uri: withQuery })
    const back = await allow(browser, asked, email)
    assert.ok(back.href.startsWith(`${withQuery}&`), back.href)
    const code = back.searchParams.get('code') ?? ''
    const grant = { grant_type: 'authorization_code', code, code_verifier: asked.verifier }
    const body = { ...grant, client_id: queried.clientId, redirect_uri: withQuery }
    await readTokens(await postToken(house.url, body))
  })

  await t.test('oidcc-redirect-uri-query-added: a query that is not registered is refused', async () => {
    await refusedByPage(await ask({ redirect_uri: 'http://127.0.0.1:51004/callback?dummy1=lorem' }))
  })

  await t.test(
    'oidcc-redirect-uri-query-mismatch: another query than the registered one is refused',
    async () => {
      for (const query of ['dummy1=lorem&dummy2=other', 'dummy2=ipsum&dummy1=lorem', 'dummy1=lorem', '']) {
        const uri = `https://app.example.com/callback?${query}`
        await refusedByPage(await ask({ redirect_uri: uri }, queried))
      }
    },
  )

  await t.test('oidcc-codereuse: at once, a code is refused', async () => {
    const code = await codeOf()
    await readTokens(await exchange(house.url, app, code))
    assert.equal(await errorOf(await exchange(house.url, app, code)), '400 invalid_grant')
  })

  await t.test(
    'oidcc-codereuse-30seconds: after half a minute a code is refused, and its token ends',
    async () => {
      const code = await codeOf()
      const tokens = await readTokens(await exchange(house.url, app, code))
      await house.asOwner(`update authorization_codes set consumed_at = consumed_at - interval '30 seconds'`)
      assert.equal(await errorOf(await exchange(house.url, app, code)), '400 invalid_grant')
      assert.equal(await isAlive(tokens.access_token), false)
    },
  )

  await t.test(
    'oidcc-ensure-request-with-valid-pkce-succeeds: S256, from the link to the token',
    async () => {
      assert.match(authorizationUrl(house.url, app.clientId, scope).url, /code_challenge_method=S256/)
      await readTokens(await exchange(house.url, app, await codeOf()))
    },
  )

  await t.test('oidcc-ensure-request-with-unknown-parameter-succeeds: it is passed over', async () => {
    const asked = authorizationUrl(house.url, app.clientId, scope, { extra: 'foobar' })
    const code = (await allow(browser, asked, email)).searchParams.get('code') ?? ''
    await readTokens(await exchange(house.url, app, { code, verifier: asked.verifier }))
  })

  await t.test('oidcc-prompt-login: who is signed in signs in again', async () => {
    const page = await browser.open(authorizationUrl(house.url, app.clientId, scope, { prompt: 'login' }).url)
    assert.match(page.html, /name="password"/)
    const consent = await browser.signIn(page, email)
    const back = new URL(
      (await browser.submit(consent, { organization: organization.id, decision: 'allow' })).url,
    )
    assert.ok(back.searchParams.get('code'), back.href)
  })

  await t.test('oidcc-prompt-none-not-logged-in: login_required, and no page', async () => {
    assert.equal(errorTold(await ask({ prompt: 'none' })), 'login_required')
  })

  await t.test(
    'oidcc-prompt-none-logged-in: no page either; what a person must be asked is said to be so',
    async () => {
      const stranger = await house.app(organization)
      await house.database.knex('oauth_apps').update({ verified_at: new Date() })
      const { url } = authorizationUrl(house.url, stranger.clientId, scope, { prompt: 'none' })
      const back = new URL((await browser.open(url)).url)
      assert.equal(back.origin + back.pathname, redirectUri)
      assert.match(back.searchParams.get('error') ?? '', /^(consent|interaction)_required$/)
    },
  )

  await t.test('oidcc-refresh-token: works, and for its own client alone', async () => {
    const tokens = await readTokens(await exchange(house.url, app, await codeOf()))
    assert.equal(await errorOf(await refresh(house.url, queried, tokens.refresh_token)), '400 invalid_grant')
    const next = await readTokens(await refresh(house.url, app, tokens.refresh_token))
    assert.ok(await isAlive(next.access_token), 'the new token works')
  })

  await t.test(
    'oidcc-discovery-endpoint-verification: the metadata is there, and its endpoints are',
    async () => {
      const response = await fetch(`${house.url}/.well-known/oauth-authorization-server`)
      assert.equal(response.status, 200)
      assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
      const metadata = (await response.json()) as Record<string, unknown>
      assert.equal(metadata['issuer'], house.url)
      for (const name of ['authorization_endpoint', 'token_endpoint', 'jwks_uri', 'revocation_endpoint']) {
        const url = String(metadata[name])
        assert.ok(url.startsWith(`${house.url}/`), name)
        const method = /token|revocation/.test(name) ? 'POST' : 'GET'
        assert.ok([200, 400].includes((await fetch(url, { method, redirect: 'manual' })).status), url)
      }
      assert.deepEqual(metadata['response_types_supported'], ['code'])
    },
  )

  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.e30.`
  await t.test(
    'oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported: it is rejected',
    async () => {
      assert.equal(errorTold(await ask({ request: unsigned })), 'request_not_supported')
    },
  )

  await t.test(
    'oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported: it is rejected',
    async () => {
      const reference = 'https://app.example.com/request.jwt'
      assert.equal(errorTold(await ask({ request_uri: reference })), 'request_uri_not_supported')
    },
  )
})
