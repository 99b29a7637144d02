// Keys as an operator handles them, in a real Chromium, by a person's steps, with JavaScript and without.
import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { assertAccessible } from '../browser/axe.ts'
import { launchChromium } from '../browser/chromium.ts'
import { type House, startHouse } from '../support/house.ts'
import { password } from '../support/password.ts'

const email = 'ann@acme.example'
const path = '/admin/settings/api-keys'
let browser: Browser

before(async () => {
  browser = await launchChromium()
})
after(() => browser.close())

async function open(t: TestContext, javaScriptEnabled: boolean) {
  const house = await startHouse(t)
  const organization = await house.organization('Acme Photo Booths')
  await house.person(email, organization)
  const context = await browser.newContext({ javaScriptEnabled })
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: house.url })
  t.after(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('the server responded with a status of'))
      complaints.push(message.text())
  })
  await signIn(house, page)
  return { house, organization, page, complaints }
}

async function signIn(house: House, page: Page): Promise<void> {
  await page.goto(`${house.url}/admin`)
  await page.getByLabel('Email address').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'API keys', level: 1 }).waitFor()
}

/** A click on the words: the radio itself is under them. */
const choose = (page: Page, resource: string, level: string) =>
  page
    .getByRole('radiogroup', { name: resource })
    .locator('label', { hasText: new RegExp(`^\\s*${level}\\s*$`) })
    .click()

async function createKey(page: Page, name: string): Promise<string> {
  await page.goto(new URL(`${path}/new`, page.url()).href)
  await page.getByLabel('Name').fill(name)
  await choose(page, 'Bookings', 'Read')
  await page.getByRole('button', { name: 'Create an API key' }).click()
  await page.getByRole('heading', { name: 'Copy your new key now' }).waitFor()
  return await page.locator('#secret').inputValue()
}

const works = async (house: House, secret: string) => (await house.api('/bookings', secret)).status === 200

test('an operator creates, sees, rotates, deactivates, revokes and deletes a key', async (t) => {
  const { house, organization, page, complaints } = await open(t, true)
  await page.getByRole('heading', { name: 'There are no keys yet' }).waitFor()
  await assertAccessible(page, 'api-keys-empty')
  await page.getByRole('link', { name: 'Create your first key' }).click()
  await page.getByRole('heading', { name: 'Create an API key' }).waitFor()
  await assertAccessible(page, 'api-key-new')

  await page.getByLabel('Name').fill('Nightly export to the accounting system')
  await page.getByLabel('Only from these addresses').fill('127.0.0.0/8\n::1\nnot an address')
  await page.getByRole('button', { name: 'Create an API key' }).click()
  await page.getByRole('alert').waitFor()
  assert.match(await page.title(), /^Error: /)
  assert.equal(await page.evaluate('document.activeElement.id'), 'mistake')
  assert.match(await page.getByRole('alert').innerText(), /Choose at least one scope/)
  assert.equal(await page.getByLabel('Name').inputValue(), 'Nightly export to the accounting system')
  await assertAccessible(page, 'api-key-new-mistake')
  await choose(page, 'Bookings', 'Read and write')
  await choose(page, 'Customers', 'Read')
  await page.getByRole('button', { name: 'Create an API key' }).click()
  assert.match(await page.getByRole('alert').innerText(), /"not" is no address/)
  assert.ok(
    await page.getByRole('radiogroup', { name: 'Bookings' }).getByLabel('Read and write').isChecked(),
    'what was chosen is kept',
  )
  await page.getByLabel('Only from these addresses').fill('127.0.0.0/8, ::1')
  await page.getByRole('button', { name: 'Create an API key' }).click()
  await page.getByRole('heading', { name: 'Copy your new key now' }).waitFor()
  assert.equal(new URL(page.url()).pathname, `${path}/created`)
  const secret = await page.locator('#secret').inputValue()
  assert.match(secret, /^bz_test_\w{36}$/)
  await assertAccessible(page, 'api-key-created')
  await page.getByRole('button', { name: 'Copy' }).click()
  await page.getByText('Copied.').waitFor()
  assert.equal(await page.evaluate('navigator.clipboard.readText()'), secret)
  assert.ok(await works(house, secret))

  await page.reload()
  await page.getByRole('heading', { name: 'This key was already shown' }).waitFor()
  assert.ok(!(await page.content()).includes(secret))
  await assertAccessible(page, 'api-key-shown-before')
  assert.equal((await house.database.knex('api_keys')).length, 1, 'a reload makes no second key')

  await house.settle()
  await page.goto(`${house.url}${path}`)
  await house.key(organization, 'live', ['read:bookings'], new Date(Date.now() + 5 * 86_400_000))
  await house.database.knex('api_keys').where({ mode: 'live' }).update({ name: 'Till <b>one</b>' })
  await page.reload()
  assert.equal(await page.locator('main b').count(), 0)
  assert.ok(await page.getByText('just now').first().isVisible())
  await assertAccessible(page, 'api-keys')

  await page.getByRole('link', { name: 'Rotate Nightly export' }).click()
  await page.getByRole('heading', { name: 'Rotate Nightly export' }).waitFor()
  await assertAccessible(page, 'api-key-rotate')
  await page.getByLabel('When should the old key stop?').selectOption('After 1 hour')
  await page.getByRole('button', { name: 'Rotate' }).click()
  await page.getByText('The old key').first().waitFor()
  const successor = await page.locator('#secret').inputValue()
  await assertAccessible(page, 'api-key-rotated')
  assert.ok((await works(house, secret)) && (await works(house, successor)), 'both work')
  await page.getByRole('button', { name: 'I have saved it' }).click()
  await page.getByText('The new key is ready to use.').waitFor()
  assert.ok(await page.getByText(/^Rotating until /).isVisible())

  await page
    .getByRole('row', { name: /Rotating until/ })
    .getByRole('link', { name: /^Nightly/ })
    .click()
  await page.getByRole('heading', { name: 'Two keys work' }).waitFor()
  await assertAccessible(page, 'api-key-retiring')
  await page.getByRole('button', { name: 'End overlap now' }).click()
  await page.getByText('The overlap is over').waitFor()
  assert.equal(await works(house, secret), false)
  assert.ok(await works(house, successor))

  await page.getByRole('link', { name: 'API keys' }).first().click()
  await page
    .getByRole('row', { name: /Active/ })
    .getByRole('link', { name: /^Nightly/ })
    .click()
  await page.getByRole('link', { name: 'Deactivate' }).click()
  await page.getByRole('heading', { name: 'What stops working' }).waitFor()
  await assertAccessible(page, 'api-key-deactivate')
  await page.getByRole('button', { name: 'Deactivate' }).click()
  await page.getByText('refused until you activate it again').waitFor()
  await assertAccessible(page, 'api-key-deactivated')
  assert.equal(await works(house, successor), false)
  await page.getByRole('button', { name: 'Activate again' }).click()
  await page.getByText('The key works again.').waitFor()
  assert.ok(await works(house, successor))

  await page.getByRole('link', { name: 'Revoke' }).click()
  await page.getByRole('heading', { name: 'Revoke Nightly export' }).waitFor()
  assert.match(await page.locator('main').innerText(), /last used .* for GET \/bookings, from 127\.0\.0\.1/)
  await assertAccessible(page, 'api-key-revoke')
  await page.getByRole('button', { name: 'Revoke' }).click()
  await page.getByText('The key has been revoked').waitFor()
  assert.equal(await works(house, successor), false)
  await page
    .getByRole('row', { name: /Revoked/ })
    .getByRole('link', { name: /^Nightly/ })
    .click()
  await page.getByRole('link', { name: 'Delete' }).click()
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByText('The key has been deleted').waitFor()
  assert.equal((await house.database.knex('api_keys')).length, 2)

  await page.getByRole('link', { name: 'Live', exact: true }).click()
  assert.equal(await page.getByRole('row').count(), 2, 'one row below the head')
  await page.getByRole('searchbox').fill('no such key')
  await page.getByRole('button', { name: 'Find' }).click()
  await page.getByText('No key matches').waitFor()
  await assertAccessible(page, 'api-keys-not-found')
  assert.deepEqual(complaints, [])
})

