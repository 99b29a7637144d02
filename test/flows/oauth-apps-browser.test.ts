// OAuth apps as their developers handle them, in a real Chromium, by a person's steps, with JavaScript and without.
import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import sharp from 'sharp'
import { redirectUriMistake } from '../../src/apps/redirect-uri.ts'
import { assertAccessible } from '../browser/axe.ts'
import { launchChromium } from '../browser/chromium.ts'
import { type House, startHouse } from '../support/house.ts'
import { password } from '../support/password.ts'
import { uriCases } from '../support/redirect-uris.ts'

const email = 'ann@acme.example'
const path = '/admin/settings/oauth-apps'
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
  await page.goto(`${house.url}${path}`)
  await page.getByLabel('Email address').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'There are no apps yet' }).waitFor()
  return { house, organization, page, complaints }
}

/** A click on the words: the radio itself is under them. */
const choose = (page: Page, sentence: string, want: string) =>
  page
    .getByRole('radiogroup', { name: sentence })
    .locator('label', { hasText: new RegExp(`^\\s*${want}\\s*$`) })
    .click()

async function allow(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Allow', exact: true }).click()
}

async function register(house: House, page: Page): Promise<string> {
  await page.getByRole('link', { name: 'Register your first app' }).click()
  await page.getByLabel('Name').fill('Calendar Sync')
  await page.getByLabel('Redirect URIs').fill('https://sync.example.com/callback\nhttp://127.0.0.1/callback')
  await choose(page, house.profile.scopes['read:bookings']?.sentence.en ?? '', 'Required')
  await choose(page, house.profile.scopes['read:customers']?.sentence.en ?? '', 'Optional')
  await page.getByRole('button', { name: 'Register app' }).click()
  await page.getByText('The app is registered').waitFor()
  return await page.getByLabel('Client id').inputValue()
}

