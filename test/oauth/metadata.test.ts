// M3 to M6, T21, and requests that are meant to trip the server up.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { appScopes } from '../../src/core/profile.ts'
import { authorizationUrl, errorOf, obtainTokens, postToken, refresh } from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'

const scope = 'read:bookings'

test('M6: the metadata lists only what works', async (t) => {
  const house = await startHouse(t)
  const app = await house.app(await house.organization('Acme'))
  const metadata = (await (
    await fetch(`${house.url}/.well-known/oauth-authorization-server`)
  ).json()) as Record<string, unknown>
  assert.deepEqual(metadata['scopes_supported'], ['offline_access', ...appScopes(house.profile)])
  assert.deepEqual(metadata['response_modes_supported'], ['query'])
  assert.deepEqual(metadata['response_types_supported'], ['code'])
  assert.deepEqual(metadata['grant_types_supported'], ['authorization_code', 'refresh_token'])
  assert.doesNotMatch(JSON.stringify(metadata), /openid|claims|id_token|userinfo|introspect/)
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
