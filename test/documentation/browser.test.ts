// The documentation in a real Chromium: readable at each width and in each colour scheme, with a script and without,
// asking nobody but this server.
import assert from 'node:assert/strict'
import { after, before, type TestContext, test } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { loadContract } from '../../src/core/contract.ts'
import { assertAccessible } from '../browser/axe.ts'
import { launchChromium } from '../browser/chromium.ts'
import { type House, startHouse } from '../support/house.ts'

const paths = ['/docs', '/docs/authentication', '/docs/errors', '/docs/limits', '/docs/reference']
let browser: Browser

before(async () => {
  browser = await launchChromium()
})
after(() => browser.close())

async function open(t: TestContext, house: House, options: BrowserContextOptions = {}) {
  const context = await browser.newContext(options)
  t.after(() => context.close())
  const complaints: string[] = []
  context.on('request', (request) => {
    const isOurs = request.url().startsWith(`${house.url}/`) || request.url().startsWith('data:')
    if (!isOurs) complaints.push(`asked ${request.url()}`)
  })
  context.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  context.on('weberror', (error) => {
    complaints.push(error.error().message)
  })
  return { page: await context.newPage(), complaints }
}

const nameOf = (path: string) => path.slice(1).replaceAll('/', '-')
const operationsOf = ({ profile, url }: House) => loadContract(profile, url).operations

/** swagger-ui has shown the document. */
async function showsReference(page: Page, operations: number): Promise<void> {
  await page
    .locator('.opblock')
    .nth(operations - 1)
    .waitFor()
}

test('every page says all that it has to say', async (t) => {
  const house = await startHouse(t)

  await t.test('to everybody, at every width, and asks nobody else for anything', async (t) => {
    const { page, complaints } = await open(t, house)
    for (const path of paths) {
      await page.goto(house.url + path)
      if (path === '/docs/reference') await showsReference(page, operationsOf(house).length)
      await assertAccessible(page, nameOf(path))
    }
    assert.equal(await page.locator('.opblock').count(), operationsOf(house).length)
    // A link into the list of those without a script leads to the same operations.
    await page.goto(`${house.url}/docs`)
    await page.goto(`${house.url}/docs/reference#keys`)
    await showsReference(page, operationsOf(house).length)
    await page.waitForFunction(
      'Math.abs(document.getElementById("operations-tag-keys").getBoundingClientRect().top) < 40',
    )
    assert.deepEqual(complaints, [])
  })

  await t.test('without a script', async (t) => {
    const { page, complaints } = await open(t, house, { javaScriptEnabled: false })
    for (const path of paths) {
      await page.goto(house.url + path)
      assert.equal(await page.getByRole('button').count(), 0, 'no button that does nothing')
      assert.equal(await page.locator('.side [aria-current=page]').getAttribute('href'), path)
    }
    for (const { method, path } of operationsOf(house))
      assert.ok(await page.getByText(`${method} ${path}`, { exact: true }).isVisible(), `${method} ${path}`)
    await page.getByRole('link', { name: 'This page as Markdown' }).click()
    assert.equal(new URL(page.url()).pathname, '/docs/reference.md')
    assert.deepEqual(complaints, [])
  })
})

test('an example is copied, and an operation is tried with a key in the header of the profile', async (t) => {
  const house = await startHouse(t, {
    change: (profile) => ({ ...profile, credentials: { ...profile.credentials, header: 'x-api-key' } }),
  })
  const { secret } = await house.key(await house.organization('Acme'), 'test', ['read:bookings'])
  const { page, complaints } = await open(t, house, { permissions: ['clipboard-read', 'clipboard-write'] })
  await page.goto(`${house.url}/docs`)
  await page.getByRole('button', { name: 'Copy example 2' }).click()
  await page.getByRole('status').filter({ hasText: 'Copied.' }).waitFor({ state: 'attached' })
  const copied = await page.evaluate<string>('navigator.clipboard.readText()')
  assert.equal(copied, `curl -i ${house.url}/api/v1/bookings \\\n  -H "x-api-key: $API_KEY"`)

  await page.goto(`${house.url}/docs/reference`)
  await page.getByRole('button', { name: 'Authorize', exact: true }).first().click()
  const field = page.locator('.auth-container', { hasText: 'An API key' }).getByRole('textbox')
  assert.ok(await page.getByText('x-api-key').first().isVisible(), 'the header is named')
  await field.fill(secret)
  await page.locator('.auth-container').getByRole('button', { name: 'Authorize' }).first().click()
  await assertAccessible(page, 'docs-reference-authorize')
  await page.getByRole('button', { name: 'Close', exact: true }).first().click()
  assert.equal(await page.locator(':focus').innerText(), 'Authorize', 'the focus is back where it came from')
  const me = page.locator('.opblock', { hasText: 'What the calling credential is' })
  await me.locator('.opblock-summary-control').click()
  await me.getByRole('button', { name: 'Try it out' }).click()
  await me.getByRole('button', { name: 'Execute' }).click()
  const answer = me.locator('.live-responses-table .response').first()
  assert.match(await answer.innerText(), /200/)
  assert.match(await answer.innerText(), /"kind": "api_key"/)
  const making = page.locator('.opblock', { hasText: 'Create a booking' })
  await making.locator('.opblock-summary-control').click()
  await making.getByRole('button', { name: 'Try it out' }).click()
  await page.setViewportSize({ width: 320, height: 900 })
  const name = await making.locator('tbody .parameters-col_name').boundingBox()
  assert.ok((name?.width ?? 0) > 60, 'a parameter’s name has room beside its description')
  await assertAccessible(page, 'docs-reference-tried')
  assert.deepEqual(complaints, [])
})