test('developers register an app, give it a logo, try it, read its log, suspend and delete it', async (t) => {
  const { house, page, complaints } = await open(t, true)
  await assertAccessible(page, 'oauth-apps-empty')
  await page.goto(`${house.url}${path}/new`)
  await page.getByLabel('Name').fill('Calendar Sync')
  await page.getByLabel('Redirect URIs').fill('http://sync.example.com/callback')
  const says = page.locator('#redirect_uri-says')
  await page.getByText('Line 1: Plain http is for this computer only').waitFor()
  await page.getByRole('button', { name: 'Register app' }).click()
  await page.getByRole('alert').waitFor()
  assert.match(await page.title(), /^Error: /)
  assert.equal(await page.evaluate('document.activeElement.id'), 'mistake')
  await page.locator('summary').filter({ hasText: 'Advanced' }).click()
  await assertAccessible(page, 'oauth-app-mistake')

  await page.getByLabel('Redirect URIs').fill('https://sync.example.com/callback')
  await page.getByText('These can be registered.').waitFor()
  // What the server says of each, the script says of each line.
  const lines = uriCases.map(({ uri }) => uri).filter((uri) => uri !== '' && !/[\r\n]/.test(uri))
  await page.getByLabel('Redirect URIs').fill(lines.join('\n'))
  const expected = lines.flatMap((uri, index) => {
    const mistake = redirectUriMistake(uri)
    return mistake ? [`Line ${index + 1}: ${mistake}`] : []
  })
  await page.getByText(`Line ${lines.length}:`).waitFor()
  assert.equal(await says.textContent(), expected.join(' '))
  await page.goto(`${house.url}${path}`)

  const clientId = await register(house, page)
  const [{ scopes, optional_scopes }] = await house.database.knex('oauth_apps')
  assert.deepEqual([scopes, optional_scopes], [['read:bookings', 'read:customers'], ['read:customers']])
  await page.getByRole('button', { name: 'Copy the client id' }).click()
  await page.getByText('Copied.').waitFor()
  assert.equal(await page.evaluate('navigator.clipboard.readText()'), clientId)

  await page.getByRole('link', { name: 'Add a logo' }).click()
  const picture = await sharp({ create: { width: 300, height: 200, channels: 3, background: '#1a4fd0' } })
    .png()
    .toBuffer()
  await page
    .getByLabel('Picture')
    .setInputFiles({ name: 'l.svg', mimeType: 'image/svg+xml', buffer: Buffer.from('<svg/>') })
  await page.getByRole('button', { name: 'Save logo' }).click()
  await page.getByText('must be a PNG, JPEG or WebP').first().waitFor()
  await page.getByLabel('Picture').setInputFiles({ name: 'l.png', mimeType: 'image/png', buffer: picture })
  await page.getByRole('button', { name: 'Save logo' }).click()
  await page.getByText('The logo is saved.').waitFor()
  assert.equal(await page.evaluate("document.querySelector('img.logo').naturalWidth"), 256)

  await assertAccessible(page, 'oauth-app')
  await page.getByRole('link', { name: 'Try it' }).click()
  await page.getByRole('heading', { name: 'Try Calendar Sync' }).waitFor()
  await assertAccessible(page, 'oauth-app-try')
  await page.getByRole('link', { name: 'Go to the page that asks' }).click()
  await allow(page)
  await page.getByRole('heading', { name: 'It works' }).waitFor()
  await assertAccessible(page, 'oauth-app-tried')
  await page.reload()
  await page.getByRole('heading', { name: 'This try is over' }).waitFor()

  const wrong = { grant_type: 'refresh_token', client_id: clientId, refresh_token: 'made up' }
  await fetch(`${house.url}/oauth/token`, { method: 'POST', body: new URLSearchParams(wrong) })
  await house.settle()
  await page.goto(`${house.url}${path}/${clientId}`)
  await page.getByRole('link', { name: 'The whole error log' }).click()
  await page.getByText('invalid_grant').first().waitFor()
  await assertAccessible(page, 'oauth-app-errors')

  await page.goto(`${house.url}${path}/${clientId}`)
  await page.getByRole('link', { name: 'Change', exact: true }).click()
  await page.getByLabel('Name').fill('Calendar Sync Pro')
  await page.getByRole('button', { name: 'Save changes' }).click()
  await page.getByText('The changes are saved').waitFor()
  await page.getByRole('link', { name: 'Suspend' }).click()
  await assertAccessible(page, 'oauth-app-suspend')
  await page.getByRole('button', { name: 'Suspend' }).click()
  await page.getByText('The app is suspended').waitFor()
  await page.getByRole('link', { name: 'OAuth apps' }).first().click()
  await page.getByRole('row', { name: /Suspended/ }).waitFor()
  await assertAccessible(page, 'oauth-apps')
  await page.getByRole('link', { name: 'Calendar Sync Pro' }).click()
  await page.getByRole('button', { name: 'Resume' }).click()
  await page.getByText('goes on with what it was allowed').waitFor()
  await page.getByRole('link', { name: 'Delete' }).click()
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByText('The app has been deleted').waitFor()
  assert.deepEqual(await house.database.knex('oauth_apps'), [])
  assert.deepEqual(complaints, [])
})

test('without JavaScript all of it works as well', async (t) => {
  const { house, page } = await open(t, false)
  await page.goto(`${house.url}${path}/new`)
  await page.getByLabel('Name').fill('Calendar Sync')
  await page.getByLabel('Redirect URIs').fill('myapp:/callback')
  await page.getByRole('button', { name: 'Register app' }).click()
  await page.getByText('domain name in reverse').first().waitFor()
  await page.goto(`${house.url}${path}`)
  const clientId = await register(house, page)
  assert.equal(await page.getByRole('button', { name: 'Copy' }).count(), 0, 'no button that does nothing')
  await page.getByRole('link', { name: 'Try it' }).click()
  await page.getByRole('link', { name: 'Go to the page that asks' }).click()
  await allow(page)
  await page.getByRole('heading', { name: 'It works' }).waitFor()
  await page.goto(`${house.url}${path}/${clientId}`)
  await page.getByRole('link', { name: 'Suspend' }).click()
  await page.getByRole('button', { name: 'Suspend' }).click()
  await page.getByText('The app is suspended').waitFor()
  await page.getByRole('button', { name: 'Resume' }).click()
  await page.getByRole('link', { name: 'Delete' }).click()
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByText('The app has been deleted').waitFor()
})
