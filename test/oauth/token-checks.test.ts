// The token endpoint, line by line of the list: what it is asked, and the one answer that will do.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  authorizationUrl,
  challengeOf,
  errorOf,
  obtainCode,
  postToken,
  readTokens,
  redirectUri,
} from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const scope = 'read:bookings'
const email = 'ann@acme.example'

test('the token endpoint, check by check', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const app = await house.app(organization)
  const several = await house.app(organization, {
    redirectUris: ['com.example.app:/callback', 'http://127.0.0.1/callback', 'http://127.0.0.1/other'],
  })
  const browser = new PersonBrowser(house.url)
  const codeOf = (client: typeof app) => obtainCode(house.url, client, email, scope, browser)
  const grant = ({ code, verifier }: { code: string; verifier: string }, client: typeof app) => ({
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    client_id: client.clientId,
  })
  const isAlive = async (token: string) => (await house.api('/me', token)).status === 200

  await t.test('T2: no verifier, a wrong one, or the challenge itself cost the code nothing', async () => {
    const answer = await codeOf(app)
    const right = { ...grant(answer, app), redirect_uri: redirectUri }
    const { code_verifier: verifier, ...without } = right
    assert.equal(await errorOf(await postToken(house.url, without)), '400 invalid_grant')
    for (const wrong of ['w'.repeat(43), challengeOf(verifier), `${verifier}x`, '']) {
      const response = await postToken(house.url, { ...right, code_verifier: wrong })
      assert.equal(await errorOf(response), '400 invalid_grant', wrong)
    }
    assert.ok(await isAlive((await readTokens(await postToken(house.url, right))).access_token))
  })

  await t.test('T3: a verifier for a code that was asked without a challenge is refused', async () => {
    const answer = await codeOf(app)
    // Nobody gets such a code here (A1): it is made one where it is kept.
    await house.asOwner(
      `update authorization_codes set payload = payload - 'codeChallenge' - 'codeChallengeMethod'`,
    )
    const response = await postToken(house.url, { ...grant(answer, app), redirect_uri: redirectUri })
    assert.equal(await errorOf(response), '400 invalid_grant')
  })

  await t.test(
    'T4: a code of another client, or for another redirect URI, is refused and stays good',
    async () => {
      const answer = await codeOf(app)
      const wrong = [
        { ...grant(answer, several), redirect_uri: redirectUri },
        grant(answer, several),
        { ...grant(answer, app), redirect_uri: 'http://127.0.0.1:51005/callback' },
        { ...grant(answer, app), redirect_uri: 'http://127.0.0.1/callback' },
        { ...grant(answer, app), redirect_uri: '' },
      ]
      const [first, second, third, fourth, empty] = wrong
      for (const body of [first, second, third, fourth]) {
        assert.equal(await errorOf(await postToken(house.url, { ...body })), '400 invalid_grant')
      }
      assert.ok(empty, 'A14: an empty parameter is an omitted one')
      assert.ok(await isAlive((await readTokens(await postToken(house.url, empty))).access_token))
    },
  )

  await t.test('T5: an exchange may name no redirect URI, also of an app that has several', async () => {
    for (const client of [app, several]) {
      const answer = await codeOf(client)
      const tokens = await readTokens(await postToken(house.url, grant(answer, client)))
      assert.ok(await isAlive(tokens.access_token))
      // T6: and a replay of it is one.
      assert.equal(await errorOf(await postToken(house.url, grant(answer, client))), '400 invalid_grant')
      assert.equal(await isAlive(tokens.access_token), false)
    }
    const unknown = grant({ code: 'bz_oac_unknown', verifier: 'v'.repeat(43) }, several)
    assert.equal(await errorOf(await postToken(house.url, unknown)), '400 invalid_grant')
  })

  await t.test('T16: an unknown client is told so, with a challenge where it came with Basic', async () => {
    const body = { grant_type: 'authorization_code', code: 'x', client_id: 'app_unknown' }
    const plain = await postToken(house.url, body)
    assert.equal(await errorOf(plain), '401 invalid_client')
    const basic = { Authorization: `Basic ${Buffer.from('app_unknown:secret').toString('base64')}` }
    const { client_id: _, ...without } = body
    const response = await fetch(`${house.url}/oauth/token`, {
      method: 'POST',
      headers: basic,
      body: new URLSearchParams(without),
    })
    assert.equal(await errorOf(response), '401 invalid_client')
    assert.match(response.headers.get('www-authenticate') ?? '', /^Basic /)
  })

  await t.test('T17: what stands in the address is not read', async () => {
    const answer = await codeOf(app)
    const right = { ...grant(answer, app), redirect_uri: redirectUri }
    for (const name of ['client_id', 'code', 'code_verifier', 'grant_type'] as const) {
      const { [name]: moved, ...rest } = right
      const url = `${house.url}/oauth/token?${new URLSearchParams({ [name]: moved })}`
      const response = await fetch(url, { method: 'POST', body: new URLSearchParams(rest) })
      assert.equal(response.status, 400, name)
    }
    await readTokens(await postToken(house.url, right))
  })

  await t.test('T18: anything but one form by POST is refused', async () => {
    const right = { ...grant(await codeOf(app), app), redirect_uri: redirectUri }
    const endpoint = `${house.url}/oauth/token`
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const { status } = await fetch(`${endpoint}?${new URLSearchParams(right)}`, { method })
      assert.ok([404, 405].includes(status), `${method}: ${status}`)
    }
    const headers = { 'Content-Type': 'application/json' }
    const json = await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify(right) })
    assert.equal(await errorOf(json), '400 invalid_request')
    for (const name of ['grant_type', 'code', 'client_id', 'code_verifier', 'redirect_uri'] as const) {
      const twice = new URLSearchParams(right)
      twice.append(name, right[name])
      const response = await fetch(endpoint, { method: 'POST', body: twice })
      assert.equal(await errorOf(response), '400 invalid_request', name)
    }
    const large = await postToken(house.url, { ...right, more: 'x'.repeat(60_000) })
    assert.ok(large.status === 400 || large.status === 413, String(large.status))
    await readTokens(await postToken(house.url, right))
  })

  await t.test('T19: no grant type but those two', async () => {
    for (const type of [
      'password',
      'implicit',
      'client_credentials',
      'urn:ietf:params:oauth:grant-type:jwt-bearer',
      'urn:ietf:params:oauth:grant-type:device_code',
      'urn:ietf:params:oauth:grant-type:token-exchange',
    ]) {
      const body = { grant_type: type, client_id: app.clientId, username: email, password: 'x', scope }
      assert.equal(await errorOf(await postToken(house.url, body)), '400 unsupported_grant_type', type)
    }
  })

  await t.test('T20: codes and tokens have 160 bits and more that nobody can guess', async () => {
    const answer = await codeOf(app)
    const tokens = await readTokens(await postToken(house.url, grant(answer, app)))
    for (const secret of [answer.code, tokens.access_token, tokens.refresh_token]) {
      const random = /_([0-9A-Za-z]+)$/.exec(secret)?.[1]?.slice(0, -6) ?? '' // the last six are a checksum
      assert.ok(random.length * Math.log2(62) >= 160, secret)
    }
  })

  await t.test('U17, T18: whatever is sent, the answer is an error of OAuth and never a fault', async () => {
    const odd = ['\0', '\ud800', '%', 'x'.repeat(10_000), '[]', '{"a":1}', 'ア', '\r\nX-Injected: 1']
    for (const name of [
      'grant_type',
      'code',
      'code_verifier',
      'redirect_uri',
      'client_id',
      'resource',
      'scope',
    ]) {
      for (const value of odd) {
        const right: Record<string, string> = {
          ...grant({ code: 'x', verifier: 'v'.repeat(43) }, app),
          redirect_uri: redirectUri,
        }
        const response = await postToken(house.url, { ...right, [name]: value })
        assert.match(
          await errorOf(response),
          /^40[01] (invalid|unsupported)_/,
          `${name}: ${value.slice(0, 20)}`,
        )
      }
    }
    const { url } = authorizationUrl(house.url, app.clientId, scope)
    assert.equal((await browser.open(url)).status, 200)
  })
})