test('without JavaScript all of it works as well', async (t) => {
  const { house, page } = await open(t, false)
  const secret = await createKey(page, 'Script')
  assert.ok(await works(house, secret))
  assert.equal(await page.getByRole('button', { name: 'Copy' }).count(), 0, 'no button that does nothing')
  await page.getByRole('button', { name: 'I have saved it' }).click()
  await page.getByRole('link', { name: 'Rotate Script' }).click()
  await page.getByLabel('When should the old key stop?').selectOption('Stop it now')
  await page.getByRole('button', { name: 'Rotate' }).click()
  const successor = await page.locator('#secret').inputValue()
  assert.equal(await works(house, secret), false)
  assert.ok(await works(house, successor))
  await page.goto(`${house.url}${path}`)
  await page
    .getByRole('row', { name: /Active/ })
    .getByRole('link', { name: 'Revoke Script' })
    .click()
  await page.getByRole('button', { name: 'Revoke' }).click()
  await page.getByText('The key has been revoked').waitFor()
  assert.equal(await works(house, successor), false)
})

test('a double click on Create makes one key', async (t) => {
  const { house, page } = await open(t, true)
  await page.goto(`${house.url}${path}/new`)
  await page.getByLabel('Name').fill('Once')
  await choose(page, 'Bookings', 'Read')
  await page.getByRole('button', { name: 'Create an API key' }).dblclick()
  await page.getByRole('heading', { name: /shown|Copy/ }).waitFor()
  assert.equal((await house.database.knex('api_keys')).length, 1)
})

// The packaged Chromium is a headless shell, which keeps no page for the Back button: a whole one does.
const whole = process.env['CHROMIUM_PATH']
for (const script of [true, false]) {
  const how = script ? 'with' : 'without'
  test(`K6: the Back button does not bring the key back, ${how} JavaScript`, {
    skip: whole ? false : 'needs a whole Chromium: set CHROMIUM_PATH',
  }, async (t) => {
    const { page } = await open(t, script)
    const secret = await createKey(page, 'Shown once')
    await page.getByRole('button', { name: 'I have saved it' }).click()
    await page.getByText('The new key is ready to use.').waitFor()
    await page.evaluate('history.back()')
    await page.getByRole('heading', { name: 'This key was already shown' }).waitFor()
    assert.ok(!(await page.content()).includes(secret))
  })
}
