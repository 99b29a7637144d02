// The second factor where it meets the rest: apps, links, new passwords, new cookie keys, and lost phones.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { byCommandLine } from '../../src/core/attribution.ts'
import { dropSecondFactor } from '../../src/operators/second-factor.ts'
import { createSetUpToken } from '../../src/operators/set-up-link.ts'
import { authorizationUrl } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'
import { password } from '../support/password.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { authenticatorOf, halfway, isSignedIn, turnOnSecondFactor } from '../support/second-factor.ts'

const email = 'ann@acme.example'

/** A house with Ann, who has turned the second factor on in `browser`. */
async function open(t: TestContext) {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const browser = new PersonBrowser(house.url)
  await browser.signIn(await browser.open('/sign-in'), email)
  return { house, organization, browser, app: await turnOnSecondFactor(house, browser) }
}

test('on the way to an app the code is asked for, also when the app wants a new sign-in', async (t) => {
  const { house, organization, app } = await open(t)
  const client = await house.app(organization)
  const browser = new PersonBrowser(house.url)
  const enter = async (change: Readonly<Record<string, string>>) => {
    const asked = authorizationUrl(house.url, client.clientId, 'read:bookings', change)
    const signIn = await browser.open(asked.url)
    const page = await browser.signIn(signIn, email)
    assert.match(page.url, /\/interaction\/[^/]+\/code$/)
    assert.match(page.html, /Calendar Sync/)
    assert.match((await browser.open(page.url.replace(/\/code$/, ''))).html, /name="password"/, 'not in yet')
    const recovery = await browser.open(`${page.url}?use=recovery`)
    assert.match(recovery.html, /Use a recovery code/)
    assert.equal((await browser.submit(recovery, { code: 'wrong' })).status, 422)
    return browser.submit(page, { code: app.nextCode() })
  }
  assert.match((await enter({})).html, /wants access/)
  assert.match((await enter({ prompt: 'login' })).html, /wants access/)
})

test('a password by link is only half of a sign-in for who has a second factor', async (t) => {
  const { house, app } = await open(t)
  const { id } = await house.database.knex('persons').first('id')
  const token = await createSetUpToken(house.database.knex, id, house.now())
  const visitor = new PersonBrowser(house.url)
  const page = await visitor.open(`/setup?token=${token.reveal()}`)
  const words = 'another long password'
  const next = await visitor.submit(page, { password: words, password_again: words })
  assert.match(next.url, /\/sign-in\/code/)
  assert.equal((await house.database.knex('person_sessions')).length, 0)
  assert.ok(isSignedIn(await visitor.submit(next, { code: app.nextCode() })))
})

test('a password that was changed in between ends what was halfway in', async (t) => {
  const { house, browser, app } = await open(t)
  const { browser: other, page } = await halfway(house, email)
  const form = await browser.open('/admin/account/password')
  const words = 'another long password'
  await browser.submit(form, { current_password: password, password: words, password_again: words })
  assert.match((await other.submit(page, { code: app.nextCode() })).html, /name="password"/)
})

test('U16: with new cookie keys people stay signed in, forms sent before count, and second factors open', async (t) => {
  const [a, b] = ['a'.repeat(40), 'b'.repeat(40)]
  const first = await startHouse(t, { env: { COOKIE_KEYS: a } })
  await first.person(email, await first.organization('Acme'))
  const browser = new PersonBrowser(first.url)
  await browser.signIn(await browser.open('/sign-in'), email)
  const { secret } = await turnOnSecondFactor(first, browser)
  const form = await browser.open('/admin/account')
  const { databaseUrl } = first
  const sealed = await first.database.knex('second_factors').first('sealed')

  const second = await startHouse(t, { env: { COOKIE_KEYS: `${b},${a}` }, databaseUrl })
  const later = new PersonBrowser(second.url, browser)
  const renamed = await later.submit(form, { name: 'Ann' }, '/admin/account/name')
  assert.match(renamed.html, /Your name was changed/)
  const enter = async (house: House) => {
    const { browser: visitor, page } = await halfway(house, email)
    return isSignedIn(await visitor.submit(page, { code: authenticatorOf(house, secret).code() }))
  }
  second.travel(300)
  assert.ok(await enter(second))
  const resealed = await second.database.knex('second_factors').first('sealed')
  assert.ok(!sealed.sealed.equals(resealed.sealed), 'sealed anew')

  const third = await startHouse(t, { env: { COOKIE_KEYS: b }, databaseUrl })
  third.travel(600)
  assert.ok(await enter(third), 'the old key is needed no longer')
})

test('whoever runs the server can take a second factor off that nobody can use any more', async (t) => {
  const { house } = await open(t)
  const { id } = await house.database.knex('persons').first('id')
  const waiting = await halfway(house, email)
  assert.equal(await dropSecondFactor(house.database.knex, id, byCommandLine), true)
  assert.equal(await dropSecondFactor(house.database.knex, id, byCommandLine), false)
  assert.match((await waiting.browser.open('/sign-in/code')).html, /name="password"/)
  const visitor = new PersonBrowser(house.url)
  assert.ok(isSignedIn(await visitor.signIn(await visitor.open('/sign-in'), email)))
  const [entry, ...more] = await house.database.knex('audit_events').where({
    action: 'person.second_factor_disabled',
  })
  assert.deepEqual([entry.actor_kind, entry.target, more.length], ['command_line', id, 0])
})
