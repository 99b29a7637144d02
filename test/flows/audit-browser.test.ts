// The audit log in a real Chromium: read, filtered, paged and taken along, with JavaScript and without.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { revokeKey } from '../../src/keys/change-key.ts'
import { assertAccessible } from '../browser/axe.ts'
import { launchChromium } from '../browser/chromium.ts'
import { queryDatabase } from '../support/database.ts'
import { type House, startHouse } from '../support/house.ts'
import { password } from '../support/password.ts'

const email = 'ann@acme.example'
let browser: Browser

before(async () => {
  browser = await launchChromium()
})
after(() => browser.close())

interface Scene {
  readonly house: House
  readonly page: Page
  readonly organization: string
  readonly complaints: readonly string[]
}

/** Ann, an administrator, signed in; her organization has an app, two keys of which one was revoked. */
async function open(
  t: Parameters<typeof startHouse>[0],
  options: BrowserContextOptions = {},
): Promise<Scene> {
  const house = await startHouse(t)
  const acme = await house.organization('Acme Photo Booths')
  await house.person(email, acme)
  await house.app(acme, { name: 'Calendar Sync <b>Pro</b>' })
  const { key } = await house.key(acme, 'live', ['read:bookings', 'write:bookings'])
  await house.key(acme, 'test', ['read:bookings'], new Date('2027-01-31T12:00:00Z'))
  const [ann] = await queryDatabase<{ id: string }>(house.databaseUrl, 'select id from persons')
  const by = {
    actor: { kind: 'person', id: `person_${ann?.id.slice(7)}` },
    address: '2001:db8:1234:5678:9abc:def0:1234:5678',
    requestId: 'req_01jdx3k7v9h2m5q8r4t6w1y3z5',
  } as const
  const reach = { organization: acme.id, mode: 'any' } as const
  await revokeKey(house.database.knex, { reach, id: key.id, by, now: new Date() })

  const context = await browser.newContext({ acceptDownloads: true, ...options })
  t.after(() => context.close())
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('the server responded with a status of'))
      complaints.push(message.text())
  })
  await page.goto(`${house.url}/admin/audit-log`)
  await page.getByLabel('Email address').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Audit log' }).waitFor()
  return { house, page, organization: acme.id, complaints }
}

/** As many sign-ins by nobody in particular, an hour apart. */
const fill = ({ house, organization }: Scene, rows: number) =>
  queryDatabase(
    house.databaseUrl,
    `with event as (
       insert into audit_events (at, organization_id, actor_kind, actor_id, action, target, address, request_id, details)
       select now() - n * interval '1 hour', $1, 'app', 'app_nobody', 'token.refreshed', 'grant_' || n, '192.0.2.' || n % 250,
              'req_' || n, '{"mode": "live", "scopes": ["read:bookings"]}'
       from generate_series(1, $2::int) n returning id
     ) insert into audit_unsealed select id from event`,
    [organization, rows],
  )

test('an administrator reads what was done, by whom, to what, and looks for one key', async (t) => {
  const scene = await open(t)
  const { page, complaints } = scene
  const row = page.getByRole('row').filter({ hasText: 'Revoked an API key' })
  assert.match(await row.innerText(), /ann@acme\.example/)
  assert.match(await row.innerText(), /2001:db8:/)
  assert.equal(await page.locator('main b').count(), 0, 'a name is text')
  await row.locator('summary').click()
  assert.ok(await row.getByText('req_01jdx3k7v9h2m5q8r4t6w1y3z5').isVisible())
  await assertAccessible(page, 'audit-log')

  const key = await row.getByTitle('Only what was done to it').innerText()
  await row.getByTitle('Only what was done to it').click()
  await page.getByRole('link', { name: 'Show everything' }).waitFor()
  assert.equal(await page.getByLabel('To what').inputValue(), key)
  assert.deepEqual(await page.locator('.deed').allInnerTexts(), ['Revoked an API key', 'Created an API key'])
  await page.getByLabel('Who').fill(email.toUpperCase())
  await page.getByRole('button', { name: 'Filter' }).click()
  assert.deepEqual(await page.locator('.deed').allInnerTexts(), ['Revoked an API key'])
  await assertAccessible(page, 'audit-log-filtered')

  await page.getByLabel('Action').selectOption('Deleted an API key')
  await page.getByRole('button', { name: 'Filter' }).click()
  await page.getByRole('heading', { name: 'Nothing matches this filter' }).waitFor()
  await assertAccessible(page, 'audit-log-nothing')

  await page.getByLabel('Who').fill('somebody')
  await page.getByRole('button', { name: 'Filter' }).click()
  await page.getByRole('alert').waitFor()
  assert.match(await page.title(), /^Error: /)
  assert.equal(await page.evaluate('document.activeElement.id'), 'mistake')
  assert.equal(await page.getByLabel('Who').inputValue(), 'somebody', 'what was typed is kept')
  await assertAccessible(page, 'audit-log-mistake')
  await page.getByRole('link', { name: 'Show everything' }).click()
  assert.ok((await page.locator('.deed').count()) >= 5)
  assert.deepEqual(complaints, [])
})

