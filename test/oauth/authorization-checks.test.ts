// The authorization endpoint, line by line of the list: what it is asked, and the one answer that will do.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  allow,
  authorizationUrl,
  challengeOf,
  errorOf,
  exchange,
  obtainCode,
  readTokens,
  redirectUri,
} from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const scope = 'read:bookings'
const email = 'ann@acme.example'
const webUri = 'https://app.example.com/cb?tenant=1'

test('the authorization endpoint, check by check', async (t) => {
  const house = await startHouse(t, { env: { TRUST_PROXY: '1' } })
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const app = await house.app(organization)
  const web = await house.app(organization, { redirectUris: [webUri] })
  const several = await house.app(organization, {
    redirectUris: ['com.example.app:/callback', 'http://127.0.0.1/callback', 'http://[::1]/callback'],
  })
  // Of an app that the vendor vouches for: of another a person hears first (A24).
  await house.database.knex('oauth_apps').update({ verified_at: new Date() })
  const browser = new PersonBrowser(house.url)
  let visitor = 0
  /** Each from an address of its own: how many one may begin is another check (U12). */
  const open = (url: string, init: RequestInit = {}) => {
    visitor += 1
    const headers = {
      Accept: 'text/html',
      'X-Forwarded-For': `2001:db8:${visitor.toString(16)}::1`,
      ...init.headers,
    }
    return fetch(url, { ...init, redirect: 'manual', headers })
  }
  type Change = Readonly<Record<string, string | null>>
  const ask = (change: Change, client = app) =>
    open(authorizationUrl(house.url, client.clientId, scope, change).url)
  /** What the app is told, at its own address and nowhere else. */
  const toldTo = (response: Response, uri = redirectUri) => {
    const location = response.headers.get('location') ?? ''
    assert.ok(location.startsWith(uri), `${response.status} ${location}`)
    assert.equal(response.status, 303)
    return new URL(location).searchParams
  }
  const isOurPage = async (response: Response, name: string) => {
    assert.equal(response.status, 400, name)
    assert.equal(response.headers.get('location'), null, name)
    assert.match(await response.text(), /Nothing was shared/, name)
  }
  const isSignInAsked = (response: Response, name: string) => {
    assert.equal(response.status, 303, name)
    assert.match(response.headers.get('location') ?? '', /^(http:\/\/localhost:\d+)?\/interaction\//, name)
  }

  await t.test(
    'A1: without a challenge the app is told invalid_request, with its state and our name',
    async () => {
      for (const change of [
        { code_challenge: null, code_challenge_method: null },
        { code_challenge: null },
      ]) {
        const told = toldTo(await ask({ state: 'its state', ...change }))
        assert.deepEqual(
          [told.get('error'), told.get('state'), told.get('iss'), told.get('code')],
          ['invalid_request', 'its state', house.url, null],
        )
      }
    },
  )

  await t.test('A2: plain is no method, nor is any other', async () => {
    for (const method of ['plain', 's256', 'S512', 'none']) {
      assert.equal(
        toldTo(await ask({ code_challenge_method: method })).get('error'),
        'invalid_request',
        method,
      )
    }
  })

  await t.test('A3: a challenge without its method is not taken for plain', async () => {
    for (const method of [null, '']) {
      assert.equal(toldTo(await ask({ code_challenge_method: method })).get('error'), 'invalid_request')
    }
  })

  await t.test('A4: a challenge has 43 characters of base64url', async () => {
    const bad = [
      'a'.repeat(42),
      'a'.repeat(129),
      `${'a'.repeat(42)}!`,
      `${'a'.repeat(42)}=`,
      `${'a'.repeat(42)} `,
    ]
    for (const challenge of bad) {
      assert.equal(
        toldTo(await ask({ code_challenge: challenge })).get('error'),
        'invalid_request',
        challenge,
      )
    }
  })

  await t.test('A5: a redirect URI is compared character by character', async () => {
    const almost = [
      'https://app.example.com/cb',
      'https://app.example.com/cb?tenant=2',
      'https://app.example.com/cb?tenant=1&x=1',
      'https://app.example.com/cb?tenant=1#',
      'https://app.example.com/cb?tenant=1#x',
      'https://app.example.com/cb/?tenant=1',
      'https://app.example.com/CB?tenant=1',
      'https://app.example.com/%63b?tenant=1',
      'https://app.example.com/x/../cb?tenant=1',
      'https://app.example.com:443/cb?tenant=1',
      'https://app.example.com:8443/cb?tenant=1',
      'https://APP.example.com/cb?tenant=1',
      'HTTPS://app.example.com/cb?tenant=1',
      'http://app.example.com/cb?tenant=1',
      'https://app.example.com.evil.example/cb?tenant=1',
      'https://evil.example/app.example.com/cb?tenant=1',
      'https://app.example.com@evil.example/cb?tenant=1',
      'https://user@app.example.com/cb?tenant=1',
      'https://app.example.com\\@evil.example/cb?tenant=1',
      ' https://app.example.com/cb?tenant=1',
      '//app.example.com/cb?tenant=1',
      'javascript:alert(1)',
    ]
    for (const uri of almost) await isOurPage(await ask({ redirect_uri: uri }, web), uri)
    isSignInAsked(await ask({ redirect_uri: webUri }, web), 'the one that is registered')
  })

  await t.test('A6: an app that is not known is answered by a page of ours', async () => {
    for (const id of ['app_unknown', `${app.clientId}x`, 'https', '../x', '', null]) {
      await isOurPage(await ask({ client_id: id }), String(id))
    }
  })

  await t.test(
    'A7: a redirect URI may be left out where there is one, and not where there are several',
    async () => {
      for (const uri of [null, '']) {
        await isOurPage(await ask({ redirect_uri: uri }, several), String(uri))
        isSignInAsked(await ask({ redirect_uri: uri }, web), String(uri))
      }
    },
  )

  await t.test('A8: a loopback address is good on any port, IPv6 too', async () => {
    for (const uri of [
      'http://127.0.0.1:51004/callback',
      'http://127.0.0.1/callback',
      'http://[::1]:51004/callback',
    ]) {
      isSignInAsked(await ask({ redirect_uri: uri }, several), uri)
    }
    const other = [
      'http://[::2]:51004/callback',
      'http://localhost:51004/callback',
      'com.example.app:51004/callback',
    ]
    for (const uri of other) await isOurPage(await ask({ redirect_uri: uri }, several), `A9 ${uri}`)
  })

  await t.test('A13: a parameter that is there twice is refused, and never told to a stranger', async () => {
    const evil = encodeURIComponent('https://evil.example/callback')
    for (const client of [app, several]) {
      const { url } = authorizationUrl(house.url, client.clientId, scope)
      for (const second of [`redirect_uri=${evil}`, `redirect_uri=${encodeURIComponent(redirectUri)}`]) {
        for (const twice of [`${url}&${second}`, url.replace('?', `?${second}&`)]) {
          const response = await open(twice)
          // Of an app that has one address, neither counts and that one is told.
          if (client === several) await isOurPage(response, twice)
          else assert.equal(toldTo(response, app.redirectUris[0]).get('error'), 'invalid_request')
        }
      }
      await isOurPage(await open(`${url}&client_id=${web.clientId}`), 'client_id')
    }
    const { url } = authorizationUrl(house.url, app.clientId, scope, { state: 'one' })
    const told = toldTo(await open(`${url}&state=two`))
    assert.equal(told.get('error'), 'invalid_request')
    for (const name of ['scope', 'code_challenge', 'response_type', 'prompt']) {
      assert.equal(toldTo(await open(`${url}&${name}=a&${name}=b`)).get('error'), 'invalid_request', name)
    }
  })

  await t.test('A14: an empty parameter is an omitted one, an unknown one is nothing', async () => {
    isSignInAsked(await ask({ prompt: '', max_age: '', nonce: '', resource: '', login_hint: '' }), 'empty')
    isSignInAsked(
      await ask({ unknown: 'x', constructor: 'x', __proto__x: 'y', utm_source: 'mail' }),
      'unknown',
    )
  })

  await t.test('A15: no response type but code, and no token in an address', async () => {
    for (const type of [
      'token',
      'id_token',
      'code token',
      'code id_token',
      'id_token token',
      'none',
      'CODE',
      null,
      '',
    ]) {
      const location = (await ask({ response_type: type })).headers.get('location') ?? ''
      assert.match(location, /[?&#]error=(unsupported_response_type|invalid_request)&/, String(type))
      assert.doesNotMatch(location, /access_token|id_token=|[?&#]code=/, String(type))
    }
  })

  await t.test('A16: no page of another origin may read the answer', async () => {
    const { url } = authorizationUrl(house.url, web.clientId, scope, { redirect_uri: webUri })
    for (const method of ['GET', 'OPTIONS']) {
      const headers = { Origin: 'https://app.example.com', 'Access-Control-Request-Method': 'GET' }
      const response = await open(url, { method, headers })
      assert.equal(response.headers.get('access-control-allow-origin'), null, method)
    }
  })

  await t.test('A18: the state comes back byte for byte, with a code and with an error', async () => {
    for (const state of ['a b+c%20d&e=f#g', 'é–漢字😀', '<script>"\'', '0', 'x'.repeat(2000), '{"a":[1]}']) {
      assert.equal(toldTo(await ask({ state, scope: 'openid' })).get('state'), state)
      const asked = authorizationUrl(house.url, app.clientId, scope, { state })
      const back = await allow(browser, asked, email)
      assert.equal(back.searchParams.get('state'), state)
      assert.ok(back.searchParams.get('code'))
    }
    assert.equal(toldTo(await ask({ state: null, scope: 'openid' })).has('state'), false)
  })

  await t.test(
    'A19: who answers is said with a code and with an error, in the words of the metadata',
    async () => {
      const metadata = await (await fetch(`${house.url}/.well-known/oauth-authorization-server`)).json()
      const { issuer, authorization_response_iss_parameter_supported: isSaid } = metadata as Record<
        string,
        unknown
      >
      assert.equal(isSaid, true)
      const back = await allow(browser, authorizationUrl(house.url, app.clientId, scope), email)
      assert.deepEqual(back.searchParams.getAll('iss'), [issuer])
      const denied = await browser.open(authorizationUrl(house.url, app.clientId, scope).url)
      const told = new URL((await browser.submit(denied, { decision: 'deny' })).url).searchParams
      assert.deepEqual([told.get('error'), told.get('iss')], ['access_denied', issuer])
      assert.deepEqual(toldTo(await ask({ scope: 'openid' })).getAll('iss'), [issuer])
    },
  )

  await t.test('A25: after a password or a decision no redirect repeats the request', async () => {
    const stranger = new PersonBrowser(house.url)
    const seen: number[] = []
    const request = stranger.request.bind(stranger)
    stranger.request = async (address, init) => {
      const response = await request(address, init)
      if (init?.method === 'POST') seen.push(response.status)
      return response
    }
    await obtainCode(house.url, app, email, scope, stranger)
    assert.equal(seen.length, 2, 'one for the password, one for the decision')
    for (const status of seen) assert.ok(status === 303 || status === 200, String(status))
  })

  await t.test(
    'A30: request objects are off, by value and by reference, and nothing is fetched',
    async () => {
      assert.equal(toldTo(await ask({ request: 'e30.e30.' })).get('error'), 'request_not_supported')
      const reference = { request_uri: 'https://app.example.com/request.jwt' }
      assert.equal(toldTo(await ask(reference)).get('error'), 'request_uri_not_supported')
    },
  )

  await t.test('A32: the one challenge method is in the metadata', async () => {
    const metadata = await (await fetch(`${house.url}/.well-known/oauth-authorization-server`)).json()
    assert.deepEqual((metadata as Record<string, unknown>)['code_challenge_methods_supported'], ['S256'])
  })

  await t.test('A33: a challenge is good for one code of its app, also when two come at once', async () => {
    // Of its own: the error log of the other is full by now.
    const app = await house.app(organization)
    const verifier = 'the-verifier-of-an-app-that-has-only-this-one'
    const change = { code_challenge: challengeOf(verifier) }
    const link = () => authorizationUrl(house.url, app.clientId, scope, change)
    const first = await allow(browser, link(), email)
    const code = first.searchParams.get('code') ?? ''
    const tokens = await readTokens(await exchange(house.url, app, { code, verifier }))

    const again = await allow(browser, link(), email)
    assert.equal(again.searchParams.get('error'), 'invalid_request')
    assert.equal(again.searchParams.get('code'), null)
    assert.equal((await house.api('/me', tokens.access_token)).status, 200, 'what was there before lives on')
    const grants = await house.database.knex('grants').where({ client_id: app.clientId })
    const codes = await house.database.knex('authorization_codes').where({ grant_id: grants.at(-1)?.id })
    assert.equal(codes.length, 1, 'no grant is left over')
    await house.settle()
    const noted = await house.database
      .knex('app_refusals')
      .where({ client_id: app.clientId, error: 'invalid_request' })
    assert.deepEqual(
      noted.map(({ reason }) => reason),
      ['code_challenge was used before'],
    )

    const another = await allow(browser, authorizationUrl(house.url, several.clientId, scope, change), email)
    assert.ok(another.searchParams.get('code'), 'of another app it is another')

    const twice = { code_challenge: challengeOf(`${verifier}-2`) }
    const two = await Promise.all(
      [1, 2].map(() => allow(browser, authorizationUrl(house.url, app.clientId, scope, twice), email)),
    )
    // One of them takes the place of the other, or is refused: whatever came about, one code opens something.
    const given = two.flatMap(({ searchParams }) => searchParams.get('code') ?? [])
    const answers = await Promise.all(
      given.map((it) => exchange(house.url, app, { code: it, verifier: `${verifier}-2` })),
    )
    assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  })

  await t.test(
    'A33: a link that was opened twice before its code was spent gives the second one',
    async () => {
      const app = await house.app(organization)
      const asked = authorizationUrl(house.url, app.clientId, scope)
      const codes = []
      for (let time = 0; time < 2; time += 1)
        codes.push((await allow(browser, asked, email)).searchParams.get('code') ?? '')
      const [first = '', second = ''] = codes
      assert.notEqual(second, '', 'a browser that looks ahead costs nobody a sign-in')
      assert.equal(
        await errorOf(await exchange(house.url, app, { ...asked, code: first })),
        '400 invalid_grant',
      )
      await readTokens(await exchange(house.url, app, { ...asked, code: second }))
      const grants = await house.database.knex('grants').where({ client_id: app.clientId })
      assert.equal(grants.length, 1, 'and nothing is left over of the first')
    },
  )

  await t.test(
    'U17, A6: whatever is asked, the answer is a page or an error of OAuth, and never a fault',
    async () => {
      const odd = ['\0', '%', 'x'.repeat(5000), '[]', 'ア', '\r\nX-Injected: 1', '\u202e']
      const names = [
        'client_id',
        'redirect_uri',
        'scope',
        'state',
        'resource',
        'prompt',
        'ui_locales',
        'max_age',
      ]
      for (const name of names) {
        for (const value of odd) {
          const response = await ask({ [name]: value })
          assert.ok([303, 400].includes(response.status), `${name}=${value.slice(0, 20)}: ${response.status}`)
          assert.equal(response.headers.get('x-injected'), null)
        }
      }
      assert.equal(
        await errorOf(await fetch(`${house.url}/oauth/token`, { method: 'POST' })),
        '400 invalid_request',
      )
    },
  )
})
