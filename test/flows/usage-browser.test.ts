// How often keys and apps call, as an operator sees it in a real Chromium: a chart, and the same as a table, with
// JavaScript and without.
import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { lastDays } from '../../src/lib/day.ts'
import { assertAccessible } from '../browser/axe.ts'
import { launchChromium } from '../browser/chromium.ts'
import { obtainTokens } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'
import { leaveMidnight } from '../support/midnight.ts'
import { password } from '../support/password.ts'
import { oneLimit } from '../support/rate-classes.ts'

const email = 'ann@acme.example'
const keys = '/admin/settings/api-keys'
let browser: Browser

before(async () => {
  browser = await launchChromium()
})
after(() => browser.close())

/** A key that was used for a month and met a limit today, one that was never used, and an app. */
async function open(t: TestContext, javaScriptEnabled: boolean) {
  const house = await startHouse(t, {
    change: (profile) => ({ ...profile, rateClasses: oneLimit(40, 3600) }),
  })
  leaveMidnight(house)
  const acme = await house.organization('Acme Photo Booths')
  await house.person(email, acme)
  const { key, secret } = await house.key(acme, 'live', ['read:bookings'])
  const { key: unused } = await house.key(acme, 'test', ['read:bookings'])
  const app = await house.app(acme, { name: 'Calendar Sync' })
  const tokens = await obtainTokens(house.url, app, email, 'read:bookings')
  for (let call = 0; call < 3; call += 1) await house.api('/bookings', tokens.access_token)
  await Promise.all(Array.from({ length: 44 }, () => house.api('/bookings', secret)))
  await house.settle()
  const past = lastDays(30, house.now()).slice(0, -1)
  const rows = past.map((day, index) => ({ day, calls: (index * 37) % 120, limited: index === 20 ? 15 : 0 }))
  const { knex } = house.database
  await knex('api_key_calls').insert(rows.map((row) => ({ ...row, key_id: key.id })))
  await knex('organization_calls').insert(
    rows.map((row) => ({ ...row, organization_id: acme.id, mode: 'live' })),
  )
  const context = await browser.newContext({ javaScriptEnabled })
  t.after(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  await page.goto(`${house.url}${keys}`)
  await page.getByLabel('Email address').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'API keys', level: 1 }).waitFor()
  const calls = rows.map((row) => row.calls)
  const sum = calls.reduce((a, b) => a + b, 0)
  return { house, page, complaints, key, unused, past, calls, sum }
}

/** The cells of each row of the table, in order. */
const cellsOf = async (page: Page) => {
  const texts = await page.locator('.figures tbody tr').allInnerTexts()
  return texts.map((text) => text.split('\t').map((cell) => cell.trim()))
}

const look = async (house: House, page: Page, path: string, heading: string) => {
  await page.goto(`${house.url}${path}`)
  await page.getByRole('heading', { name: heading, level: 1 }).waitFor()
}

test('a key, an app and an account show their calls of 30 days as a chart and as a table', async (t) => {
  const { house, page, complaints, key, unused, past, calls, sum } = await open(t, true)
  const inAll = (sum + 44).toLocaleString('en')
  await page.getByText(`${inAll} calls in 30 days`).waitFor()

  await look(house, page, `${keys}/${key.id}`, 'key')
  const panel = page.locator('section', { has: page.getByRole('heading', { name: 'Calls per day' }) })
  assert.match(await panel.innerText(), new RegExp(`${inAll} calls in the last 30 days, 19 of them refused`))
  assert.equal(await page.getByRole('img', { name: /^Calls on each of the last 30 days/ }).count(), 1)
  assert.equal(await page.locator('.calls rect.bar').count(), 30)
  assert.equal(await page.locator('.calls rect.limited').count(), 2)
  const today = await page.locator('.calls g title').last().textContent()
  assert.match(today ?? '', /: 44 calls, 4 over a limit$/)
  await page.getByText('The same as a table').click()
  assert.equal(await page.getByRole('table', { name: 'Calls with this key by day' }).count(), 1)
  const cells = await cellsOf(page)
  assert.deepEqual(cells[0]?.slice(1), ['44', '4'])
  assert.deepEqual(
    cells.map(([, number]) => number),
    ['44', ...calls.toReversed().map(String)],
  )
  assert.equal(await page.locator('.figures time').last().getAttribute('datetime'), past[0])
  await assertAccessible(page, 'usage-key-table')
  await page.setViewportSize({ width: 320, height: 800 })
  const [card, table] = [await panel.boundingBox(), await page.locator('.figures').boundingBox()]
  assert.ok(card && table && table.x >= card.x && table.x + table.width <= card.x + card.width)
  await page.setViewportSize({ width: 1280, height: 800 })
  await page.emulateMedia({ forcedColors: 'active' })
  const fills = await page.evaluate<string[]>(
    `['bar', 'limited'].map((it) => getComputedStyle(document.querySelector('.calls rect.' + it)).fill)`,
  )
  assert.equal(new Set(fills).size, 2, 'told apart also in the colours of the reader')
  await page.screenshot({ path: 'test-output/screenshots/usage-key-forced.png', fullPage: true })
  await page.emulateMedia({ forcedColors: 'none' })

  await look(house, page, `${keys}/${unused.id}`, 'key')
  await page.getByText('No calls yet').waitFor()
  assert.equal(await page.locator('.calls').count(), 0)

  await page.getByRole('link', { name: 'Connected apps' }).click()
  await page.getByRole('link', { name: 'Calendar Sync', exact: true }).click()
  await page.getByText('3 calls in the last 30 days').waitFor()

  await page.getByRole('link', { name: 'Usage' }).click()
  await page.getByText(`${(sum + 47).toLocaleString('en')} calls in the last 30 days`).waitFor()
  await assertAccessible(page, 'usage-account')
  await page.getByRole('link', { name: 'Test', exact: true }).click()
  await page.getByText('3 calls in the last 30 days').waitFor()
  await page.getByRole('link', { name: 'Live', exact: true }).click()
  await page.getByText(`${inAll} calls in the last 30 days`).waitFor()
  assert.deepEqual(complaints, [], 'nothing that the content policy forbids')
})

test('without JavaScript the table opens as well', async (t) => {
  const { house, page, key } = await open(t, false)
  await look(house, page, `${keys}/${key.id}`, 'key')
  const table = page.getByRole('table', { name: 'Calls with this key by day' })
  assert.equal(await table.isVisible(), false)
  await page.getByText('The same as a table').click()
  assert.ok(await table.isVisible())
  assert.equal(await page.locator('.calls rect.bar').count(), 30)
})
