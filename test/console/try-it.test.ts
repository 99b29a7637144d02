// "Try it": the whole flow against a callback of our own, which is good for nothing else.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { authorizationUrl, reachConsent } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'
import { type Page, PersonBrowser } from '../support/person-browser.ts'

const path = '/admin/settings/oauth-apps'

async function open(t: TestContext) {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person('ann@acme.example', organization)
  const app = await house.app(organization, { redirectUris: ['https://sync.example.com/callback'] })
  return { house, organization, app, admin: await signedIn(house, 'ann@acme.example') }
}

async function signedIn(house: House, email: string): Promise<PersonBrowser> {
  const browser = new PersonBrowser(house.url)
  await browser.signIn(await browser.open('/sign-in'), email)
  return browser
}

const textOf = (html: string) =>
  html.replaceAll('&amp;', '&').replaceAll('&#39;', "'").replaceAll('&quot;', '"').replaceAll('&lt;', '<')
const addressIn = ({ html }: Page) => /href="([^"]*\/oauth\/authorize[^"]*)"/.exec(html)?.[1] ?? ''
const beginTry = async (browser: PersonBrowser, clientId: string, query = '') =>
  textOf(addressIn(await browser.open(`${path}/${clientId}/try-it${query}`)))

/** Allows the app for the only account that there is; gives the page that the browser ends on. */
const allow = (browser: PersonBrowser, consent: Page, organization: string) =>
  browser.submit(consent, { organization, decision: 'allow' })

test('Try it', async (t) => {
  const { house, organization, app, admin } = await open(t)
  const { knex } = house.database
  const callback = `${house.url}${path}/try-it/callback`

  await t.test('runs every step, shows each as curl, and leaves nothing behind', async () => {
    const page = await admin.open(`${path}/${app.clientId}/try-it?scope=read%3Abookings`)
    const address = textOf(addressIn(page))
    const asked = new URL(address).searchParams
    assert.equal(asked.get('redirect_uri'), callback)
    assert.equal(asked.get('scope'), 'read:bookings')
    const end = await allow(admin, await admin.open(address), organization.id)
    assert.equal(new URL(end.url).pathname, `${path}/try-it/callback`)
    const text = textOf(end.html)
    assert.match(text, /<h1>It works<\/h1>/)
    for (const part of [
      `curl -X POST ${house.url}/oauth/token`,
      '-d grant_type=authorization_code',
      '-d grant_type=refresh_token',
      `curl -X POST ${house.url}/oauth/revoke`,
      `curl ${house.url}${house.profile.basePath}/me`,
      "-H 'Authorization: Bearer bz_oat_test_",
      '"token_type": "Bearer"',
      '"scope": "read:bookings"',
      'HTTP 401',
      `state=${asked.get('state')}`,
      `code_challenge=${asked.get('code_challenge')}`,
    ])
      assert.ok(text.includes(part), part)
    assert.equal([...text.matchAll(/HTTP 200/g)].length, 4)
    const verifier = /code_verifier=([\w-]{43})/.exec(text)?.[1] ?? ''
    assert.ok(verifier)
    assert.doesNotMatch(text, /bz_o[ar]t_(test_)?\w{20}/, 'no token is shown whole')
    assert.deepEqual(await knex('grants'), [])
    assert.deepEqual(await knex('credentials').where({ kind: 'access_token' }), [])
    assert.ok(!house.log().includes(verifier), 'K8: the verifier is in no log')
    assert.ok(!page.url.includes(verifier) && !end.url.includes(verifier) && !page.html.includes(verifier))

    const again = await admin.open(end.url)
    assert.match(again.html, /This try is over/)
    assert.ok(!again.html.includes(verifier))
  })

  await t.test('the person says no: the page shows what the app is told', async () => {
    const consent = await admin.open(await beginTry(admin, app.clientId))
    const end = await admin.submit(consent, { decision: 'deny' })
    assert.match(end.html, /The app was told no[\s\S]*error=access_denied/)
  })

  await t.test(
    'A5: without a try of that very app in the browser the callback is no redirect URI',
    async () => {
      const url = (clientId: string) =>
        authorizationUrl(house.url, clientId, 'read:bookings', { redirect_uri: callback }).url
      const refused = async (browser: PersonBrowser, clientId: string) => {
        const page = await browser.open(url(clientId))
        assert.equal(page.status, 400)
        assert.match(page.html, /redirect_uri/)
      }
      const stranger = new PersonBrowser(house.url)
      await refused(stranger, app.clientId)
      const second = await house.app(organization)
      await beginTry(admin, second.clientId)
      await refused(admin, app.clientId)
      await beginTry(admin, app.clientId)
      house.travel(31 * 60)
      await refused(admin, app.clientId)
      house.travel(-31 * 60)
    },
  )

  await t.test(
    'A7: an app with one redirect URI may still leave it out while a try is going on',
    async () => {
      await beginTry(admin, app.clientId)
      const { url } = authorizationUrl(house.url, app.clientId, 'read:bookings', { redirect_uri: null })
      const consent = await reachConsent(admin, { url, verifier: '', state: '' }, 'ann@acme.example')
      assert.match(consent.html, /sync\.example\.com/)
    },
  )

  await t.test('a callback with another state, or in another session, spends nothing', async () => {
    const state = new URL(await beginTry(admin, app.clientId)).searchParams.get('state') ?? ''
    const good = `${callback}?code=x&state=${state}`
    // The cookie of the try in a browser where the same person has signed in apart.
    const elsewhere = await signedIn(house, 'ann@acme.example')
    const cookie = `latchkey_session=${elsewhere.cookie('latchkey_session')}; latchkey_try=${admin.cookie('latchkey_try')}`
    const answer = await fetch(good, { headers: { Accept: 'text/html', Cookie: cookie } })
    assert.match(await answer.text(), /This try is over/)
    assert.match((await admin.open(`${callback}?code=x&state=another`)).html, /This try is over/)
    assert.match((await admin.open(good)).html, /This try is over/, 'whoever guesses ends it')
    const nobody = await new PersonBrowser(house.url).request(good)
    assert.equal(nobody.headers.get('location'), path, 'who is not signed in is sent away')
  })

  await t.test('HEAD uses nothing up', async () => {
    const address = await beginTry(admin, app.clientId)
    const consent = await admin.open(address)
    const state = new URL(address).searchParams.get('state')
    await admin.request(`${callback}?code=x&state=${state}`, { method: 'HEAD' })
    assert.match((await allow(admin, consent, organization.id)).html, /It works/)
  })

  await t.test('T22: an app whose tokens are bound to a key is tried with proofs of one', async () => {
    const bound = await house.app(organization, { requiresDpop: true })
    const consent = await admin.open(await beginTry(admin, bound.clientId))
    const text = textOf((await allow(admin, consent, organization.id)).html)
    assert.match(text, /<h1>It works<\/h1>/)
    assert.match(text, /"token_type": "DPoP"/)
    assert.match(text, /-H 'Authorization: DPoP bz_oat_test_/)
    assert.match(text, /-H 'DPoP: <a proof made for this request/)
  })

  await t.test('a cookie that somebody else has made is none', async () => {
    const browser = await signedIn(house, 'ann@acme.example')
    for (const value of ['x', Buffer.from('{}'.repeat(40)).toString('base64url'), ''])
      assert.match(
        await (
          await fetch(`${callback}?code=x&state=y`, {
            redirect: 'manual',
            headers: {
              Accept: 'text/html',
              Cookie: `latchkey_session=${browser.cookie('latchkey_session')}; latchkey_try=${value}`,
            },
          })
        ).text(),
        /This try is over/,
      )
  })
})
