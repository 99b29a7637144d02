// Tokens that are bound to a key of the app's own (RFC 9449): T22, by a library's client and by hand.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import * as oauth from 'oauth4webapi'
import type { NewApp } from '../../src/apps/register-app.ts'
import { sha256 } from '../../src/lib/digest.ts'
import {
  errorOf,
  exchange,
  obtainCode,
  readTokens,
  redirectUri,
  refresh as refreshAt,
  type Tokens,
} from '../support/authorization.ts'
import { queryDatabase } from '../support/database.ts'
import { type House, startHouse } from '../support/house.ts'
import { claimsOf, introspect, resourceServer } from '../support/introspection.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { type ClientKey, makeKey, type Signing, signProof } from '../support/proof.ts'

const scope = 'read:bookings'
const email = 'ann@acme.example'

async function open(t: Parameters<typeof startHouse>[0], some: Partial<NewApp> = {}) {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const app = await house.app(organization, { requiresDpop: true, ...some })
  const browser = new PersonBrowser(house.url)
  const tokenUrl = `${house.url}/oauth/token`
  /** The header with a proof for the token endpoint. */
  const proof = async (key: ClientKey, signing: Partial<Signing> = {}) => ({
    DPoP: await signProof(key, { url: tokenUrl, ...signing }),
  })
  return {
    house,
    app,
    organization,
    proof,
    code: (change: Record<string, string> = {}) => obtainCode(house.url, app, email, scope, browser, change),
    authorize: async (key: ClientKey | null) =>
      readTokens(
        await exchange(
          house.url,
          app,
          await obtainCode(house.url, app, email, scope, browser),
          key ? await proof(key) : {},
        ),
      ),
    refresh: (tokens: Tokens, headers: Record<string, string> = {}) =>
      refreshAt(house.url, app, tokens.refresh_token, {}, headers),
  }
}

/** How many statements wait for a lock. */
async function waitingIn({ databaseUrl }: House): Promise<number> {
  const sql = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  return (await queryDatabase(databaseUrl, sql)).length
}

/** A call with a bound token and its proof. */
async function call(house: House, { access_token: token }: Tokens, key: ClientKey, path = '/me') {
  const url = `${house.url}/api/v1${path}`
  return send(url, token, await signProof(key, { method: 'GET', url, accessToken: token }))
}
const send = (url: string, token: string, proof: string) =>
  fetch(url, { headers: { Authorization: `DPoP ${token}`, DPoP: proof } })

test('T22: oauth4webapi with DPoP: code exchange, API call, refresh, API call', async (t) => {
  const { house, app, code } = await open(t)
  const issuer = new URL(house.url)
  const insecure = { [oauth.allowInsecureRequests]: true }
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure }),
  )
  assert.deepEqual(server.dpop_signing_alg_values_supported, ['ES256', 'Ed25519', 'EdDSA'])
  const client: oauth.Client = { client_id: app.clientId, dpop_bound_access_tokens: true }
  for (const algorithm of ['ES256', 'Ed25519'] as const) {
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair(algorithm))
    const options = { ...insecure, DPoP }
    const given = await code()
    const answer = new URL(`${redirectUri}?code=${given.code}&iss=${encodeURIComponent(house.url)}`)
    const parameters = oauth.validateAuthResponse(server, client, answer, oauth.expectNoState)
    const none = oauth.None()
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      none,
      parameters,
      redirectUri,
      given.verifier,
      options,
    )
    const first = await oauth.processAuthorizationCodeResponse(server, client, response)
    assert.equal(first.token_type, 'dpop')
    const me = async (token: string) => {
      const url = new URL('/api/v1/me', house.url)
      const answered = await oauth.protectedResourceRequest(token, 'GET', url, undefined, null, options)
      return ((await answered.json()) as { kind: string }).kind
    }
    assert.equal(await me(first.access_token), 'access_token')
    const rotated = await oauth.processRefreshTokenResponse(
      server,
      client,
      await oauth.refreshTokenGrantRequest(server, client, none, first.refresh_token ?? '', options),
    )
    assert.equal(rotated.token_type, 'dpop')
    assert.equal(await me(rotated.access_token), 'access_token')
    assert.equal(await me(first.access_token), 'access_token')
  }
})

