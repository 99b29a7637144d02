// A10 to A12: which redirect URIs can be registered, and that those which can, work.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { redirectUriMistake } from '../../src/apps/redirect-uri.ts'
import { authorizationUrl } from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'

const good = [
  'https://app.example.com/callback',
  'https://app.example.com:8443/callback?tenant=1,2',
  'http://127.0.0.1/callback',
  'http://[::1]:8080/callback',
  'http://localhost/callback',
  'com.example.app:/callback',
  'com.example.app://callback',
]
const bad = [
  '',
  'callback',
  '/callback',
  'http://app.example.com/callback',
  'http://127.0.0.2/callback',
  'http://127.0.0.1.example.com/callback',
  'https://localhost/callback',
  'https://127.0.0.1/callback',
  'https://app.example.com/callback#fragment',
  'https://app.example.com/#',
  'https://*.example.com/callback',
  'https://user:password@app.example.com/callback',
  'https://user@app.example.com/callback',
  'https://@app.example.com/callback',
  'https://app.example.com/call back',
  `https://app.example.com/${'x'.repeat(2000)}`,
  'myapp:/callback',
  'javascript:alert(1)',
  'data:text/html,x',
  'intent://x#Intent',
  'file:///etc/passwd',
]

test('redirect URIs are taken or refused with a sentence', () => {
  for (const uri of good) assert.equal(redirectUriMistake(uri), null, uri)
  for (const uri of bad) assert.match(redirectUriMistake(uri) ?? '', /\.$/, uri)
})

test('whatever can be registered, works', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  for (const uri of good) {
    const app = await house.app(organization, { redirectUris: [uri] })
    const { url } = authorizationUrl(house.url, app.clientId, 'read:bookings', { redirect_uri: uri })
    assert.equal((await fetch(url, { redirect: 'manual' })).status, 303, uri)
  }
  for (const some of [
    { redirectUris: [] },
    { redirectUris: ['myapp:/x'] },
    { name: ' ' },
    { name: 'x'.repeat(101) },
  ]) {
    await assert.rejects(house.app(organization, some), { code: 'invalid_parameter' }, JSON.stringify(some))
  }
})
