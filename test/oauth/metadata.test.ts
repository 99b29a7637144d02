// M1 to M6, T21, and requests that are meant to trip the server up.
import assert from 'node:assert/strict'
import { request } from 'node:http'
import { test } from 'node:test'
import { appScopes } from '../../src/core/profile.ts'
import { authorizationUrl, errorOf, obtainTokens, postToken, refresh } from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'

const scope = 'read:bookings'

const wellKnown = '/.well-known/oauth-authorization-server'

async function metadataOf(url: string, headers: Readonly<Record<string, string>> = {}) {
  const response = await fetch(`${url}${wellKnown}`, { headers })
  assert.equal(response.status, 200)
  return (await response.json()) as Record<string, unknown>
}

test('M1, M3, M4, M6: the metadata lists only what works, under the issuer that is configured', async (t) => {
  const house = await startHouse(t)
  const app = await house.app(await house.organization('Acme'))
  const response = await fetch(`${house.url}${wellKnown}`, {
    headers: { Origin: 'https://inspector.example' },
  })
  assert.match(response.headers.get('content-type') ?? '', /^application\/json/)
  assert.equal(response.headers.get('cache-control'), 'public, max-age=300')
  assert.equal(response.headers.get('access-control-allow-origin'), '*')
  const metadata = (await response.json()) as Record<string, unknown>
  assert.equal(metadata['issuer'], house.url)
  assert.deepEqual(metadata['code_challenge_methods_supported'], ['S256'], 'M3')
  assert.equal(metadata['authorization_response_iss_parameter_supported'], true, 'M4')
  assert.deepEqual(metadata['scopes_supported'], ['offline_access', ...appScopes(house.profile)])
  assert.deepEqual(metadata['response_modes_supported'], ['query'])
  assert.deepEqual(metadata['response_types_supported'], ['code'])
  assert.deepEqual(metadata['grant_types_supported'], ['authorization_code', 'refresh_token'])
  assert.deepEqual(metadata['token_endpoint_auth_methods_supported'], ['none'])
  assert.deepEqual(metadata['revocation_endpoint_auth_methods_supported'], ['none'])
  assert.deepEqual(metadata['introspection_endpoint_auth_methods_supported'], [
    'client_secret_basic',
    'client_secret_post',
  ])
  assert.doesNotMatch(
    JSON.stringify(metadata),
    /openid|claims|id_token|userinfo|end_session|fragment|form_post/,
  )
  // Each endpoint is there: it answers something else than that there is nothing.
  const endpoints = Object.entries(metadata).filter(([name]) => /_endpoint$|_uri$|_documentation$/.test(name))
  assert.ok(endpoints.length >= 6, JSON.stringify(endpoints))
  for (const [name, address] of endpoints) {
    assert.ok(String(address).startsWith(`${house.url}/`), name)
    const isRead = ['authorization_endpoint', 'jwks_uri', 'service_documentation'].includes(name)
    const answer = await fetch(String(address), { method: isRead ? 'GET' : 'POST', redirect: 'manual' })
    assert.notEqual(answer.status, 404, name)
  }
  for (const mode of ['form_post', 'fragment', 'web_message', 'jwt']) {
    const { url } = authorizationUrl(house.url, app.clientId, scope, { response_mode: mode })
    const response = await fetch(url, { redirect: 'manual', headers: { Accept: 'text/html' } })
    assert.equal(response.status, 400, mode)
    assert.match(await response.text(), /Nothing was shared/)
    assert.doesNotMatch(response.headers.get('content-security-policy') ?? '', /sha256/)
  }
  const { url } = authorizationUrl(house.url, app.clientId, scope, { response_mode: 'query' })
  assert.equal((await fetch(url, { redirect: 'manual' })).status, 303)
})

test('M1, M6: found by HEAD and from any page; there is no document of OpenID Connect', async (t) => {
  const house = await startHouse(t)
  const resource = '/.well-known/oauth-protected-resource/api/v1'
  for (const path of [wellKnown, resource, '/oauth/jwks']) {
    const head = await fetch(`${house.url}${path}`, { method: 'HEAD' })
    assert.equal(head.status, 200, path)
    assert.equal(await head.text(), '')
    const preflight = await fetch(`${house.url}${path}`, {
      method: 'OPTIONS',
      headers: {
        Origin: 'https://inspector.example',
        'Access-Control-Request-Method': 'GET',
        'Access-Control-Request-Headers': 'mcp-protocol-version',
      },
    })
    assert.equal(preflight.status, 204, path)
    assert.match(preflight.headers.get('access-control-allow-methods') ?? '', /GET/)
    assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /mcp-protocol-version/i)
    const asked = await fetch(`${house.url}${path}`, { headers: { Origin: 'https://inspector.example' } })
    assert.equal(asked.headers.get('access-control-allow-origin'), '*', path)
    assert.match(asked.headers.get('cache-control') ?? '', /^public, max-age=\d+$/)
    assert.equal(asked.headers.get('access-control-allow-credentials'), null)
  }
  for (const path of [
    '/.well-known/openid-configuration',
    '/.well-known/OpenID-Configuration/',
    '/.well-known/openid-configuration/api/v1',
    '/.well-known/oauth-protected-resource',
  ])
    assert.equal((await fetch(`${house.url}${path}`)).status, 404, path)
  const [key, ...more] = ((await (await fetch(`${house.url}/oauth/jwks`)).json()) as { keys: object[] }).keys
  assert.deepEqual(more, [])
  assert.deepEqual(Object.keys(key ?? {}).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'], 'no d')
})