test('T22: an app with the option gets no token without a good proof, and nothing is spent', async (t) => {
  const { house, app, proof, code, refresh } = await open(t)
  const [key, other] = [await makeKey(), await makeKey()]
  const once = await code()
  assert.equal(await errorOf(await exchange(house.url, app, once)), '400 invalid_grant')
  assert.equal(
    await errorOf(await exchange(house.url, app, once, await proof(key, { url: house.url }))),
    '400 invalid_dpop_proof',
  )
  const exchanged = await proof(key)
  const tokens = await readTokens(await exchange(house.url, app, once, exchanged))
  assert.equal(tokens.token_type, 'DPoP')

  assert.equal(await errorOf(await refresh(tokens)), '400 invalid_grant')
  assert.equal(
    await errorOf(await exchange(house.url, app, await code(), exchanged)),
    '400 invalid_dpop_proof',
  )
  assert.equal(await errorOf(await refresh(tokens, exchanged)), '400 invalid_dpop_proof', 'the proof is used')
  assert.equal(await errorOf(await refresh(tokens, await proof(other))), '400 invalid_grant')
  const used = await proof(key)
  const first = await refresh(tokens, used)
  const text = await first.text()
  assert.equal(first.status, 200)
  assert.equal(JSON.parse(text).token_type, 'DPoP')

  // The same answer again is for the holder of the key alone, by another proof.
  assert.equal(await errorOf(await refresh(tokens, used)), '400 invalid_dpop_proof', 'the proof is used')
  assert.equal(await errorOf(await refresh(tokens)), '400 invalid_grant')
  assert.equal(await errorOf(await refresh(tokens, await proof(other))), '400 invalid_grant')
  assert.equal(await (await refresh(tokens, await proof(key))).text(), text)

  // After the window too: a retired token without its key is no reuse, and ends nothing.
  await house.database.knex.raw(`update refresh_tokens set retired_at = retired_at - interval '1 hour'`)
  assert.equal(await errorOf(await refresh(tokens, await proof(other))), '400 invalid_grant')
  assert.equal((await call(house, JSON.parse(text), key)).status, 200)
  assert.equal(await errorOf(await refresh(tokens, await proof(key))), '400 invalid_grant')
  assert.equal((await call(house, JSON.parse(text), key)).status, 401)
})

test('T22: at the token endpoint a proof is for one request, at one time, by one key', async (t) => {
  const { house, authorize, refresh, proof } = await open(t)
  const key = await makeKey()
  const tokens = await authorize(key)
  const now = Math.floor(Date.now() / 1000)
  const bad: Readonly<Record<string, Partial<Signing>>> = {
    'another method': { method: 'GET' },
    'another address': { url: `${house.url}/oauth/revoke` },
    'another host': { url: 'https://evil.example/oauth/token' },
    'no address': { claims: { htu: undefined } },
    'an address that is none': { claims: { htu: 7 } },
    'signed long ago': { claims: { iat: now - 310 } },
    'dated far ahead': { claims: { iat: now + 310 } },
    'without a time': { claims: { iat: undefined } },
    'without an id': { claims: { jti: undefined } },
    'an id without end': { claims: { jti: 'x'.repeat(257) } },
    'a nonce that nobody gave': { claims: { nonce: 'n' } },
    'another type': { header: { typ: 'jwt' } },
    'the private key in it': { header: { jwk: key.privateJwk } },
    'a symmetric key in it': { header: { jwk: { kty: 'oct', k: 'c2VjcmV0' } } },
    'no key in it': { header: { jwk: undefined } },
    'the key of somebody else in it': { header: { jwk: (await makeKey()).publicJwk } },
  }
  for (const [name, signing] of Object.entries(bad)) {
    const answer = await refresh(tokens, await proof(key, signing))
    assert.equal(await errorOf(answer), '400 invalid_dpop_proof', name)
  }
  const good = (await proof(key)).DPoP
  const [head = '', body = '', signature = ''] = good.split('.')
  const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'dpop+jwt', jwk: key.publicJwk })).toString(
    'base64url',
  )
  const texts = [
    'x',
    'a.b.c',
    `${head}.${body}.`,
    `${none}.${body}.`,
    `${head}.${body}.${signature}, ${good}`,
  ]
  for (const text of texts)
    assert.equal(await errorOf(await refresh(tokens, { DPoP: text })), '400 invalid_dpop_proof', text)
  assert.equal((await refresh(tokens, { DPoP: good })).status, 200, 'none of it cost anything')
})

