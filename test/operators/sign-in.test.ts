// People: the one-time link, sign-in and its throttle, sessions, forms. SECURITY U1 to U5, U7, U8.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { returnPath } from '../../src/console/return-path.ts'
import { hashPassword, verifyPassword } from '../../src/operators/password.ts'
import { createSetUpToken } from '../../src/operators/set-up-link.ts'
import { type House, startHouse } from '../support/house.ts'
import { password } from '../support/password.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const email = 'ann@acme.example'

async function open(t: Parameters<typeof startHouse>[0]) {
  const house = await startHouse(t)
  await house.person(email, await house.organization('Acme'))
  return { house, browser: new PersonBrowser(house.url) }
}

async function setUpLink(house: House): Promise<string> {
  const person = await house.database.knex('persons').first('id')
  const token = await createSetUpToken(house.database.knex, person.id, new Date())
  return `/setup?token=${token.reveal()}`
}

test('a set-up link works once, and not after 30 minutes', async (t) => {
  const { house, browser } = await open(t)
  const link = await setUpLink(house)
  const page = await browser.open(link)
  assert.match(page.html, /ann@acme\.example/)
  const choose = (word: string) => browser.submit(page, { password: word, password_again: word })
  assert.equal((await choose('short')).status, 422)
  assert.equal((await choose('x'.repeat(300))).status, 422)
  const [one, two] = await Promise.all([choose('first long password'), choose('second long password')])
  assert.deepEqual([one.status, two.status].sort(), [200, 410], 'of two at once one is first')
  assert.equal((await browser.open(link)).status, 410)
  assert.equal((await new PersonBrowser(house.url).open('/setup?token=guessed')).status, 410)

  const late = await setUpLink(house)
  house.travel(30 * 60 - 5)
  assert.equal((await new PersonBrowser(house.url).open(late)).status, 200)
  house.travel(10)
  assert.equal((await new PersonBrowser(house.url).open(late)).status, 410)
})

test('a new password ends the sessions and the other links of the person', async (t) => {
  const { house, browser } = await open(t)
  await browser.signIn(await browser.open('/sign-in'), email)
  const [one, two] = [await setUpLink(house), await setUpLink(house)]
  const visitor = new PersonBrowser(house.url)
  const page = await visitor.open(two)
  await visitor.submit(page, { password: 'another long password', password_again: 'another long password' })
  assert.equal((await new PersonBrowser(house.url).open(one)).status, 410)
  assert.match((await browser.open('/admin')).html, /name="password"/, 'who was signed in is so no longer')
  assert.match((await visitor.open('/admin')).html, /API keys/)
})

test('U3: who is unknown is answered as who is wrong', async (t) => {
  const { house, browser } = await open(t)
  const page = await browser.open('/sign-in')
  const wrong = await browser.submit(page, { email, password: 'wrong password' })
  const unknown = await browser.submit(page, { email: 'bob@acme.example', password: 'wrong password' })
  assert.deepEqual([wrong.status, unknown.status], [422, 422])
  assert.equal(wrong.html.replaceAll(email, ''), unknown.html.replaceAll('bob@acme.example', ''))
  for (const odd of ['', 'x', 'a\0b@acme.example', `${'x'.repeat(50_000)}@acme.example`]) {
    assert.equal((await browser.submit(page, { email: odd, password: 'x' })).status, 422, odd.slice(0, 20))
  }
  assert.equal(await house.database.knex('person_sessions').first(), undefined)
  assert.equal(await verifyPassword(null, password), false)
})

test('U4: wrong passwords are counted by account, whatever address is claimed; the right one is not', async (t) => {
  const { house, browser } = await open(t)
  const page = await browser.open('/sign-in')
  const attempt = (word: string, forwarded: string) => {
    const formToken = /name="form_token" value="([^"]+)"/.exec(page.html)?.[1] ?? ''
    return browser.request('/sign-in', {
      method: 'POST',
      body: new URLSearchParams({ email: email.toUpperCase(), password: word, form_token: formToken }),
      headers: { 'X-Forwarded-For': forwarded },
    })
  }
  for (let time = 0; time < 12; time += 1) assert.equal((await attempt(password, '192.0.2.1')).status, 303)
  const statuses = await Promise.all(
    Array.from({ length: 14 }, async (_, time) => (await attempt('wrong', `192.0.2.${time}`)).status),
  )
  assert.equal(statuses.filter((status) => status === 422).length, 10, 'also when all come at once')
  assert.equal(statuses.filter((status) => status === 429).length, 4)
  const refused = await attempt(password, '192.0.2.99')
  assert.equal(refused.status, 429)
  assert.match(refused.headers.get('retry-after') ?? '', /^\d+$/)
  assert.ok(!house.log().includes(password))
})

