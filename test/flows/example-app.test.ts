import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { reachConsent } from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'
import { PersonBrowser } from '../support/person-browser.ts'

test('the example app of the README goes through the whole flow', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person('ann@acme.example', organization)
  await house.rows(organization, 'test', 'bookings', [
    { id: `bk_${'1'.repeat(26)}`, starts_at: '2027-01-01T10:00:00Z' },
  ])
  const { clientId } = await house.app(organization)
  const child = spawn(process.execPath, ['examples/oauth-app.mjs', clientId, house.url])
  let printed = ''
  const link = new Promise<string>((resolve) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text
      const found = /(http\S+\/oauth\/authorize\?\S+)/.exec(printed)?.[1]
      if (found) resolve(found)
    })
  })
  t.after(() => child.kill())
  const closed = once(child, 'close')
  const browser = new PersonBrowser(house.url)
  const asked = { url: await link, verifier: '', state: '' }
  const consent = await reachConsent(browser, asked, 'ann@acme.example')
  const back = await browser.submit(consent, { organization: organization.id, decision: 'allow' })
  await fetch(back.url)
  const [code] = await closed
  assert.equal(code, 0)
  assert.match(printed, /Got tokens for "read:bookings", good for 3600 s\./)
  assert.equal(printed.match(/GET \/api\/v1\/bookings: 200, first of them bk_1{26} at 2027/g)?.length, 2)
})