test('T22: at the API a bound token needs a proof for itself, once', async (t) => {
  const { house, authorize, organization } = await open(t)
  const [key, other] = [await makeKey(), await makeKey()]
  const startedAt = Date.now() - 1000 // the engine counts in whole seconds
  const { access_token: token } = await authorize(key)
  const { access_token: another } = await authorize(key)
  const url = `${house.url}/api/v1/me`
  const sign = (signing: Partial<Signing> = {}, by = key) =>
    signProof(by, { method: 'GET', url, accessToken: token, ...signing })
  const challengeOf = async (response: Response) => {
    assert.equal(response.status, 401, await response.clone().text())
    return response.headers.get('www-authenticate') ?? ''
  }

  const asBearer = await challengeOf(await house.api('/me', token))
  assert.match(asBearer, /^DPoP error="invalid_token", resource_metadata=".*", algs="ES256 Ed25519 EdDSA"$/)
  assert.equal((await house.api('/me', token)).headers.get('x-boothzen-scope'), null)

  const bad = {
    'no proof': await fetch(url, { headers: { Authorization: `DPoP ${token}` } }),
    'another key': await send(url, token, await sign({}, other)),
    'another method': await send(url, token, await sign({ method: 'POST' })),
    'another path': await send(url, token, await sign({ url: `${url}/x` })),
    'another token': await send(url, token, await sign({ accessToken: another })),
    'no token': await send(url, token, await sign({ claims: { ath: undefined } })),
    'signed long ago': await send(url, token, await sign({ claims: { iat: 1_700_000_000 } })),
    garbage: await send(url, token, 'garbage'),
  }
  for (const [name, response] of Object.entries(bad))
    assert.match(await challengeOf(response), /^DPoP error="invalid_dpop_proof", .*algs=/, name)

  const proof = await sign()
  assert.equal((await send(`${url}?with=query`, token, proof)).status, 200)
  const replayed = await send(url, token, proof)
  assert.match(await challengeOf(replayed), /invalid_dpop_proof/)
  assert.match(await replayed.text(), /used before/)
  const storm = await sign()
  const answers = await Promise.all(Array.from({ length: 20 }, () => send(url, token, storm)))
  assert.equal(answers.filter(({ status }) => status === 200).length, 1, 'once, however many at once')
  const ahead = await sign({ claims: { iat: Math.floor(Date.now() / 1000) + 290 } })
  assert.equal((await send(url, token, ahead)).status, 200)
  house.travel(400)
  assert.equal((await send(url, token, ahead)).status, 401)
  const first = await house.database.knex('dpop_proofs').orderBy('expires_at').first()
  assert.ok(
    first.expires_at.getTime() >= startedAt + 600_000,
    'each is remembered for as long as it could be good',
  )

  const unknown = await send(url, token.slice(0, -1), await sign())
  assert.match(await challengeOf(unknown), /^DPoP error="invalid_token"/)
  // What is bound to no key is no such token.
  const { secret } = await house.key(organization, 'test', [scope])
  const withKey = await send(url, secret, await sign({ accessToken: secret }))
  assert.match(await challengeOf(withKey), /^Bearer error="invalid_token"/)
  // Another resource server learns whose proof to ask for (section 6.2).
  const claims = await claimsOf(await introspect(house, await resourceServer(house), { token }))
  assert.deepEqual([claims['token_type'], claims['cnf']], ['DPoP', { jkt: key.thumbprint }])
})

