// What a person does with the own account: name, password, sessions.
import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { type TestContext, test } from 'node:test'
import { shortClient } from '../../src/console/words.ts'
import { hashPassword } from '../../src/operators/password.ts'
import { obtainCode } from '../support/authorization.ts'
import { type House, type HouseOptions, startHouse } from '../support/house.ts'
import { password } from '../support/password.ts'
import { type Page, PersonBrowser } from '../support/person-browser.ts'

const email = 'ann@acme.example'
const words = 'another long password'

async function open(t: TestContext, options: HouseOptions = {}) {
  const house = await startHouse(t, options)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  return { house, organization, browser: await signedIn(house) }
}

async function signedIn(house: House, who = email): Promise<PersonBrowser> {
  const browser = new PersonBrowser(house.url)
  await browser.signIn(await browser.open('/sign-in'), who)
  assert.ok(browser.cookie('latchkey_session'))
  return browser
}

const isIn = async (browser: PersonBrowser) => /\/admin\//.test((await browser.open('/admin')).url)
const sessionIds = ({ html }: Page) => [...html.matchAll(/sessions\/(session_\w+)\/end/g)].map(([, id]) => id)
const actions = async (house: House, action: string) =>
  await house.database.knex('audit_events').where({ action }).orderBy('id')

test('a person changes the own name, and takes it away; what is too long is shown again', async (t) => {
  const { house, browser } = await open(t)
  const page = await browser.open('/admin/account')
  const rename = (name: string) => browser.submit(page, { name }, '/admin/account/name')
  assert.match((await rename('  Ann <b>of</b>  Acme ')).html, /value="Ann &lt;b&gt;of&lt;\/b&gt; Acme"/)
  const long = await rename('x'.repeat(101))
  assert.equal(long.status, 422)
  assert.match(long.html, /<title>Error: /)
  assert.match(long.html, /value="x{101}"/, 'what was typed is kept')
  for (const name of ['a\u0000b', 'Ann\u202Eadmin', 'Ann\u2066!', 'A\u2028nn']) {
    assert.equal((await rename(name)).status, 422, `U14 ${JSON.stringify(name)}`)
  }
  assert.match((await rename('')).html, /Your name was changed/)
  assert.deepEqual(
    (await actions(house, 'person.renamed')).map(({ details }) => details),
    [
      { from: null, to: 'Ann <b>of</b> Acme' },
      { from: 'Ann <b>of</b> Acme', to: null },
    ],
  )
})

test('an address with a word that no sentence belongs to shows none, whatever it is called', async (t) => {
  const { house, organization, browser } = await open(t)
  const { key } = await house.key(organization, 'test', ['read:bookings'])
  const keys = '/admin/settings/api-keys'
  for (const page of ['/admin/account', '/admin/members', keys, `${keys}/${key.id}`]) {
    for (const word of ['constructor', '__proto__', 'toString']) {
      const { status, html } = await browser.open(`${page}?done=${word}`)
      assert.equal(status, 200, page)
      assert.doesNotMatch(html, /class="notice"/, `${page} ${word}`)
    }
  }
})

test('U7: a new password gives this browser a new session and ends every other, the engine’s too', async (t) => {
  const { house, organization, browser } = await open(t)
  const other = await signedIn(house)
  await obtainCode(house.url, await house.app(organization), email, 'read:bookings', other)
  const before = browser.cookie('latchkey_session') ?? ''
  const page = await browser.open('/admin/account/password')
  const change = (current: string, next: string, again = next) =>
    browser.submit(page, { current_password: current, password: next, password_again: again })
  for (const [mistake, field] of [
    [await change('wrong', words), 'current_password'],
    [await change(password, 'short'), 'password'],
    [await change(password, words, 'something else'), 'password_again'],
  ] as const) {
    assert.equal(mistake.status, 422)
    assert.match(mistake.html, new RegExp(`<a href="#${field}">`))
    assert.match(mistake.html, new RegExp(`id="${field}"[^>]*aria-invalid="true"`))
  }
  assert.ok(await isIn(other), 'a mistake changes nothing')
  const done = await change(password, words)
  assert.match(done.html, /Your password was changed/)
  assert.notEqual(browser.cookie('latchkey_session'), before)
  assert.ok(await isIn(browser))
  assert.equal(await isIn(other), false)
  const fixed = await fetch(`${house.url}/admin/account`, {
    headers: { Cookie: `latchkey_session=${before}` },
    redirect: 'manual',
  })
  assert.equal(fixed.status, 303, 'the old id opens nothing')
  assert.equal((await house.database.knex('oauth_sessions').whereNotNull('person_id')).length, 0)
  assert.equal((await actions(house, 'person.password_changed')).length, 1)
  assert.ok(!house.log().includes(words))
})

