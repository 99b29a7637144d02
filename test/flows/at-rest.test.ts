// What a thief of the database, or of the log, finds: nothing that opens anything.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertNotIn, dumpDatabase } from '../support/dump.ts'
import { startHouse } from '../support/house.ts'
import { lastLink } from '../support/invitations.ts'
import { password } from '../support/password.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { createPartner, provision } from '../support/platform.ts'
import { turnOnSecondFactor } from '../support/second-factor.ts'

const tokenIn = (text: string) => /[?&]token=([\w-]+)/.exec(text)?.[1] ?? ''

test('K3, K8, T23: neither the database nor the log holds a key, code, link, cookie or password', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person('ann@acme.example', organization)
  const secrets: Record<string, string> = { password }

  const browser = new PersonBrowser(house.url)
  await browser.signIn(await browser.open('/sign-in'), 'ann@acme.example')
  const form = await browser.open('/admin/settings/api-keys/new')
  const attempt = /name="attempt" value="([^"]+)"/.exec(form.html)?.[1] ?? ''
  const formToken = /name="form_token" value="([^"]+)"/.exec(form.html)?.[1] ?? ''
  // Made, and not shown yet: it waits, sealed.
  const fields = { form_token: formToken, attempt, org: 'acme', name: 'x', mode: 'test', lifetime: '90' }
  const body = new URLSearchParams({ ...fields, 'scope:bookings': 'read', addresses: '' })
  assert.equal((await browser.request('/admin/settings/api-keys', { method: 'POST', body })).status, 303)
  const waiting = await dumpDatabase(house.databaseUrl)
  const shown = await browser.open('/admin/settings/api-keys/created')
  secrets['key by page'] = /id="secret" readonly value="(\w+)"/.exec(shown.html)?.[1] ?? ''
  secrets['attempt'] = attempt
  assertNotIn(waiting, secrets['key by page'])

  const { secret: manager } = await house.key(organization, 'live', ['keys:write', 'read:bookings'])
  secrets['key that makes keys'] = manager
  const made = await house.api('/keys', manager, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'make-once-0001' },
    body: JSON.stringify({ name: 'x', scopes: ['read:bookings'] }),
  })
  secrets['key by API'] = ((await made.json()) as { secret: string }).secret
  const partner = await createPartner(house)
  secrets['platform key'] = partner.secret
  secrets['provisioned key'] = (await provision(house, partner, {}, 'connect-once-0001')).apiKey

  const invite = await browser.open('/admin/members')
  await browser.submit(invite, { email: 'bo@acme.example', role: 'MEMBER' })
  secrets['invitation'] = tokenIn(lastLink(house))
  const stranger = new PersonBrowser(house.url)
  await stranger.submit(await stranger.open('/forgot-password'), { email: 'ann@acme.example' })
  await house.settle()
  secrets['password link'] = tokenIn(house.mails.at(-1)?.text ?? '')
  const factor = await turnOnSecondFactor(house, browser)
  secrets['second factor'] = factor.secret
  for (const [at, code] of factor.recoveryCodes.entries()) secrets[`recovery code ${at}`] = code
  const halfway = new PersonBrowser(house.url)
  await halfway.signIn(await halfway.open('/sign-in'), 'ann@acme.example')
  for (const [at, cookie] of [...browser.cookies(), ...halfway.cookies()].entries())
    if (cookie.length >= 20) secrets[`cookie ${at}`] = cookie

  const dump = await dumpDatabase(house.databaseUrl)
  assert.ok(dump.includes('ann@acme.example') && dump.includes('bo@acme.example'), 'the dump is a dump')
  assert.ok(Object.keys(secrets).length > 22)
  for (const [name, secret] of Object.entries(secrets)) {
    assertNotIn(dump, secret)
    assertNotIn(dump, secret.replaceAll('-', ''))
    assert.ok(!house.log().includes(secret), `the ${name} is in the log`)
  }
})