test('an app without the option gets what it asks for, and a bearer costs no more than before', async (t) => {
  const { house, app, authorize, proof, refresh } = await open(t, { requiresDpop: false })
  const [key, other] = [await makeKey(), await makeKey()]
  const bearer = await authorize(null)
  assert.equal(bearer.token_type, 'Bearer')
  let queries = 0
  const { run, lookUp } = house.database
  // The two seams through which the hot path asks the database.
  Object.assign(house.database, {
    run: (...args: Parameters<typeof run>) => {
      queries += 1
      return run(...args)
    },
    lookUp: (...args: Parameters<typeof lookUp>) => {
      queries += 1
      return lookUp(...args)
    },
  })
  assert.equal((await house.api('/me', bearer.access_token)).status, 200)
  assert.equal(queries, 1)
  queries = 0
  const second = await readTokens(await refresh(bearer))
  assert.equal(queries, 2)

  // It may begin to prove possession at any refresh, and is held to it from then on.
  const bound = await readTokens(await refresh(second, await proof(key)))
  assert.equal(bound.token_type, 'DPoP')
  assert.equal((await call(house, bound, key)).status, 200)
  assert.equal(await errorOf(await refresh(bound)), '400 invalid_grant')
  assert.equal(await errorOf(await refresh(second)), '400 invalid_grant', 'in the grace window as well')
  assert.equal((await refresh(bound, await proof(key))).status, 200)

  // Two keys at once, at two nodes (one node has the second wait for the first), both under way before either can go on:
  // one of them wins, and neither waits for ever.
  const contended = await authorize(null)
  const elsewhere = await startHouse(t, { databaseUrl: house.databaseUrl })
  const asked = [house, elsewhere].map(async ({ url }, at) => {
    const header = { DPoP: await signProof(at === 0 ? key : other, { url: `${url}/oauth/token` }) }
    return () => refreshAt(url, app, contended.refresh_token, {}, header)
  })
  const askers = await Promise.all(asked)
  const { racing } = await house.database.knex.transaction(async (tx) => {
    await tx('refresh_tokens')
      .where({ hash: sha256(contended.refresh_token) })
      .forUpdate()
    const racing = askers.map((ask) => ask())
    while ((await waitingIn(house)) < 2) await sleep(5)
    return { racing }
  })
  const [won, ...others] = (await Promise.all(racing)).sort((left, right) => left.status - right.status)
  assert.equal((await readTokens(won as Response)).token_type, 'DPoP') // two were sent
  for (const lost of others) assert.equal(await errorOf(lost), '400 invalid_grant')

  // From now on the app needs it: what is not bound yet becomes bound, or is not refreshed.
  const unbound = await authorize(null)
  await house.database.knex('oauth_apps').where({ client_id: app.clientId }).update({ requires_dpop: true })
  assert.equal(await errorOf(await refresh(unbound)), '400 invalid_grant')
  assert.equal((await refresh(unbound, await proof(key))).status, 200)
})

test('T10: a stolen token does not become safe from reuse by binding its family to a key of the thief', async (t) => {
  const { house, authorize, proof, refresh } = await open(t, { requiresDpop: false })
  const [key, thief] = [await makeKey(), await makeKey()]
  for (const owner of [null, key]) {
    const stolen = await authorize(null)
    const taken = await readTokens(await refresh(stolen, await proof(thief)))
    await house.database.knex.raw(`update refresh_tokens set retired_at = retired_at - interval '1 hour'`)
    assert.equal((await call(house, taken, thief)).status, 200)
    assert.equal(await errorOf(await refresh(stolen, owner ? await proof(owner) : {})), '400 invalid_grant')
    assert.equal((await call(house, taken, thief)).status, 401)
    assert.equal(await errorOf(await refresh(taken, await proof(thief))), '400 invalid_grant')
  }
})

test('a code that was asked for with dpop_jkt is for that key alone', async (t) => {
  const { house, app, proof, code } = await open(t, { requiresDpop: false })
  const [key, other] = [await makeKey(), await makeKey()]
  const once = await code({ dpop_jkt: key.thumbprint })
  assert.equal(await errorOf(await exchange(house.url, app, once)), '400 invalid_grant')
  assert.equal(await errorOf(await exchange(house.url, app, once, await proof(other))), '400 invalid_grant')
  const tokens = await readTokens(await exchange(house.url, app, once, await proof(key)))
  assert.equal(tokens.token_type, 'DPoP')
})
