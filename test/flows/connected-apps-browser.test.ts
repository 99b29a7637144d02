// Apps that have access, as people look at them and take it back, in a real Chromium, with JavaScript and without.
import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { record } from '../../src/audit/record.ts'
import { byServer } from '../../src/core/attribution.ts'
import { assertAccessible } from '../browser/axe.ts'
import { launchChromium } from '../browser/chromium.ts'
import { exchange, obtainCode, readTokens } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'
import { password } from '../support/password.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const email = 'ann@acme.example'
const path = '/admin/settings/connected-apps'
let browser: Browser

before(async () => {
  browser = await launchChromium()
})
after(() => browser.close())

/** Ann allowed two apps, one of them on two devices; Ben allowed one with a name that is hard to fit. */
async function open(t: TestContext, javaScriptEnabled: boolean) {
  const house = await startHouse(t)
  const acme = await house.organization('Acme Photo Booths')
  const ann = await house.person(email, acme)
  await house.person('ben@acme.example', acme)
  const maker = await house.organization('Sync Makers')
  const calendar = await house.app(maker, { name: 'Calendar Sync' })
  const till = await house.app(maker, {
    name: 'Till-and-register-and-accounting-and-payroll-for-photo-booths',
    redirectUris: [
      'http://127.0.0.1/callback',
      `https://${'long-'.repeat(11)}name.example.com:8443/callback`,
    ],
  })
  const obtain = async (app: typeof calendar, who: PersonBrowser, address: string, scope: string) =>
    readTokens(await exchange(house.url, app, await obtainCode(house.url, app, address, scope, who)))
  const [anns, bens] = [new PersonBrowser(house.url), new PersonBrowser(house.url)]
  const first = await obtain(calendar, anns, email, 'read:bookings write:bookings')
  const second = await obtain(calendar, anns, email, 'read:bookings')
  const other = await obtain(till, bens, 'ben@acme.example', 'read:bookings write:bookings read:customers')
  await house.api('/bookings', first.access_token, { headers: { 'User-Agent': 'calendar-sync/2.1' } })
  await house.settle()
  for (const cause of ['reuse', 'lost_response', 'revoked_by_client']) {
    await house.database.knex.transaction((tx) =>
      record(tx, {
        organization: acme.id,
        by: byServer,
        action: cause === 'revoked_by_client' ? 'grant.revoked' : 'refresh_token.reused',
        target: 'grant_000000000000000000000000',
        details: { cause, client: till.clientId, person: ann, response: 'revoked' },
      }),
    )
  }
  const context = await browser.newContext({ javaScriptEnabled })
  t.after(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  await page.goto(`${house.url}${path}`)
  await page.getByLabel('Email address').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Connected apps', level: 1 }).waitFor()
  return { house, page, complaints, tokens: { first, second, other } }
}

const status = async (house: House, { access_token }: { readonly access_token: string }) =>
  (await house.api('/me', access_token)).status

const shown = (page: Page) => page.locator('ul.apps > li')

test('a person sees what has access, looks at one app, and removes an install, an app, and one of another', async (t) => {
  const { house, page, complaints, tokens } = await open(t, true)
  assert.equal(await shown(page).count(), 1, 'one row for both installs')
  await page.getByText('2 installs').click()
  await assertAccessible(page, 'connected-apps')
  await page.getByRole('link', { name: 'Calendar Sync', exact: true }).click()
  await page.getByRole('heading', { name: 'What it may do' }).waitFor()
  await assertAccessible(page, 'connected-app')
  await page
    .getByRole('link', { name: /^Remove the install/ })
    .first()
    .click()
  await page.getByRole('heading', { name: 'Remove this install of Calendar Sync?' }).waitFor()
  await assertAccessible(page, 'connected-app-remove-install')
  await page.getByRole('button', { name: 'Remove this install' }).click()
  await page.getByText('This install has no access any more').waitFor()
  assert.deepEqual([await status(house, tokens.first), await status(house, tokens.second)], [200, 401])

  await page.getByRole('link', { name: /^Remove Calendar Sync/ }).click()
  await page.getByRole('heading', { name: 'Remove Calendar Sync?' }).waitFor()
  assert.match(await page.locator('main').innerText(), /last used .* for GET \/bookings, from 127\.0\.0\.1/)
  await assertAccessible(page, 'connected-app-remove')
  await page.getByRole('button', { name: 'Remove Calendar Sync' }).click()
  await page.getByText('The app has no access any more').waitFor()
  assert.equal(await status(house, tokens.first), 401)
  await page.getByRole('heading', { name: 'You have not allowed any app' }).waitFor()
  await assertAccessible(page, 'connected-apps-empty')

  await page.getByRole('link', { name: 'The whole account' }).click()
  await page.getByText('ben@acme.example').first().waitFor()
  await assertAccessible(page, 'connected-apps-account')
  await page.getByRole('link', { name: /^Remove Till.*allowed by ben@acme\.example/ }).click()
  await assertAccessible(page, 'connected-app-remove-of-another')
  await page.getByRole('button', { name: /^Remove Till/ }).click()
  await page.getByRole('heading', { name: 'No app has access to this account' }).waitFor()
  assert.equal(await status(house, tokens.other), 401)
  assert.deepEqual(complaints, [])
})

test('without JavaScript all of it works as well', async (t) => {
  const { house, page, tokens } = await open(t, false)
  await page.getByText('2 installs').click()
  await page
    .getByRole('link', { name: /^Remove the install/ })
    .first()
    .click()
  await page.getByRole('button', { name: 'Remove this install' }).click()
  await page.getByText('This install has no access any more').waitFor()
  assert.equal(await status(house, tokens.second), 401)
  await page.getByRole('link', { name: /^Remove Calendar Sync/ }).click()
  await page.getByRole('button', { name: 'Remove Calendar Sync' }).click()
  await page.getByText('The app has no access any more').waitFor()
  assert.equal(await status(house, tokens.first), 401)
})
