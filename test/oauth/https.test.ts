// A31: with a public address, everything is https.
import assert from 'node:assert/strict'
import { type IncomingHttpHeaders, request } from 'node:http'
import { test } from 'node:test'
import { loadConfig } from '../../src/core/config.ts'
import { authorizationUrl } from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'

const publicUrl = 'https://api.example.com'

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

/** As the proxy that speaks https asks us. */
function ask(server: string, path: string): Promise<Answer> {
  const { port } = new URL(server)
  return new Promise((resolve, reject) => {
    const headers = { Host: 'api.example.com', 'X-Forwarded-Proto': 'https', Accept: 'text/html' }
    const asked = request({ host: '127.0.0.1', port, path, headers }, (res) => {
      let text = ''
      res.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      res.on('end', () => resolve({ status: res.statusCode ?? 0, headers: res.headers, text }))
    })
    asked.on('error', reject).end()
  })
}

test('A31: every endpoint is https, browsers are told to stay there, and cookies go nowhere else', async (t) => {
  const house = await startHouse(t, { env: { PUBLIC_URL: publicUrl, TRUST_PROXY: '1' } })
  const app = await house.app(await house.organization('Acme'))

  const metadata = await ask(house.url, '/.well-known/oauth-authorization-server')
  const resource = await ask(house.url, '/.well-known/oauth-protected-resource/api/v1')
  for (const { text } of [metadata, resource]) {
    const addresses = Object.entries(JSON.parse(text) as Record<string, unknown>)
      .filter(([name]) => /^(issuer|resource)$|_endpoint$|_uri$|_servers$/.test(name))
      .flatMap(([, value]) => [value].flat())
    assert.ok(addresses.length >= 2, text)
    for (const address of addresses) assert.ok(String(address).startsWith(publicUrl), String(address))
  }

  const { pathname, search } = new URL(authorizationUrl(house.url, app.clientId, 'read:bookings').url)
  const pages = [await ask(house.url, pathname + search), await ask(house.url, '/sign-in')]
  for (const { status, headers } of pages) {
    assert.ok([200, 303].includes(status), String(status))
    assert.match(headers['strict-transport-security'] ?? '', /^max-age=\d{7,}/)
    const location = headers.location ?? publicUrl
    assert.ok(location.startsWith('/') || location.startsWith(publicUrl), location)
    for (const cookie of headers['set-cookie'] ?? []) {
      assert.match(cookie, /^__(Host|Secure)-/)
      assert.match(cookie, /; secure/i)
      assert.match(cookie, /; httponly/i)
    }
  }
  assert.ok(
    pages.flatMap(({ headers }) => headers['set-cookie'] ?? []).length > 0,
    'there are cookies to look at',
  )

  assert.throws(() => loadConfig({ PUBLIC_URL: 'http://api.example.com' }), /PUBLIC_URL .*https/)
})
