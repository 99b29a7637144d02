// docs/examples/mcp-server as its README says, driven by the MCP SDK's own client with nothing but the address.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { extractWWWAuthenticateParams, UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { obtainTokens, redirectUri } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'
import { McpHost } from '../support/mcp-host.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { freePort } from '../support/port.ts'
import { makeHome, runJson } from '../support/server-process.ts'

const email = 'ann@acme.example'

/** Registers the example with the command of its README, and starts it. */
async function startExample(t: TestContext, house: House): Promise<string> {
  const port = await freePort()
  const address = `http://localhost:${port}/mcp`
  const command = ['resource-server', 'create', '--name', 'Bookings', '--audience', address]
  const env = { DATABASE_URL: house.databaseUrl, PUBLIC_URL: house.url }
  const server = await runJson<{ client_id: string; client_secret: string }>(await makeHome(t), command, env)
  const child = spawn(process.execPath, ['docs/examples/mcp-server/server.mjs'], {
    env: {
      PATH: process.env['PATH'],
      LATCHKEY_URL: house.url,
      PORT: String(port),
      CLIENT_ID: server.client_id,
      CLIENT_SECRET: server.client_secret,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill())
  await once(child.stdout, 'data')
  return address
}

/** A connection as a host's program has it: without `fetch`'s help the SDK would try to refresh its way to a scope. */
function connect(address: string, host: McpHost) {
  const transport = new StreamableHTTPClientTransport(new URL(address), {
    authProvider: host,
    fetch: async (url, init) => {
      const response = await fetch(url, init)
      const { error, scope } = extractWWWAuthenticateParams(response)
      if (error === 'insufficient_scope') host.prepareFor(scope ?? '')
      return response
    },
  })
  const client = new Client({ name: 'desk-agent', version: '1.0.0' })
  // The SDK's own two types differ in what may be undefined.
  return { transport, open: () => client.connect(transport as Transport), client }
}

test('the example MCP server: its address alone, registration, consent, a tool, refresh, step-up', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const browser = new PersonBrowser(house.url)
  const address = await startExample(t, house)
  const host = new McpHost({ redirectUri })
  const add = { name: 'add_booking', arguments: { day: '2027-01-01' } }
  const list = { name: 'list_bookings' }

  const stranger = connect(address, host)
  await assert.rejects(stranger.open(), UnauthorizedError)
  const asked = host.asked.at(-1)?.searchParams
  assert.deepEqual([asked?.get('resource'), asked?.get('scope')], [address, 'read:bookings'])
  await stranger.transport.finishAuth(await host.bePersonOf(browser, email))

  const { client, open, transport } = connect(address, host)
  await open()
  t.after(() => client.close())
  const { tools } = await client.listTools()
  assert.deepEqual(tools.map(({ name }) => name).sort(), ['add_booking', 'list_bookings'])
  assert.deepEqual((await client.callTool(list)).content, [{ type: 'text', text: '[]' }])

  const before = host.tokens()?.access_token
  house.travel(house.profile.oauth.accessTokenSeconds + 1)
  assert.deepEqual((await client.callTool(list)).content, [{ type: 'text', text: '[]' }])
  assert.notEqual(host.tokens()?.access_token, before, 'the SDK has refreshed')

  await assert.rejects(client.callTool(add), UnauthorizedError)
  assert.equal(host.asked.at(-1)?.searchParams.get('scope'), 'read:bookings write:bookings')
  await transport.finishAuth(await host.bePersonOf(browser, email))
  await client.callTool(add)
  const booked = [{ type: 'text', text: '[{"day":"2027-01-01"}]' }]
  assert.deepEqual((await client.callTool(list)).content, booked)

  // P6, I4: a token is for the server that it was asked for, and no other.
  const { access_token: token } = host.tokens() ?? {}
  assert.equal((await house.api('/bookings', token ?? '')).status, 401)
  const other = await obtainTokens(house.url, await house.app(organization), email, 'read:bookings')
  const headers = { Authorization: `Bearer ${other.access_token}` }
  const refused = await fetch(address, { method: 'POST', headers, body: '{}' })
  assert.equal(refused.status, 401)
  assert.match(refused.headers.get('www-authenticate') ?? '', /error="invalid_token"/)
})
