// The OpenID Foundation's modules of fapi2-security-profile-final (their names without that prefix), as far as they are
// about what a public client may do. docs/conformance.md says which are left out, and why.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  allow,
  authorizationUrl,
  challengeOf,
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
import { makeKey, type Signing, signProof } from '../support/proof.ts'

const scope = 'read:bookings'
const email = 'ann@acme.example'

test('OpenID Foundation: fapi2-security-profile-final', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const [app, other] = [await house.app(organization), await house.app(organization)]
  // Of an app that the vendor vouches for: of another a person hears first (A24).
  await house.database.knex('oauth_apps').update({ verified_at: new Date() })
  const browser = new PersonBrowser(house.url)
  const codeOf = () => obtainCode(house.url, app, email, scope, browser)
  const isAlive = async (token: string) => (await house.api('/me', token)).status === 200
  const told = async (change: Readonly<Record<string, string | null>>) => {
    const { url } = authorizationUrl(house.url, app.clientId, scope, change)
    const response = await fetch(url, { redirect: 'manual' })
    return new URL(response.headers.get('location') ?? '', house.url)
  }
  const errorTold = async (change: Readonly<Record<string, string | null>>) =>
    (await told(change)).searchParams.get('error')
  /** Pushed requests (RFC 9126) are off: nothing answers there, and the metadata names no such endpoint. */
  const isNoPushEndpoint = async (body: Readonly<Record<string, string>>) => {
    const url = `${house.url}/oauth/par`
    assert.equal((await fetch(url, { method: 'POST', body: new URLSearchParams(body) })).status, 404)
    const metadata = await (await fetch(`${house.url}/.well-known/oauth-authorization-server`)).text()
    assert.doesNotMatch(metadata, /pushed_authorization/)
  }
  const pushed = { client_id: app.clientId, redirect_uri: redirectUri, response_type: 'code', scope }

  await t.test('par-ensure-pkce-required: there is no PAR, and without PKCE no code', async () => {
    await isNoPushEndpoint(pushed)
    assert.equal(await errorTold({ code_challenge: null, code_challenge_method: null }), 'invalid_request')
  })

  await t.test('par-plain-pkce-rejected: there is no PAR, and plain is refused', async () => {
    await isNoPushEndpoint({ ...pushed, code_challenge: 'v'.repeat(43), code_challenge_method: 'plain' })
    assert.equal(await errorTold({ code_challenge_method: 'plain' }), 'invalid_request')
  })

  await t.test(
    'par-attempt-reuse-request_uri: there is no PAR, and a request_uri of one is refused',
    async () => {
      const reference = 'urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c'
      for (const _ of [1, 2])
        assert.equal(await errorTold({ request_uri: reference }), 'request_uri_not_supported')
    },
  )

  await t.test(
    'par-attempt-to-use-request_uri-for-different-client: there is no PAR, for any client',
    async () => {
      const reference = 'urn:ietf:params:oauth:request_uri:6esc_11ACC5bwc014ltc14eY22c'
      const change = { client_id: other.clientId, request_uri: reference }
      assert.equal(await errorTold(change), 'request_uri_not_supported')
    },
  )

  await t.test('ensure-pkce-code-verifier-required: an exchange without one is refused', async () => {
    const { code } = await codeOf()
    const body = {
      grant_type: 'authorization_code',
      code,
      client_id: app.clientId,
      redirect_uri: redirectUri,
    }
    assert.equal(await errorOf(await postToken(house.url, body)), '400 invalid_grant')
  })

  await t.test('incorrect-pkce-code-verifier-rejected: nor with another', async () => {
    const { code, verifier } = await codeOf()
    for (const wrong of ['w'.repeat(43), challengeOf(verifier)]) {
      const answer = await exchange(house.url, app, { code, verifier: wrong })
      assert.equal(await errorOf(answer), '400 invalid_grant')
    }
  })

  await t.test('ensure-authorization-code-is-bound-to-client: another can not use it', async () => {
    const code = await codeOf()
    assert.equal(await errorOf(await exchange(house.url, other, code)), '400 invalid_grant')
    await readTokens(await exchange(house.url, app, code))
  })

  await t.test('attempt-reuse-authorization-code-after-one-second: refused, and its token ends', async () => {
    const code = await codeOf()
    const tokens = await readTokens(await exchange(house.url, app, code))
    await sleep(1000)
    assert.equal(await errorOf(await exchange(house.url, app, code)), '400 invalid_grant')
    assert.equal(await isAlive(tokens.access_token), false)
  })

  await t.test(
    'ensure-token-endpoint-fails-with-expired-auth-code: A17 after its minute it is refused',
    async () => {
      const code = await codeOf()
      // The engine reads its own clock: the code is aged where it is kept.
      await house.asOwner(
        `update authorization_codes set payload = jsonb_set(payload, '{exp}', to_jsonb(extract(epoch from now())::int - 1))`,
      )
      assert.equal(await errorOf(await exchange(house.url, app, code)), '400 invalid_grant')
    },
  )

  await t.test('ensure-response-type-token-fails: no token in an address', async () => {
    const { href } = await told({ response_type: 'token' })
    assert.match(href, /error=(unsupported_response_type|invalid_request)/)
    assert.doesNotMatch(href, /access_token/)
  })

  await t.test('ensure-authorization-request-with-long-state: it comes back whole', async () => {
    const state = 'x'.repeat(2048)
    const back = await allow(browser, authorizationUrl(house.url, app.clientId, scope, { state }), email)
    assert.equal(back.searchParams.get('state'), state)
  })

  await t.test('ensure-authorization-request-without-state-success: none comes back', async () => {
    const back = await allow(
      browser,
      authorizationUrl(house.url, app.clientId, scope, { state: null }),
      email,
    )
    assert.equal(back.searchParams.has('state'), false)
    assert.ok(back.searchParams.get('code'), back.href)
  })

  await t.test('refresh-token: gives an access token of the same scope, to its own client', async () => {
    const tokens = await readTokens(await exchange(house.url, app, await codeOf()))
    assert.equal(await errorOf(await refresh(house.url, other, tokens.refresh_token)), '400 invalid_grant')
    const next = await readTokens(await refresh(house.url, app, tokens.refresh_token))
    assert.equal(next.scope, scope)
    assert.ok(await isAlive(next.access_token), 'the new token works')
  })

  await t.test('user-rejects-authentication: access_denied, with state and iss', async () => {
    const asked = authorizationUrl(house.url, app.clientId, scope)
    const { url } = await browser.submit(await browser.open(asked.url), { decision: 'deny' })
    const { searchParams } = new URL(url)
    assert.deepEqual(
      [searchParams.get('error'), searchParams.get('state'), searchParams.get('iss')],
      ['access_denied', asked.state, house.url],
    )
  })

  await t.test('access-token-type-header-case-sensitivity: the scheme has no case', async () => {
    const { access_token: token } = await readTokens(await exchange(house.url, app, await codeOf()))
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'bEaReR']) {
      const headers = { Authorization: `${scheme} ${token}` }
      assert.equal((await house.api('/me', null, { headers })).status, 200, scheme)
    }
  })

  const bound = await house.app(organization, { requiresDpop: true })
  const tokenUrl = `${house.url}/oauth/token`

  await t.test(
    'dpop-negative-tests: T22 a proof that is not as it should be is refused, at both doors',
    async () => {
      const [key, thief] = [await makeKey(), await makeKey()]
      const code = await obtainCode(house.url, bound, email, scope, browser)
      const now = Math.floor(Date.now() / 1000)
      const bad: readonly Partial<Signing>[] = [
        { method: 'GET' },
        { url: `${house.url}/oauth/revoke` },
        { claims: { iat: now - 3600 } },
        { claims: { iat: now + 3600 } },
        { claims: { jti: undefined } },
        { claims: { htm: undefined } },
        { claims: { htu: undefined } },
        { claims: { iat: undefined } },
        { header: { typ: 'JWT' } },
        { header: { jwk: undefined } },
        { header: { jwk: key.privateJwk } },
        { header: { jwk: thief.publicJwk } },
      ]
      for (const signing of bad) {
        const DPoP = await signProof(key, { url: tokenUrl, ...signing })
        const answer = await exchange(house.url, bound, code, { DPoP })
        assert.equal(await errorOf(answer), '400 invalid_dpop_proof', JSON.stringify(signing))
      }
      assert.equal(await errorOf(await exchange(house.url, bound, code)), '400 invalid_grant', 'no proof')
      const DPoP = await signProof(key, { url: tokenUrl })
      const tokens = await readTokens(await exchange(house.url, bound, code, { DPoP }))

      const url = `${house.url}/api/v1/me`
      const me = async (signing: Partial<Signing>, scheme = 'DPoP', signer = key) => {
        const right = { method: 'GET', url, accessToken: tokens.access_token, ...signing }
        const headers = {
          Authorization: `${scheme} ${tokens.access_token}`,
          DPoP: await signProof(signer, right),
        }
        return (await fetch(url, { headers })).status
      }
      assert.equal(await me({}), 200)
      for (const signing of [
        { method: 'POST' },
        { url: `${url}/x` },
        { claims: { ath: 'x'.repeat(43) } },
        { claims: { ath: undefined } },
        { claims: { iat: now - 3600 } },
      ]) {
        assert.equal(await me(signing), 401, JSON.stringify(signing))
      }
      assert.equal(await me({}, 'DPoP', thief), 401, 'another key')
      assert.equal(await me({}, 'Bearer'), 401, 'as a bearer token')
    },
  )

  await t.test(
    'ensure-dpop-auth-code-binding-success: a code that was asked with a key is for that key',
    async () => {
      const [key, thief] = [await makeKey(), await makeKey()]
      const change = { dpop_jkt: key.thumbprint }
      const code = await obtainCode(house.url, bound, email, scope, browser, change)
      const stolen = await exchange(house.url, bound, code, {
        DPoP: await signProof(thief, { url: tokenUrl }),
      })
      assert.match(await errorOf(stolen), /^400 invalid_(grant|dpop_proof)$/)
      const DPoP = await signProof(key, { url: tokenUrl })
      assert.equal((await readTokens(await exchange(house.url, bound, code, { DPoP }))).token_type, 'DPoP')
    },
  )
})
