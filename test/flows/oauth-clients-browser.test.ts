// Three public clients, each through the whole of OAuth with a person in a real Chromium.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { launchChromium } from '../browser/chromium.ts'
import { authorizationUrl, errorOf, postToken, readTokens } from '../support/authorization.ts'
import { type CallbackServer, startCallbackServer } from '../support/callback-server.ts'
import { type House, startHouse } from '../support/house.ts'
import { oauthClients } from '../support/oauth-clients.ts'
import { password } from '../support/password.ts'

const scope = 'read:bookings'
const email = 'ann@acme.example'
let browser: Browser

before(async () => {
  browser = await launchChromium()
})
after(() => browser.close())

/** A page that fails the test for anything that the browser complains of. */
async function openPage(complaints: string[], options: { javaScriptEnabled?: boolean } = {}): Promise<Page> {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  return page
}

/** The person: opens the app's link, signs in if asked, chooses the organization, presses a button. */
async function decide(
  page: Page,
  link: string,
  organization: string,
  decision: 'Allow' | "Don't allow",
): Promise<void> {
  await page.goto(link)
  if (await page.getByRole('heading', { name: 'Sign in' }).isVisible()) {
    await page.getByLabel('Email address').fill(email)
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }
  await page.getByRole('heading', { name: 'wants access to your BoothZen data' }).waitFor()
  assert.ok(await page.getByText('See your bookings').isVisible())
  await page.getByLabel(organization).check()
  await page.getByRole('button', { name: decision, exact: true }).click()
  await page.getByRole('heading', { name: 'Back in the app' }).waitFor()
}

async function furnish(house: House, callback: CallbackServer, refreshGraceSeconds: number) {
  const organization = await house.organization('Acme')
  const second = await house.organization('Second Home')
  await house.person(email, organization)
  const person = await house.database.knex('persons').first('id')
  const membership = { person_id: person.id, organization_id: second.id, role: 'ADMIN' }
  await house.database.knex('memberships').insert(membership)
  const booking = { id: `bk_${'1'.repeat(26)}`, status: 'confirmed' }
  await house.rows(second, 'test', 'bookings', [booking])
  const redirectUris = [callback.redirectUri.replace(/:\d+/, '')]
  const app = await house.app(organization, { redirectUris, refreshGraceSeconds })
  return { second, booking, app }
}

for (const name of ['openid-client', 'oauth4webapi', 'nothing but fetch'] as const) {
  test(`${name}: discovery, sign-in, consent, code, tokens, the API, a refresh that rotates`, async (t) => {
    const house = await startHouse(t)
    const callback = await startCallbackServer(t)
    const { second, booking, app } = await furnish(house, callback, 0)
    const complaints: string[] = []
    const page = await openPage(complaints)
    const client = await oauthClients[name](house.url, app.clientId, callback.redirectUri, scope)
    await decide(page, client.link, 'Second Home', 'Allow')
    const tokens = await client.finish(await callback.next())

    const { secret } = await house.key(second, 'test', [scope])
    const [byToken, byKey] = [
      await house.api('/bookings', tokens.access_token),
      await house.api('/bookings', secret),
    ]
    assert.equal(byToken.status, 200)
    const body = await byToken.text()
    assert.equal(body, await byKey.text())
    assert.deepEqual(JSON.parse(body), { data: [booking], next_cursor: null })
    assert.equal(byToken.headers.get('x-boothzen-scope'), byKey.headers.get('x-boothzen-scope'))

    const next = await client.refresh(tokens)
    assert.equal((await house.api('/bookings', next.access_token)).status, 200)
    await assert.rejects(client.refresh(tokens))
    assert.equal((await house.api('/bookings', next.access_token)).status, 401, 'the family is gone')
    await assert.rejects(client.refresh(next))
    assert.deepEqual(complaints, [])
  })
}

test("don't allow is heard by the app, also without JavaScript, and when its callback sends the browser on", async (t) => {
  const house = await startHouse(t)
  const elsewhere = await startCallbackServer(t)
  const callback = await startCallbackServer(t, { onward: elsewhere.redirectUri })
  const { app } = await furnish(house, callback, 60)
  const complaints: string[] = []
  const page = await openPage(complaints, { javaScriptEnabled: false })
  const refused = authorizationUrl(house.url, app.clientId, scope, { redirect_uri: callback.redirectUri })
  await decide(page, refused.url, 'Acme', "Don't allow")
  const no = await callback.next()
  assert.equal(no.searchParams.get('error'), 'access_denied')
  assert.equal(no.searchParams.get('state'), refused.state)

  const allowed = authorizationUrl(house.url, app.clientId, scope, { redirect_uri: callback.redirectUri })
  await decide(page, allowed.url, 'Acme', 'Allow')
  const yes = await callback.next()
  const code = yes.searchParams.get('code') ?? ''
  const exchange = {
    grant_type: 'authorization_code',
    code,
    redirect_uri: callback.redirectUri,
    client_id: app.clientId,
  }
  assert.equal(
    await errorOf(await postToken(house.url, { ...exchange, code_verifier: 'w'.repeat(43) })),
    '400 invalid_grant',
  )
  await readTokens(await postToken(house.url, { ...exchange, code_verifier: allowed.verifier }))
  assert.deepEqual(complaints, [])
})
