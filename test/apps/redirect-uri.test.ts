// A10 to A12: which redirect URIs can be registered, and that those which can, work.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { redirectUriMistake } from '../../src/apps/redirect-uri.ts'
import { authorizationUrl } from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'
import { uriCases } from '../support/redirect-uris.ts'

test('redirect URIs are taken or refused with a sentence', () => {
  for (const { uri, isGood } of uriCases) {
    const mistake = redirectUriMistake(uri)
    if (isGood) assert.equal(mistake, null, uri)
    else assert.match(mistake ?? '', /\.$/, uri)
  }
})

test('whatever can be registered, works', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  for (const { uri } of uriCases.filter((it) => it.isGood)) {
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