test('of two new passwords at once one is taken, and one session is left', async (t) => {
  const { house, browser } = await open(t)
  const page = await browser.open('/admin/account/password')
  const change = (next: string) =>
    new PersonBrowser(house.url, browser).submit(page, {
      current_password: password,
      password: next,
      password_again: next,
    })
  const ends = await Promise.all([change('the first new password'), change('the second new password')])
  assert.equal(ends.filter(({ html }) => html.includes('Your password was changed')).length, 1)
  assert.equal((await house.database.knex('person_sessions')).length, 1)
})

test('a password that is changed while somebody signs in with the old one opens nothing', async (t) => {
  const { house } = await open(t)
  const { knex } = house.database
  await knex('person_sessions').delete()
  const visitor = new PersonBrowser(house.url)
  const page = await visitor.open('/sign-in')
  const change = await knex.transaction()
  await change('persons').update({ password_hash: await hashPassword(words) })
  const signIn = visitor.signIn(page, email)
  await someoneWaits(house)
  await change.commit()
  assert.equal((await signIn).status, 422)
  assert.equal((await knex('person_sessions')).length, 0)
})

/** Until a statement in the house's database waits for another's lock. */
async function someoneWaits(house: House): Promise<void> {
  for (;;) {
    const [{ waiting } = { waiting: 0 }] = await house.asOwner<{ waiting: number }>(
      "select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
    )
    if (waiting > 0) return
  }
}

test('U4: guesses at the password from inside count as those from outside', async (t) => {
  const { house, browser } = await open(t)
  const page = await browser.open('/admin/account/second-factor')
  const guess = () => new PersonBrowser(house.url, browser).submit(page, { current_password: 'wrong' })
  const ends = await Promise.all(Array.from({ length: 12 }, guess))
  assert.equal(ends.filter(({ status }) => status === 422).length, 10)
  assert.equal(ends.filter(({ status }) => status === 429).length, 2)
  const outside = new PersonBrowser(house.url)
  assert.equal((await outside.signIn(await outside.open('/sign-in'), email)).status, 429)
})

