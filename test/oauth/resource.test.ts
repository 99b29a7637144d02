// Resource indicators (RFC 8707): what a token is for, and that it is good for nothing else.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { byServer } from '../../src/core/attribution.ts'
import { removeResourceServer } from '../../src/oauth/register-resource-server.ts'
import { isSafeResource, normalizeResource } from '../../src/oauth/resource-uri.ts'
import {
  authorizationUrl,
  errorOf,
  postToken,
  reachConsent,
  readTokens,
  redirectUri,
  refresh,
} from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'
import { assertInactive, claimsOf, introspect, resourceServer } from '../support/introspection.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const email = 'ann@acme.example'
const scope = 'read:bookings read:customers'
const reports = 'https://reports.example.com'

async function open(t: TestContext) {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const app = await house.app(organization)
  // An app that nobody verified is told of its mistakes on a page of ours (A24).
  await house.database.knex('oauth_apps').update({ verified_at: house.now() })
  return { house, app }
}

/** The code that comes of an authorization for a resource, and how to exchange it. */
async function authorize(
  house: House,
  clientId: string,
  resource: string | null,
  browser = new PersonBrowser(house.url),
) {
  const asked = authorizationUrl(house.url, clientId, scope, { resource })
  const consent = await reachConsent(browser, asked, email)
  const organization = /name="organization" id="[^"]+" value="([^"]+)"(?! disabled)/.exec(consent.html)?.[1]
  const page = await browser.submit(consent, { organization: organization ?? '', decision: 'allow' })
  const code = new URL(page.url).searchParams.get('code') ?? ''
  const exchangeFor = (named: string | null) =>
    postToken(house.url, {
      grant_type: 'authorization_code',
      client_id: clientId,
      code,
      code_verifier: asked.verifier,
      redirect_uri: redirectUri,
      ...(named === null ? {} : { resource: named }),
    })
  return { consent: consent.html, exchangeFor }
}

test('A29: a resource has one name, whoever writes it', () => {
  for (const [written, normalized] of [
    ['https://mcp.example.com', 'https://mcp.example.com'],
    ['https://mcp.example.com/', 'https://mcp.example.com'],
    ['HTTPS://MCP.Example.com:443/', 'https://mcp.example.com'],
    ['https://mcp.example.com/mcp', 'https://mcp.example.com/mcp'],
    ['https://mcp.example.com/mcp/', 'https://mcp.example.com/mcp/'],
    ['https://mcp.example.com/MCP', 'https://mcp.example.com/MCP'],
    ['https://mcp.example.com/?tenant=a', 'https://mcp.example.com/?tenant=a'],
    ['http://localhost:4000/', 'http://localhost:4000'],
    ['https://mcp.example.com/#part', null],
    ['https://mcp.example.com/#', null],
    ['https://ann@mcp.example.com', null],
    ['ftp://mcp.example.com', null],
    ['https:mcp.example.com', null],
    ['/api/v1', null],
    ['urn:example:api', null],
    ['https://', null],
    ['', null],
  ] as const) {
    assert.equal(normalizeResource(written), normalized, written)
    if (normalized) assert.equal(normalizeResource(normalized), normalized, 'and is left as it is')
  }
  assert.equal(isSafeResource('http://localhost:4000'), true)
  assert.equal(isSafeResource('http://mcp.example.com'), false)
})

test('A29: what names no resource of ours is refused, back at the app', async (t) => {
  const { house, app } = await open(t)
  await resourceServer(house, reports)
  const api = `${house.url}/api/v1`
  const ask = async (...resources: readonly string[]) => {
    const url = new URL(authorizationUrl(house.url, app.clientId, scope).url)
    for (const resource of resources) url.searchParams.append('resource', resource)
    const response = await fetch(url, { redirect: 'manual' })
    assert.equal(response.status, 303, resources.join(' '))
    return new URL(response.headers.get('location') ?? '', house.url)
  }
  for (const bad of [
    'https://else.example.com',
    `${reports}/more`,
    `${api}/`,
    `${api}#part`,
    '/api/v1',
    'urn:api',
    'not a uri',
    'x'.repeat(5000),
  ]) {
    const back = await ask(bad)
    assert.equal(back.searchParams.get('error'), 'invalid_target', bad.slice(0, 50))
    assert.ok(back.href.startsWith(redirectUri))
  }
  for (const bad of ['http://mcp.example.com', 'mcp.example.com', 'https://mcp.example.com/#x', '\0', '']) {
    await assert.rejects(resourceServer(house, bad), /invalid_parameter/, bad)
  }
  assert.equal((await ask(api, reports)).searchParams.get('error'), 'invalid_target', 'one at a time')
  assert.equal((await ask(api, api)).searchParams.get('error'), 'invalid_target')
  for (const good of [api, api.replace('http', 'HTTP'), reports, `${reports}/`, '']) {
    assert.match((await ask(good)).pathname, /^\/interaction\//, good)
  }
})

test('A29, P6: a token is for the resource that was asked for, and for no other', async (t) => {
  const { house, app } = await open(t)
  const server = await resourceServer(house, reports)
  const own = await resourceServer(house)
  const { exchangeFor } = await authorize(house, app.clientId, `${reports}/`)
  const tokens = await readTokens(await exchangeFor(`${reports}/`))
  const claims = await claimsOf(await introspect(house, server, { token: tokens.access_token }))
  assert.equal(claims['aud'], reports)
  assert.equal(claims['scope'], scope)
  await assertInactive(await introspect(house, own, { token: tokens.access_token }), 'for the API')
  const refused = await house.api('/bookings', tokens.access_token)
  assert.equal(refused.status, 401)
  assert.match(refused.headers.get('www-authenticate') ?? '', /error="invalid_token"/)

  const next = await readTokens(await refresh(house.url, app, tokens.refresh_token, { resource: reports }))
  assert.equal(
    (await claimsOf(await introspect(house, server, { token: next.access_token })))['aud'],
    reports,
  )
  assert.equal((await house.api('/bookings', next.access_token)).status, 401)

  const forApi = await readTokens(await (await authorize(house, app.clientId, null)).exchangeFor(null))
  assert.equal((await house.api('/bookings', forApi.access_token)).status, 200, 'none is the API')
  await assertInactive(await introspect(house, server, { token: forApi.access_token }), 'for the reports')
})

test('A29: nothing is granted for a resource but what it has', async (t) => {
  const { house, app } = await open(t)
  const server = await resourceServer(house, reports, ['read:bookings'])
  const { consent, exchangeFor } = await authorize(house, app.clientId, reports)
  assert.match(consent, /bookings/i)
  const tokens = await readTokens(await exchangeFor(null))
  assert.equal(tokens.scope, 'read:bookings')
  const [grant] = await house.database.knex('grants')
  assert.deepEqual([grant.scopes, grant.resource], [['read:bookings'], reports])
  const next = await readTokens(await refresh(house.url, app, tokens.refresh_token))
  assert.equal(next.scope, 'read:bookings')

  // Deleted: what was allowed stays, and nothing new is.
  const waiting = await authorize(house, app.clientId, reports)
  await removeResourceServer(house.database.knex, server.id as `rs_${string}`, byServer)
  assert.equal(await errorOf(await waiting.exchangeFor(null)), '400 invalid_target')
  const response = await fetch(authorizationUrl(house.url, app.clientId, scope, { resource: reports }).url, {
    redirect: 'manual',
  })
  assert.match(response.headers.get('location') ?? '', /error=invalid_target/)
})

test('T14: a foreign resource at the token endpoint is refused and costs nothing', async (t) => {
  const { house, app } = await open(t)
  await resourceServer(house, reports)
  const api = `${house.url}/api/v1`
  const foreign = ['https://else.example.com', reports, `${api}/`, '/api/v1', 'x y', `${api}#part`]
  const { exchangeFor } = await authorize(house, app.clientId, api)
  for (const resource of foreign) {
    assert.equal(await errorOf(await exchangeFor(resource)), '400 invalid_target', `code, ${resource}`)
  }
  let tokens = await readTokens(await exchangeFor(api.replace('http:', 'HTTP:')))
  for (const resource of foreign) {
    const response = await refresh(house.url, app, tokens.refresh_token, { resource })
    assert.equal(await errorOf(response), '400 invalid_target', `refresh, ${resource}`)
  }
  tokens = await readTokens(await refresh(house.url, app, tokens.refresh_token, { resource: api }))
  assert.equal((await house.api('/bookings', tokens.access_token)).status, 200)
  const two = new URLSearchParams({
    grant_type: 'refresh_token',
    client_id: app.clientId,
    refresh_token: tokens.refresh_token,
    resource: api,
  })
  two.append('resource', reports)
  const answer = await fetch(`${house.url}/oauth/token`, { method: 'POST', body: two })
  assert.equal(await errorOf(answer), '400 invalid_target')
  await readTokens(await refresh(house.url, app, tokens.refresh_token))
})