test('U4: a spelling that PostgreSQL alone takes for the account is no second set of tries', async (t) => {
  const house = await startHouse(t)
  await house.person('ina@acme.example', await house.organization('Acme'))
  for (const address of ['İna@acme.example', 'INA@ACME.EXAMPLE']) {
    const browser = new PersonBrowser(house.url)
    await browser.signIn(await browser.open('/sign-in'), address)
    const isIn = browser.cookie('latchkey_session') !== undefined
    assert.equal(isIn, address === 'INA@ACME.EXAMPLE', address)
  }
})

test('U7: a session is new at sign-in, ends at sign-out, after idling, and at its end', async (t) => {
  const { house, browser } = await open(t)
  const cookie = () => browser.cookie('latchkey_session') ?? ''
  const isSignedIn = async (id: string) => {
    const response = await fetch(`${house.url}/admin/settings/api-keys`, {
      headers: { Cookie: `latchkey_session=${id}` },
      redirect: 'manual',
    })
    return response.status === 200
  }
  await browser.signIn(await browser.open('/sign-in'), email)
  const first = cookie()
  assert.ok(await isSignedIn(first))
  assert.equal(await isSignedIn('fixed-before-sign-in'), false)
  const console = await browser.open('/admin')
  await browser.open('/sign-out', {
    method: 'POST',
    body: new URLSearchParams({ form_token: /form_token" value="([^"]+)"/.exec(console.html)?.[1] ?? '' }),
  })
  assert.equal(await isSignedIn(first), false, 'on the server too')

  await browser.signIn(await browser.open('/sign-in'), email)
  const second = cookie()
  assert.notEqual(second, first)
  for (let hours = 0; hours < 7 * 24 - 8; hours += 8) {
    house.travel(8 * 3600)
    assert.ok(await isSignedIn(second), `after ${hours + 8} busy hours`)
  }
  house.travel(9 * 3600)
  assert.equal(await isSignedIn(second), false, 'seven days are the end')

  await browser.signIn(await browser.open('/sign-in'), email)
  house.travel(12 * 3600 + 1)
  assert.equal(await isSignedIn(cookie()), false, 'twelve idle hours are the end')
})

test('U5: sign-in and sign-out are taken from our own forms alone', async (t) => {
  const { house, browser } = await open(t)
  const post = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
    browser.request(path, { method: 'POST', body: new URLSearchParams(fields), headers })
  assert.equal((await post('/sign-in', { email, password })).status, 403)
  const page = await browser.open('/sign-in')
  const formToken = /name="form_token" value="([^"]+)"/.exec(page.html)?.[1] ?? ''
  const right = { email, password, form_token: formToken }
  assert.equal((await post('/sign-in', right, { 'Sec-Fetch-Site': 'same-site' })).status, 403)
  assert.equal((await post('/sign-in', right, { Origin: 'https://evil.example' })).status, 403)
  assert.equal((await post('/sign-in', right, { Origin: 'null' })).status, 403)
  assert.equal((await post('/sign-in', right, { Origin: house.url })).status, 303)
  assert.equal(
    (await post('/sign-out', { form_token: formToken })).status,
    403,
    "a token of the browser is none of the session's",
  )
  assert.equal((await browser.open('/admin')).status, 200)
})

test('U8: after sign-in one is sent to a path of ours, whatever was asked', async (t) => {
  const { browser } = await open(t)
  for (const next of [
    '/.//evil.example',
    '/x/..//evil.example',
    '/..//evil.example',
    '/./\\\\evil.example',
    '//evil.example',
    '/\\evil.example',
    'https:evil.example',
    'https://evil.example',
    '/%09/evil.example',
    '',
    'x',
  ]) {
    const path = returnPath(next, '/home')
    assert.equal(new URL(path, 'http://localhost').host, 'localhost', next)
  }
  assert.equal(returnPath('/admin/settings/api-keys?org=x', '/home'), '/admin/settings/api-keys?org=x')
  const page = await browser.open(`/sign-in?next=${encodeURIComponent('//evil.example/')}`)
  const landed = await browser.signIn(page, email)
  assert.match(landed.url, /\/admin\/settings\/api-keys$/)
})

test('U1, U2: argon2id at 19 MiB, a few at a time, and no end of a queue', async () => {
  const hash = await hashPassword(password)
  assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  assert.ok(await verifyPassword(hash, password))
  assert.equal(await verifyPassword(hash, 'wrong'), false)
  const started = performance.now()
  assert.equal(await verifyPassword(hash, 'x'.repeat(100_000)), false)
  assert.ok(performance.now() - started < 10, 'a long text is not hashed')
  const results = await Promise.allSettled(Array.from({ length: 60 }, () => verifyPassword(hash, 'wrong')))
  const refused = results.filter((result) => result.status === 'rejected')
  assert.ok(refused.length > 0 && refused.length < 60)
  for (const { reason } of refused) assert.equal(reason.code, 'busy')
})
