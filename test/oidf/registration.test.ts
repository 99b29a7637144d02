// The OpenID Foundation's modules about apps that register themselves, and about the server's keys, under their names.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import sharp from 'sharp'
import { authorizationUrl, errorOf, reachConsent, redirectUri } from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'
import { startOutside } from '../support/outside.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { metadata, postRegistration, registerApp } from '../support/registration.ts'
import { makeHome, runJson } from '../support/server-process.ts'

const scope = 'read:bookings'
const email = 'ann@acme.example'

test('OpenID Foundation: oidcc-registration, oidcc-server-rotate-keys', async (t) => {
  const outside = await startOutside(t)
  const house = await startHouse(t, { guardedFetch: outside.guardedFetch() })
  await house.person(email, await house.organization('Acme'))
  const browser = new PersonBrowser(house.url)
  /** The consent page of an app that said this of itself. */
  const consentOf = async (said: object) => {
    const { client_id: clientId } = await registerApp(house.url, { ...metadata, ...said })
    await house.settle()
    return (await reachConsent(browser, authorizationUrl(house.url, clientId, scope), email)).html
  }

  await t.test('oidcc-redirect-uri-regfrag: a redirect URI with a fragment is not registered', async () => {
    for (const uri of [`${redirectUri}#fragment`, `${redirectUri}#`]) {
      const answer = await postRegistration(house.url, { ...metadata, redirect_uris: [uri] })
      assert.equal(await errorOf(answer), '400 invalid_redirect_uri', uri)
    }
  })

  await t.test('oidcc-registration-logo-uri: D7 the logo is on the page, from our own address', async () => {
    const background = { r: 200, g: 30, b: 30 }
    const png = await sharp({ create: { width: 64, height: 64, channels: 3, background } })
      .png()
      .toBuffer()
    outside.answer = (_req, res) => void res.writeHead(200, { 'Content-Type': 'image/png' }).end(png)
    const html = await consentOf({ logo_uri: outside.at('/logo.png') })
    const [, address] = /<img src="(\/app-logos\/[0-9a-f]{64}\.png)"/.exec(html) ?? []
    assert.ok(address, 'a picture on the page')
    assert.ok(!html.includes(outside.at('/logo.png')), 'nobody is sent to the address of the app')
    const shown = await browser.request(address)
    assert.equal(shown.headers.get('content-type'), 'image/png')
  })

  await t.test('oidcc-registration-policy-uri: the privacy policy is linked on the page', async () => {
    const html = await consentOf({ policy_uri: 'https://app.example.com/privacy' })
    assert.match(html, /<a [^>]*href="https:\/\/app\.example\.com\/privacy" rel="noreferrer">/)
  })

  await t.test('oidcc-registration-tos-uri: the terms of use are linked on the page', async () => {
    const html = await consentOf({ tos_uri: 'https://app.example.com/terms' })
    assert.match(html, /<a [^>]*href="https:\/\/app\.example\.com\/terms" rel="noreferrer">/)
  })

  await t.test(
    'oidcc-registration-sector-bad: a sector identifier is not fetched, and changes nothing',
    async () => {
      const before = outside.connections()
      const answer = await postRegistration(house.url, {
        ...metadata,
        sector_identifier_uri: outside.at('/sector.json'),
      })
      // Pairwise subjects are not offered: the parameter is unknown here, and RFC 7591 section 2 has those passed over.
      if (answer.status === 201) {
        const said = (await answer.json()) as Record<string, unknown>
        assert.equal(said['sector_identifier_uri'], undefined)
      } else assert.equal(await errorOf(answer), '400 invalid_client_metadata')
      assert.equal(outside.connections(), before)
    },
  )

  await t.test('oidcc-server-rotate-keys: a new key is published beside the old one', async () => {
    const published = async () => {
      const { keys } = (await (await fetch(`${house.url}/oauth/jwks`)).json()) as { keys: { kid: string }[] }
      return keys.map(({ kid }) => kid)
    }
    const [old] = await published()
    const env = { DATABASE_URL: house.databaseUrl, PUBLIC_URL: house.url, COOKIE_KEYS: 'k'.repeat(40) }
    await runJson(await makeHome(t), ['signing-key', 'rotate', '--overlap', '1h'], env)
    // A server asks for the keys now and then.
    for (let tries = 0; (await published()).length < 2 && tries < 100; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    const now = await published()
    assert.equal(now.length, 2)
    assert.ok(now.includes(old ?? ''), 'what the old one signed can be checked')
  })
})
