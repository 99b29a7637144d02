// Every page in a real Chromium: used by a person's steps, and inspected at each width and colour scheme.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { createSetUpToken } from '../../src/operators/set-up-link.ts'
import { assertAccessible } from '../browser/axe.ts'
import { launchChromium } from '../browser/chromium.ts'
import { authorizationUrl } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'
import { password } from '../support/password.ts'

const email = 'ann@acme.example'
const scope = 'read:bookings write:bookings read:customers'
let browser: Browser

before(async () => {
  browser = await launchChromium()
})
after(() => browser.close())

async function open(
  t: Parameters<typeof startHouse>[0],
): Promise<{ house: House; page: Page; complaints: string[] }> {
  const house = await startHouse(t)
  const context = await browser.newContext()
  t.after(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    // Chromium says so itself of every answer of 400 and above; those pages are looked at on purpose.
    if (message.type() === 'error' && !message.text().includes('the server responded with a status of')) {
      complaints.push(message.text())
    }
  })
  return { house, page, complaints }
}

test('an operator chooses a password by the one-time link, lands on the keys, signs out and in again', async (t) => {
  const { house, page, complaints } = await open(t)
  const organization = await house.organization('Acme Photo Booths of Northern England and the Isle of Man')
  await house.person(email, organization)
  const { knex } = house.database
  const { id } = await knex('persons').first('id')
  await knex('persons').update({ password_hash: null })
  const token = await createSetUpToken(knex, id, new Date())
  const link = `${house.url}/setup?token=${token.reveal()}`

  await page.goto(link)
  await assertAccessible(page, 'set-up')
  await page.getByLabel('Password', { exact: true }).fill('a long enough password')
  await page.getByLabel('Password again').fill('another long password')
  await page.getByRole('button', { name: 'Save and sign in' }).click()
  await page.getByRole('alert').waitFor()
  assert.match(await page.title(), /^Error: /)
  assert.equal(await page.evaluate('document.activeElement.id'), 'mistake')
  await assertAccessible(page, 'set-up-mistake')
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByLabel('Password again').fill(password)
  await page.getByRole('button', { name: 'Save and sign in' }).click()
  await page.getByRole('heading', { name: 'API keys' }).waitFor()
  assert.ok(await page.getByText('There are no keys yet').isVisible())
  await assertAccessible(page, 'api-keys-after-set-up')

  await house.key(organization, 'live', ['read:bookings', 'read:customers', 'write:bookings'])
  await house.key(organization, 'test', ['read:bookings'], new Date(Date.now() + 86_400_000))
  await page.reload()
  await assertAccessible(page, 'api-keys-of-both-modes')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  await assertAccessible(page, 'sign-in')

  await page.goto(link)
  await page.getByRole('heading', { name: 'Something is not right' }).waitFor()
  await assertAccessible(page, 'error-link-expired')
  await page.goto(`${house.url}/admin`)
  await page.getByLabel('Email address').fill(email)
  await page.getByLabel('Password').fill('wrong')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').waitFor()
  assert.equal(await page.getByLabel('Email address').inputValue(), email, 'what was typed is kept')
  await assertAccessible(page, 'sign-in-mistake')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'API keys' }).waitFor()
  assert.deepEqual(complaints, [])
})

test('the pages on the way to an app: sign-in, consent, its mistake, the return, errors', async (t) => {
  const { house, page, complaints } = await open(t)
  const organization = await house.organization('Acme')
  const second = await house.organization('A second account with a rather long name')
  const third = await house.organization('Third')
  await house.person(email, organization)
  const { id } = await house.database.knex('persons').first('id')
  await house.database.knex('memberships').insert([
    { person_id: id, organization_id: second.id, role: 'ADMIN' },
    { person_id: id, organization_id: third.id, role: 'MEMBER' },
  ])
  const app = await house.app(organization, {
    name: 'Calendar Sync <b>Pro</b>',
    redirectUris: ['https://calendar-sync.apps.example.com/oauth/callback'],
  })
  const redirectUri = 'https://calendar-sync.apps.example.com/oauth/callback'
  const asked = authorizationUrl(house.url, app.clientId, scope, { redirect_uri: redirectUri })
  await page.goto(asked.url)
  await assertAccessible(page, 'sign-in-for-an-app')
  await page.getByLabel('Email address').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'wants access' }).waitFor()
  assert.ok(await page.getByText('calendar-sync.apps.example.com').isVisible())
  assert.equal(await page.locator('main b').count(), 0)
  assert.equal(
    await page.getByRole('radio', { checked: true }).count(),
    0,
    'with a choice, none is made for the person',
  )
  assert.equal(await page.getByLabel('Third').count(), 0)
  assert.ok(await page.getByText('only their administrators can allow this: Third').isVisible())
  await assertAccessible(page, 'consent')
  const buttons = await page.locator('.pair').getByRole('button').allInnerTexts()
  assert.deepEqual(buttons, ["Don't allow", 'Allow'])

  await page.getByRole('button', { name: 'Allow', exact: true }).click()
  await page.getByRole('alert').waitFor()
  await assertAccessible(page, 'consent-mistake')
  await page.getByLabel('Acme').check()
  // An answer without content leaves the browser where it is: on the page that would be gone at once.
  await page.route('**/oauth/authorize/**', (route) => route.fulfill({ status: 204 }))
  await page.getByRole('button', { name: 'Allow', exact: true }).click()
  await page.getByRole('heading', { name: 'Returning you to' }).waitFor()
  await assertAccessible(page, 'returning')
  const goesOn = await page.locator('meta[http-equiv="refresh"]').getAttribute('content')
  assert.match(goesOn ?? '', new RegExp(`^0;url=${house.url}/oauth/authorize/`))

  await page.goto(authorizationUrl(house.url, app.clientId, scope).url)
  await page.getByText('Nothing was shared').waitFor()
  await page.locator('summary').click()
  await assertAccessible(page, 'error-redirect-uri')
  await page.goto(`${house.url}/no-such-page`)
  await assertAccessible(page, 'error-not-found')
  assert.deepEqual(
    complaints.filter((text) => !text.includes('net::ERR_FAILED')),
    [],
  )
})
