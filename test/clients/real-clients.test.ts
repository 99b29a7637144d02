// The OAuth clients that people really use, each through the whole flow with a person at a browser. Some of them meet
// a whole Chromium in test/flows/oauth-clients-browser.test.ts as well.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allow, redirectUri } from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'
import { oauthClients } from '../support/oauth-clients.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const scope = 'read:bookings read:customers'
const email = 'ann@acme.example'

test('the clients that people use go through the whole flow', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  await house.rows(organization, 'test', 'bookings', [{ id: `bk_${'1'.repeat(26)}` }])
  const browser = new PersonBrowser(house.url)
  const statusOf = async (token: string) => (await house.api('/bookings', token)).status

  for (const [name, start] of Object.entries(oauthClients)) {
    await t.test(
      `${name}: link, consent, code, tokens, the API, a refresh that rotates, the end`,
      async () => {
        const { clientId } = await house.app(organization, { name })
        const client = await start(house.url, clientId, redirectUri, scope)
        const tokens = await client.finish(await allow(browser, { url: client.link }, email))
        assert.equal(tokens.scope, scope)
        assert.equal(await statusOf(tokens.access_token), 200)

        const next = await client.refresh(tokens)
        assert.equal(next.scope, scope)
        assert.notEqual(next.refresh_token, tokens.refresh_token)
        assert.equal(await statusOf(next.access_token), 200)

        await client.revoke(next)
        assert.equal(await statusOf(next.access_token), 401)
        assert.equal(await statusOf(tokens.access_token), 401)
        await assert.rejects(client.refresh(next), (error) => client.refusal(error) === 'invalid_grant')
      },
    )

    await t.test(`${name}: hears that the person does not allow it`, async () => {
      const { clientId } = await house.app(organization, { name })
      const client = await start(house.url, clientId, redirectUri, scope)
      const consent = await browser.open(client.link)
      const { url } = await browser.submit(consent, { decision: 'deny' })
      assert.equal(new URL(url).searchParams.get('error'), 'access_denied')
      await assert.rejects(client.finish(new URL(url)))
    })
  }
})
