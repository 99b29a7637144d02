// The consent page in a real browser: what it looks like in each of its states, in both languages, and that it
// works without JavaScript.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { assertAccessible } from '../browser/axe.ts'
import { launchChromium } from '../browser/chromium.ts'
import { authorizationUrl } from '../support/authorization.ts'
import { startCallbackServer } from '../support/callback-server.ts'
import { type House, startHouse } from '../support/house.ts'
import { password } from '../support/password.ts'

const email = 'ann@acme.example'
const everything = 'read:bookings write:bookings read:customers'
let browser: Browser

before(async () => {
  browser = await launchChromium()
})
after(() => browser.close())

/** 40 by 40, one colour. */
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAACgAAAAoCAIAAAADnC86AAAANElEQVR42u3NMQEAAAgDoJnc6BpjDyQgd1uJJEmSJEmSJEmSJEmSJEmSJEmSJEmSJEmSJL8tq6EBX2DYF2YAAAAASUVORK5CYII=',
  'base64',
)

async function signIn(page: Page, link: string): Promise<void> {
  await page.goto(link)
  await page.locator('#email').fill(email)
  await page.locator('#password').fill(password)
  await page.locator('main button').click()
  await page.locator('.consent').waitFor()
}

async function become(house: House, id: string, columns: object): Promise<void> {
  await house.database.knex('oauth_apps').where({ client_id: id }).update(columns)
}

test('an app that registered itself, in English: many accounts, links, what one may choose, one warning', async (t) => {
  const house = await startHouse(t)
  const acme = await house.organization('Acme')
  const person = await house.person(email, acme)
  const others = [
    await house.organization('A second account with a rather long name that goes on'),
    await house.organization('Third'),
  ]
  const roles = ['ADMIN', 'MEMBER']
  for (const [index, organization] of others.entries()) {
    const membership = { organization_id: organization.id, person_id: person, role: roles[index] }
    await house.database.knex('memberships').insert(membership)
  }
  const redirectUri = 'https://xn--clendar-sync-6ib.apps.example.com:8443/oauth/callback'
  const app = await house.app(acme, {
    mode: 'live',
    redirectUris: [redirectUri],
    homepage: 'https://calendar-sync.example.com/about',
    policyUri: 'https://calendar-sync.example.com/privacy',
    optionalScopes: ['read:customers'],
  })
  // Registration refuses the name and the address of the terms: whatever comes in another way is shown as safely.
  await become(house, app.clientId, {
    name: 'Calendar Sync <b>Pro</b> \u202egnp.\u200b',
    terms_uri: 'http://calendar-sync.example.com/terms',
    organization_id: null,
    registration: 'dynamic',
    registration_token_hash: randomBytes(32),
  })
  const page = await browser.newPage()
  const asked = authorizationUrl(house.url, app.clientId, everything, { redirect_uri: redirectUri })
  await signIn(page, asked.url)
  const facts = await page.locator('.facts').innerText()
  assert.match(facts, /Not verified/)
  assert.match(facts, /it registered itself/)
  assert.match(facts, /xn--clendar-sync-6ib\.apps\.example\.com:8443/, 'the whole host, in ASCII')
  assert.match(facts, /Privacy policy \(calendar-sync\.example\.com\)/)
  assert.doesNotMatch(facts, /Terms of use/, 'U14: links are https only')
  assert.match(await page.locator('h1').innerText(), /Calendar Sync <b>Pro<\/b> gnp\./, 'U14')
  assert.equal(await page.locator('.warning').count(), 1)
  assert.match(await page.locator('.warning').innerText(), /^Check the address above\./)
  assert.equal(await page.locator('input:checked').count(), 0, 'nothing is chosen for the person')
  assert.deepEqual(await page.locator('form button').allInnerTexts(), ["Don't allow", 'Allow'])
  const [no, yes] = await page.locator('.pair button').all()
  const [first, second] = [await no?.boundingBox(), await yes?.boundingBox()]
  assert.ok(first && second && Math.abs(first.width - second.width) < 1 && first.height === second.height)
  await assertAccessible(page, 'consent-self-registered')

  await page.getByLabel('See your customers').check()
  await page.getByRole('button', { name: 'Allow', exact: true }).click()
  await page.getByRole('alert').waitFor()
  assert.ok(await page.getByLabel('See your customers').isChecked(), 'what was ticked is kept')
  await assertAccessible(page, 'consent-choose-account')
  await page.close()
})