test('M2: whatever a request says of the host, the document says the same, or there is none', async (t) => {
  const house = await startHouse(t)
  const said = JSON.stringify(await metadataOf(house.url))
  const evil = 'evil.example'
  for (const headers of [
    { 'X-Forwarded-Host': evil },
    { Forwarded: `host=${evil};proto=https` },
    { 'X-Forwarded-Proto': 'https' },
    { 'X-Forwarded-Port': '1' },
    { 'X-Original-Host': evil },
  ])
    assert.equal(JSON.stringify(await metadataOf(house.url, headers)), said, JSON.stringify(headers))
  for (const host of [evil, `acme.${evil}`, `${new URL(house.url).host}@${evil}`]) {
    for (const path of [wellKnown, '/.well-known/oauth-protected-resource/api/v1', '/oauth/jwks']) {
      const status = await new Promise<number | undefined>((resolve, reject) => {
        request(`${house.url}${path}`, { headers: { Host: host } }, (answer) => resolve(answer.statusCode))
          .on('error', reject)
          .end()
      })
      assert.equal(status, 421, `${host} ${path}`)
    }
  }
})

test('T21: the origin of an app may ask for tokens from a page, no other, and never `null`', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  const web = await house.app(organization, { redirectUris: ['https://spa.example.com/callback'] })
  const native = await house.app(organization, {
    redirectUris: ['com.example.app:/callback', 'http://127.0.0.1/callback'],
  })
  const allowed = async (clientId: string, origin: string) => {
    const response = await fetch(`${house.url}/oauth/token`, {
      method: 'POST',
      headers: { Origin: origin },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: 'x', client_id: clientId }),
    })
    assert.equal(response.headers.get('access-control-allow-credentials'), null)
    return response.headers.get('access-control-allow-origin')
  }
  assert.equal(await allowed(web.clientId, 'https://spa.example.com'), 'https://spa.example.com')
  assert.equal(await allowed(native.clientId, 'http://127.0.0.1:5173'), 'http://127.0.0.1:5173')
  for (const origin of [
    'https://evil.example',
    'https://spa.example.com.evil.example',
    'http://spa.example.com',
    'null',
  ]) {
    assert.equal(await allowed(web.clientId, origin), null, origin)
    assert.equal(await allowed(native.clientId, origin), null, origin)
  }
})

test('T16 to T18: what the token endpoint is not asked properly, it does not answer', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person('ann@acme.example', organization)
  const app = await house.app(organization)
  const tokens = await obtainTokens(house.url, app, 'ann@acme.example', scope)
  const parameters = {
    grant_type: 'refresh_token',
    refresh_token: tokens.refresh_token,
    client_id: app.clientId,
  }
  const endpoint = `${house.url}/oauth/token`
  assert.equal(
    await errorOf(await postToken(house.url, { ...parameters, client_id: 'app_unknown' })),
    '401 invalid_client',
  )
  assert.equal(
    await errorOf(await postToken(house.url, { ...parameters, client_id: '\0' })),
    '401 invalid_client',
  )
  assert.equal(
    (await fetch(`${endpoint}?${new URLSearchParams(parameters)}`, { method: 'POST' })).status,
    400,
  )
  assert.ok([404, 405].includes((await fetch(`${endpoint}?${new URLSearchParams(parameters)}`)).status))
  const json = {
    method: 'POST',
    body: JSON.stringify(parameters),
    headers: { 'Content-Type': 'application/json' },
  }
  assert.equal((await fetch(endpoint, json)).status, 400)
  const twice = new URLSearchParams(parameters)
  twice.append('refresh_token', 'another')
  assert.equal(await errorOf(await fetch(endpoint, { method: 'POST', body: twice })), '400 invalid_request')
  assert.ok((await postToken(house.url, { ...parameters, more: 'x'.repeat(60_000) })).status >= 400)
  assert.equal(
    (await refresh(house.url, app, tokens.refresh_token)).status,
    200,
    'none of it cost the token anything',
  )
})

test('a character that PostgreSQL can not keep is refused where it comes in', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  const app = await house.app(organization)
  const { secret } = await house.key(organization, 'test', [scope])
  assert.equal((await house.api('/bookings/%00', secret)).status, 404)
  assert.equal((await house.api('/bookings?cursor=YmtfAA', secret)).status, 422)
  for (const change of [{ state: 'a\0b' }, { login_hint: 'a\0b' }, { client_id: 'a\0b' }]) {
    const { url } = authorizationUrl(house.url, app.clientId, scope, change)
    assert.equal((await fetch(url, { redirect: 'manual' })).status, 400, JSON.stringify(change))
  }
})