test('sessions are listed by a public id, ended one at a time, and another’s is as one that is not there', async (t) => {
  const { house, organization, browser } = await open(t)
  const other = await signedIn(house)
  await house.person('bob@acme.example', organization)
  const bob = await signedIn(house, 'bob@acme.example')
  const page = await browser.open('/admin/account')
  const ids = sessionIds(page)
  assert.equal(ids.length, 1, 'this one is ended by signing out')
  assert.match(page.html, /This browser/)
  for (const secret of [browser, other].map((it) => it.cookie('latchkey_session') ?? '?')) {
    assert.ok(!page.html.includes(secret))
  }
  const bobs = await bob.open('/admin/account')
  const end = (as: PersonBrowser, at: Page, id: string) =>
    as.open(`/admin/account/sessions/${id}/end`, {
      method: 'POST',
      body: new URLSearchParams({ form_token: /form_token" value="([^"]+)"/.exec(at.html)?.[1] ?? '' }),
    })
  assert.equal((await end(bob, bobs, ids[0] ?? '')).status, 404)
  assert.equal((await end(bob, bobs, 'session_000000000000000000000000')).status, 404)
  assert.equal((await end(browser, page, 'x%00')).status, 400)
  assert.ok(await isIn(other))
  assert.match((await end(browser, page, ids[0] ?? '')).html, /That session was signed out/)
  assert.equal(await isIn(other), false)
  assert.equal((await end(browser, page, ids[0] ?? '')).status, 404, 'ended once')
  assert.equal((await actions(house, 'person.session_ended')).length, 1)
})

test('U7: signing out everywhere ends this browser’s session, every other, and the engine’s', async (t) => {
  const { house, organization, browser } = await open(t)
  const other = await signedIn(house)
  await obtainCode(house.url, await house.app(organization), email, 'read:bookings', other)
  const page = await browser.open('/admin/account')
  const end = await browser.submit(page, {}, '/admin/account/sign-out-everywhere')
  assert.match(end.html, /name="password"/)
  assert.equal(await isIn(other), false)
  assert.equal((await house.database.knex('person_sessions')).length, 0)
  assert.equal((await house.database.knex('oauth_sessions').whereNotNull('person_id')).length, 0)
})

test('U7: signing in again in a browser takes the place of the session that it had', async (t) => {
  const { house, browser } = await open(t)
  const before = browser.cookie('latchkey_session')
  const form = await new PersonBrowser(house.url).open('/sign-in')
  const token = /form_token" value="([^"]+)"/.exec((await browser.open('/admin')).html)?.[1] ?? ''
  await browser.submit(
    { ...form, html: form.html.replace(/(form_token" value=")[^"]+/, `$1${token}`) },
    {
      email,
      password,
    },
  )
  assert.notEqual(browser.cookie('latchkey_session'), before)
  assert.equal((await house.database.knex('person_sessions')).length, 1)
})

test('U5: nothing of the account changes by a form that is not ours', async (t) => {
  const { house, browser } = await open(t)
  const other = await signedIn(house)
  const page = await other.open('/admin/account')
  const token = /form_token" value="([^"]+)"/.exec(page.html)?.[1] ?? ''
  const paths = ['name', 'password', 'second-factor', 'second-factor/confirm', 'second-factor/off']
  for (const path of [...paths, 'recovery-codes/new', 'sign-out-everywhere', 'sessions/session_x/end']) {
    const post = (form_token: string, headers: Record<string, string>) =>
      browser.request(`/admin/account/${path}`, {
        method: 'POST',
        body: new URLSearchParams({ form_token, current_password: password, name: 'Eve' }),
        headers,
      })
    assert.equal((await post('', {})).status, 403, path)
    assert.equal((await post(token, {})).status, 403, `${path}: another session's token`)
    const own = /form_token" value="([^"]+)"/.exec((await browser.open('/admin/account')).html)?.[1] ?? ''
    assert.equal((await post(own, { 'Sec-Fetch-Site': 'same-site' })).status, 403, path)
  }
  assert.equal((await house.database.knex('persons').first()).name, null)
  assert.equal(await house.database.knex('second_factors').first(), undefined)
})

test('U3: a wrong password for somebody known stands in the ledger of the organization, for nobody else', async (t) => {
  const { house } = await open(t)
  const visitor = new PersonBrowser(house.url)
  const page = await visitor.open('/sign-in')
  await visitor.submit(page, { email: 'nobody@acme.example', password: 'wrong' })
  await house.settle()
  assert.deepEqual(await actions(house, 'person.sign_in_failed'), [])
  await visitor.submit(page, { email, password: 'wrong' })
  await house.settle()
  const [entry, ...more] = await actions(house, 'person.sign_in_failed')
  assert.equal(more.length, 0)
  const { id } = await house.database.knex('persons').first('id')
  assert.deepEqual(
    [entry.target, entry.actor_kind, entry.address, entry.details],
    [id, 'server', '127.0.0.1', { factor: 'password' }],
  )
  assert.ok(entry.organization_id && entry.request_id)
})

test('U1: a password hashed with lower parameters is hashed anew when it is right, and only then', async (t) => {
  const { house } = await open(t)
  const argon2 = (await import('argon2')).default
  const weak = await argon2.hash(password, {
    type: argon2.argon2id,
    memoryCost: 8192,
    timeCost: 1,
    parallelism: 1,
  })
  const { knex } = house.database
  await knex('persons').update({ password_hash: weak })
  const visitor = new PersonBrowser(house.url)
  const page = await visitor.open('/sign-in')
  const hash = async (): Promise<string> => (await knex('persons').first()).password_hash
  await visitor.submit(page, { email, password: 'wrong' })
  assert.equal(await hash(), weak)
  await visitor.submit(page, { email, password })
  const renewed = await hash()
  assert.match(renewed, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
  await signedIn(house)
  assert.equal(await hash(), renewed, 'once')
})

test('U7: under https each cookie of ours is bound to the host, and no script reads it', async (t) => {
  const house = await startHouse(t, { env: { PUBLIC_URL: 'https://auth.acme.example' } })
  await house.person(email, await house.organization('Acme'))
  const ask = (path: string, headers: Record<string, string>, body?: URLSearchParams) =>
    requestAs('auth.acme.example', house.url + path, headers, body)
  const page = await ask('/sign-in', {})
  const [browserCookie = ''] = page.cookies
  const formToken = /form_token" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
  const signIn = await ask(
    '/sign-in',
    { Cookie: browserCookie.split(';')[0] ?? '' },
    new URLSearchParams({ email, password, form_token: formToken }),
  )
  assert.equal(signIn.status, 303)
  const cookies = [...page.cookies, ...signIn.cookies]
  assert.equal(cookies.length, 2)
  for (const cookie of cookies) {
    assert.match(cookie, /^__Host-latchkey_(browser|session)=/)
    for (const attribute of ['path=/', 'secure', 'httponly', 'samesite=lax']) {
      assert.ok(cookie.toLowerCase().includes(`; ${attribute}`), `${cookie}: ${attribute}`)
    }
    assert.ok(!/domain=/i.test(cookie))
  }
})

/** fetch() sets the Host header by itself. */
function requestAs(host: string, url: string, headers: Record<string, string>, body?: URLSearchParams) {
  return new Promise<{ status: number; cookies: string[]; text: string }>((resolve, reject) => {
    const type = { 'Content-Type': 'application/x-www-form-urlencoded' }
    const options = {
      method: body ? 'POST' : 'GET',
      headers: { Host: host, ...headers, ...(body ? type : {}) },
    }
    const sent = httpRequest(url, options, async (response) => {
      const chunks: Buffer[] = []
      for await (const chunk of response) chunks.push(chunk)
      const text = Buffer.concat(chunks).toString('utf8')
      resolve({ status: response.statusCode ?? 0, cookies: response.headers['set-cookie'] ?? [], text })
    })
    sent.once('error', reject)
    sent.end(body?.toString())
  })
}

test('browsers are told by their name and system', () => {
  const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'
  const safari =
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15'
  assert.equal(shortClient(firefox), 'Firefox on Linux')
  assert.equal(shortClient(safari), 'Safari on macOS')
})