test('a verified app, in French: its logo, what is new since the last time, the way back, and its errors', async (t) => {
  const house = await startHouse(t)
  const acme = await house.organization('Acme')
  await house.person(email, acme)
  const callback = await startCallbackServer(t)
  const app = await house.app(acme, {
    redirectUris: [callback.redirectUri.replace(/:\d+/, '')],
    mode: 'live',
    optionalScopes: ['read:customers'],
  })
  const { knex } = house.database
  await become(house, app.clientId, { verified_at: new Date() })
  await knex('app_logos').insert({ client_id: app.clientId, hash: randomBytes(32), png })
  const context = await browser.newContext({ locale: 'fr-CA', javaScriptEnabled: false })
  const page = await context.newPage()
  const link = (scope: string, change: Record<string, string> = {}) =>
    authorizationUrl(house.url, app.clientId, scope, { redirect_uri: callback.redirectUri, ...change }).url

  await signIn(page, link('read:bookings'))
  assert.equal(await page.locator('html').getAttribute('lang'), 'fr')
  assert.equal(await page.locator('.warning').count(), 0)
  await page.getByRole('button', { name: 'Autoriser', exact: true }).click()
  await page.getByRole('heading', { name: 'Back in the app' }).waitFor()
  assert.ok((await callback.next()).searchParams.get('code'), 'without JavaScript too')

  await page.goto(link(everything))
  assert.match(await page.locator('.warning').innerText(), /^Vous décidez pour tous/)
  assert.equal(await page.locator('.tag.new').count(), 2)
  const logo = await page.locator('.asker img').getAttribute('src')
  assert.match(logo ?? '', /^\/app-logos\/[0-9a-f]{64}\.png$/, 'D7: our own copy')
  assert.match(await page.locator('.asker').innerText(), /Calendar Sync Vérifiée par BoothZen/)
  await page.locator('input[type=radio]').press('Enter')
  await page.getByRole('heading', { name: 'Back in the app' }).waitFor()
  assert.equal((await callback.next()).searchParams.get('error'), 'access_denied', 'Enter is no consent')

  const scripted = await browser.newContext({ locale: 'fr-CA', storageState: await context.storageState() })
  const seen = await scripted.newPage()
  await seen.goto(link(everything))
  await assertAccessible(seen, 'consent-fr-verified')
  await seen.route('**/oauth/authorize/**', (route) => route.fulfill({ status: 204 }))
  await seen.getByRole('button', { name: 'Autoriser', exact: true }).click()
  await seen.getByRole('heading', { name: 'Retour vers Calendar Sync' }).waitFor()
  await assertAccessible(seen, 'returning-fr')

  await become(house, app.clientId, { verified_at: null })
  await seen.goto(link(everything, { code_challenge_method: 'plain' }))
  await seen.getByRole('heading', { name: 'Le lien de cette application est défectueux' }).waitFor()
  await seen.locator('summary').click()
  await assertAccessible(seen, 'broken-link-fr')

  await knex('memberships').delete()
  await seen.goto(link(everything, { ui_locales: 'en' }))
  assert.ok(await seen.getByText('You belong to no account yet').isVisible())
  assert.deepEqual(await seen.locator('form button').allInnerTexts(), ["Don't allow"])
  await assertAccessible(seen, 'consent-no-account')
  await seen.getByRole('button', { name: 'Not you?' }).click()
  await seen.getByRole('heading', { name: 'Sign in' }).waitFor()
  await seen.goto(link(everything))
  await assertAccessible(seen, 'sign-in-fr')
  await context.close()
  await scripted.close()
})
