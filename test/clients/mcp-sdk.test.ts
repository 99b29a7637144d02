// The MCP SDK's own client and our API: nothing but an address, and everything else is found.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auth, extractWWWAuthenticateParams } from '@modelcontextprotocol/sdk/client/auth.js'
import { redirectUri } from '../support/authorization.ts'
import { type House, type HouseOptions, startHouse } from '../support/house.ts'
import { McpHost } from '../support/mcp-host.ts'
import { json, startOutside } from '../support/outside.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const email = 'ann@acme.example'
const booking = {
  starts_at: '2027-01-01T10:00:00Z',
  ends_at: '2027-01-01T12:00:00Z',
  customer_id: `cu_${'1'.repeat(26)}`,
  total: { amount: 100, currency: 'EUR' },
}

/** Apps that register themselves work with test data, as the one of this test does. */
const inTest: NonNullable<HouseOptions['change']> = ({ oauth, ...profile }) => ({
  ...profile,
  oauth: {
    ...oauth,
    dynamicRegistration: { ...oauth.dynamicRegistration, mode: 'test' },
    clientMetadataDocuments: { enabled: true, mode: 'test' },
  },
})

/** Calls the API as the host's program does, and has the SDK see to what the answer says is missing. */
async function call(house: House, host: McpHost, body?: object): Promise<number | 'ask the person'> {
  const request = body
    ? { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }
    : {}
  const response = await house.api('/bookings', host.tokens()?.access_token ?? null, request)
  const { resourceMetadataUrl, scope, error } = extractWWWAuthenticateParams(response)
  if (response.status !== 401 && error !== 'insufficient_scope') return response.status
  assert.ok(resourceMetadataUrl, 'the challenge says where to go on')
  // With what it has already, or it would lose that with the next grant.
  const wanted = [...new Set([...host.scopes(), ...(scope ?? 'read:bookings').split(' ')])].join(' ')
  if (error === 'insufficient_scope') host.prepareFor(wanted)
  const serverUrl = house.url + house.profile.basePath
  const result = await auth(host, { serverUrl, resourceMetadataUrl, scope: wanted })
  return result === 'REDIRECT' ? 'ask the person' : call(house, host, body)
}

async function finish(house: House, host: McpHost, browser: PersonBrowser): Promise<void> {
  const authorizationCode = await host.bePersonOf(browser, email)
  const serverUrl = house.url + house.profile.basePath
  assert.equal(await auth(host, { serverUrl, authorizationCode }), 'AUTHORIZED')
}

test("the MCP SDK's client finds everything from the API's address: consent, token, call, refresh, step-up", async (t) => {
  const outside = await startOutside(t)
  const house = await startHouse(t, { change: inTest, guardedFetch: outside.guardedFetch() })
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const browser = new PersonBrowser(house.url)
  const { clientId } = await house.app(organization)
  const ways: readonly [string, McpHost][] = [
    ['an app that was registered beforehand', new McpHost({ redirectUri, clientId })],
    ['dynamic registration', new McpHost({ redirectUri })],
    ['a metadata document', new McpHost({ redirectUri, clientMetadataUrl: outside.at('/agent.json') })],
  ]
  outside.answer = (_req, res) => {
    const host = new McpHost({ redirectUri })
    json(res, { client_id: outside.at('/agent.json'), ...host.clientMetadata })
  }

  for (const [name, host] of ways) {
    await t.test(name, async () => {
      assert.equal(await call(house, host), 'ask the person')
      const first = host.asked.at(-1)?.searchParams
      assert.equal(first?.get('resource'), house.url + house.profile.basePath)
      assert.equal(first?.get('scope'), 'read:bookings')
      await finish(house, host, browser)
      assert.equal(await call(house, host), 200)

      const { access_token: before } = host.tokens() ?? {}
      house.travel(house.profile.oauth.accessTokenSeconds + 1)
      assert.equal(await call(house, host), 200, 'the SDK has refreshed')
      assert.notEqual(host.tokens()?.access_token, before)
      assert.equal(host.asked.length, 1)

      assert.equal(await call(house, host, booking), 'ask the person')
      const second = host.asked.at(-1)?.searchParams
      assert.deepEqual(second?.get('scope')?.split(' ').sort(), ['read:bookings', 'write:bookings'])
      await finish(house, host, browser)
      assert.equal(await call(house, host, booking), 201)
      assert.equal(await call(house, host), 200)
    })
  }
})