test('older pages follow, and lead back to the newest', async (t) => {
  const scene = await open(t)
  await fill(scene, 120)
  const { page } = scene
  await page.reload()
  const seen: string[] = []
  for (let pages = 1; ; pages += 1) {
    seen.push(
      ...(await page
        .locator('time')
        .evaluateAll((times) => times.map((it) => `${it.getAttribute('datetime')}`))),
    )
    if ((await page.getByRole('link', { name: 'Older' }).count()) === 0) break
    assert.ok(pages < 5)
    await page.getByRole('link', { name: 'Older' }).click()
  }
  assert.ok(seen.length > 120)
  assert.deepEqual(seen, [...new Set(seen)].sort().reverse(), 'each once, the newest first')
  await assertAccessible(page, 'audit-log-older')
  await page.getByRole('link', { name: 'Newest' }).click()
  await page.locator('.deed').filter({ hasText: 'Revoked an API key' }).waitFor()
})

test('an export shows how far it has come, and is saved when it is whole', async (t) => {
  const scene = await open(t)
  await fill(scene, 5000)
  const { page, complaints } = scene
  await page.reload()
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Export CSV' }).click()
  const file = await download
  assert.match(file.suggestedFilename(), /^audit-log-acme-photo-booths-\d{4}-\d\d-\d\d\.csv$/)
  const lines = (await readFile(await file.path(), 'utf8')).trimEnd().split('\r\n')
  const status = page.locator('#exporting-status')
  await status.filter({ hasText: 'Saved' }).waitFor()
  assert.equal(
    await status.innerText(),
    `Saved ${(lines.length - 1).toLocaleString('en')} rows as ${file.suggestedFilename()}.`,
  )
  assert.ok(lines.length > 5000)
  await assertAccessible(page, 'audit-log-exported')
  assert.deepEqual(complaints, [])
})

test('an export that is slow can be looked at, and cancelled', async (t) => {
  const scene = await open(t)
  const { page } = scene
  let go = () => {}
  await page.route('**/audit-log/export**', async (route) => {
    await new Promise<void>((resolve) => {
      go = resolve
    })
    await route.abort().catch(() => {})
  })
  await page.getByRole('link', { name: 'Export NDJSON' }).click()
  await page.getByRole('progressbar').waitFor()
  await assertAccessible(page, 'audit-log-exporting')
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByText('The export was cancelled. Nothing was saved.').waitFor()
  go()
  await page.getByRole('link', { name: 'Export NDJSON' }).click()
  await page.getByRole('progressbar').waitFor()
  go()
  await page.getByText('The export stopped before it was whole').waitFor()
})

test('without JavaScript it is read, filtered and downloaded all the same', async (t) => {
  const { page } = await open(t, { javaScriptEnabled: false })
  await page.getByLabel('Action').selectOption('Revoked an API key')
  await page.getByRole('button', { name: 'Filter' }).click()
  assert.deepEqual(await page.locator('.deed').allInnerTexts(), ['Revoked an API key'])
  await page.locator('summary').first().click()
  assert.ok(await page.getByText('req_01jdx3k7v9h2m5q8r4t6w1y3z5').isVisible())
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'Export NDJSON' }).click()
  const lines = (await readFile(await (await download).path(), 'utf8')).trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).action),
    ['key.revoked'],
    'exactly what is filtered',
  )
})

test('an account in which nothing was done says so', async (t) => {
  const { house, page } = await open(t)
  await queryDatabase(house.databaseUrl, 'truncate audit_events')
  await page.reload()
  await page.getByRole('heading', { name: 'Nothing has been done yet' }).waitFor()
  assert.equal(await page.getByRole('link', { name: 'Export CSV' }).count(), 0)
  await assertAccessible(page, 'audit-log-empty')
})
