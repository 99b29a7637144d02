// The second factor: codes that work once, recovery codes, and no session without them.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type House, startHouse } from '../support/house.ts'
import { password } from '../support/password.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import {
  authenticatorOf,
  halfway,
  isSignedIn,
  recoveryCodesOn,
  secretOn,
  turnOnSecondFactor,
} from '../support/second-factor.ts'

const email = 'ann@acme.example'
const spaced = (code: string) => ` ${code.slice(0, 3)} ${code.slice(3)} `

/** A house with Ann, who has turned the second factor on in `browser`. */
async function open(t: TestContext) {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const browser = new PersonBrowser(house.url)
  await browser.signIn(await browser.open('/sign-in'), email)
  return { house, organization, browser, app: await turnOnSecondFactor(house, browser) }
}

const actionsOf = async (house: House) =>
  (await house.database.knex('audit_events').orderBy('id').select('action')).map(
    ({ action }: { action: string }) => action,
  )

test('a password alone opens no session where there is a second factor; the code does', async (t) => {
  const { house, app } = await open(t)
  const { browser, page } = await halfway(house, email)
  assert.equal(browser.cookie('latchkey_session'), undefined)
  assert.match((await browser.open('/admin')).html, /name="password"/, 'halfway in is not in')
  assert.match(page.html, /inputmode="numeric" autocomplete="one-time-code"/)

  const wrong = await browser.submit(page, { code: '000000' })
  assert.equal(wrong.status, 422)
  assert.match(wrong.html, /id="mistake"/)
  const inside = await browser.submit(wrong, { code: spaced(app.nextCode()) })
  assert.ok(isSignedIn(inside), 'spaces are no mistake, and a wrong code before it neither')
  assert.match(inside.url, /\/admin\/account$/, 'where one wanted to go')
  assert.equal(browser.cookie('latchkey_sign_in'), undefined)
  const actions = await actionsOf(house)
  assert.ok(actions.includes('person.second_factor_enabled'))
  assert.deepEqual(actions.slice(-2), ['person.sign_in_failed', 'person.signed_in'])
})

test('codes of the step before and after are taken, older and newer ones are not', async (t) => {
  const { house, app } = await open(t)
  for (const [stepsAway, isGood] of [
    [-2, false],
    [2, false],
    [-1, true],
    [1, true],
  ] as const) {
    house.travel(90) // far from the codes that were spent
    app.nextCode()
    const { browser, page } = await halfway(house, email)
    assert.equal(
      isSignedIn(await browser.submit(page, { code: app.code(stepsAway) })),
      isGood,
      `${stepsAway}`,
    )
  }
})

test('a code works once: not again, not the one before it, and of two at once one wins', async (t) => {
  const { house, app } = await open(t)
  const spend = async (code: string) => {
    const { browser, page } = await halfway(house, email)
    return isSignedIn(await browser.submit(page, { code }))
  }
  const code = app.nextCode()
  assert.equal(await spend(code), true)
  assert.equal(await spend(code), false, 'the same again')
  assert.equal(await spend(app.code(-1)), false, 'the one before')

  const fresh = app.nextCode()
  const waiting = [await halfway(house, email), await halfway(house, email), await halfway(house, email)]
  const pages = await Promise.all(waiting.map(({ browser, page }) => browser.submit(page, { code: fresh })))
  assert.equal(pages.filter(isSignedIn).length, 1)
})

test('a step works once and for five minutes: of two codes sent for it at once one wins', async (t) => {
  const { house, app } = await open(t)
  const { browser, page } = await halfway(house, email)
  const before = await sessionCount(house)
  const codes = [app.nextCode(), ...app.recoveryCodes.slice(0, 2)]
  const tries = codes.map((code) => new PersonBrowser(house.url, browser).submit(page, { code }))
  const ends = await Promise.all(tries)
  assert.equal(ends.filter(isSignedIn).length, 1)
  assert.equal((await sessionCount(house)) - before, 1)
  const left = await house.database.knex('recovery_codes').whereNull('used_at')
  const isAppFirst = left.length === 10
  assert.ok(isAppFirst || left.length === 9, 'a code is spent for a session alone')

  const late = await halfway(house, email)
  house.travel(301)
  const refused = await late.browser.submit(late.page, { code: app.nextCode() })
  assert.match(refused.html, /took too long/)
  assert.match(refused.html, /name="password"/)
})

const sessionCount = async (house: House) => (await house.database.knex('person_sessions')).length

test('a recovery code works once, however it is typed, and of two at once one wins', async (t) => {
  const { house, app } = await open(t)
  const [first = '', second = ''] = app.recoveryCodes
  const spend = async (code: string) => {
    const { browser, page } = await halfway(house, email)
    const recovery = await browser.open(`${page.url}&use=recovery`)
    assert.match(recovery.html, /Use a recovery code/)
    return browser.submit(recovery, { code })
  }
  const kindly = first.toUpperCase().replaceAll('-', ' ').replaceAll('0', 'O').replaceAll('1', 'l')
  assert.ok(isSignedIn(await spend(kindly)))
  const again = await spend(first)
  assert.equal(again.status, 422)
  assert.match(again.html, /used already/)
  const ends = await Promise.all([spend(second), spend(second), spend(second)])
  assert.equal(ends.filter(isSignedIn).length, 1)
  const { rows } = await house.database.knex.raw(
    "select details from audit_events where action = 'person.recovery_code_used' order by id",
  )
  assert.deepEqual(
    rows.map((row: { details: unknown }) => row.details),
    [{ left: 9 }, { left: 8 }],
  )
})

test('U4: wrong codes are counted by account, whichever browser they come from', async (t) => {
  const { house, app } = await open(t)
  const waiting: Awaited<ReturnType<typeof halfway>>[] = []
  for (let time = 0; time < 13; time += 1) waiting.push(await halfway(house, email))
  const ends = await Promise.all(waiting.map(({ browser, page }) => browser.submit(page, { code: '000000' })))
  assert.equal(ends.filter(({ status }) => status === 422).length, 10)
  const refused = ends.filter(({ status }) => status === 429)
  assert.equal(refused.length, 3)
  assert.match(refused[0]?.headers.get('retry-after') ?? '', /^\d+$/)
  assert.match(refused[0]?.html ?? '', /Wait \d+ minutes/)
  const { browser, page } = await halfway(house, email)
  assert.equal((await browser.submit(page, { code: app.nextCode() })).status, 429, 'not even the right one')
})

test('the secret is sealed, codes are hashed, and neither is logged or shown again', async (t) => {
  const { house, browser, app } = await open(t)
  const dump = JSON.stringify(
    await Promise.all(
      ['second_factors', 'recovery_codes', 'one_time_reveals', 'audit_events'].map((table) =>
        house.database.knex(table),
      ),
    ),
  )
  const again = await browser.open('/admin/account/recovery-codes')
  assert.match(again.html, /already shown/)
  for (const code of app.recoveryCodes) {
    assert.ok(!again.html.includes(code))
    assert.ok(!dump.includes(code.replaceAll('-', '')) && !dump.includes(code))
    assert.ok(!house.log().includes(code))
  }
  assert.match((await browser.open('/admin/account/second-factor/confirm')).url, /\/admin\/account$/)
})

test('turning it on needs the password and a code, and is done once', async (t) => {
  const house = await startHouse(t)
  await house.person(email, await house.organization('Acme'))
  const browser = new PersonBrowser(house.url)
  await browser.signIn(await browser.open('/sign-in'), email)
  const begin = await browser.open('/admin/account/second-factor')
  assert.equal((await browser.submit(begin, { current_password: 'wrong' })).status, 422)
  const confirm = await browser.submit(begin, { current_password: password })
  const secret = secretOn(confirm.html)
  const wrong = await browser.submit(confirm, { code: '000000' })
  assert.equal(wrong.status, 422)
  assert.equal(secretOn(wrong.html), secret, 'the page is shown again as it was')
  assert.equal((await house.database.knex('second_factors').first()).confirmed_at, null)
  const outside = new PersonBrowser(house.url)
  assert.ok(isSignedIn(await outside.signIn(await outside.open('/sign-in'), email)), 'begun is not on')

  const code = authenticatorOf(house, secret).code()
  const [one, two] = await Promise.all([
    browser.submit(wrong, { code }),
    new PersonBrowser(house.url, browser).submit(wrong, { code }),
  ])
  assert.deepEqual([one.status, two.status], [200, 200])
  const shown = [one, two].filter(({ html }) => recoveryCodesOn(html).length === 10)
  assert.equal(shown.length, 1, 'a double click makes one set of codes, shown once')
  assert.equal((await house.database.knex('recovery_codes')).length, 10)
})

test('a secret that nobody confirms within an hour is begun anew', async (t) => {
  const house = await startHouse(t)
  await house.person(email, await house.organization('Acme'))
  const browser = new PersonBrowser(house.url)
  await browser.signIn(await browser.open('/sign-in'), email)
  const begin = await browser.open('/admin/account/second-factor')
  const first = secretOn((await browser.submit(begin, { current_password: password })).html)
  house.travel(3601)
  assert.match((await browser.open('/admin/account/second-factor/confirm')).url, /second-factor$/)
  const second = secretOn((await browser.submit(begin, { current_password: password })).html)
  assert.notEqual(first, second)
})

test('new recovery codes need a code and end the old ones; turning it off needs password and code', async (t) => {
  const { house, browser, app } = await open(t)
  const [old = ''] = app.recoveryCodes
  const renew = await browser.open('/admin/account/recovery-codes/new')
  assert.equal((await browser.submit(renew, { code: '000000' })).status, 422)
  const codes = recoveryCodesOn((await browser.submit(renew, { code: app.nextCode() })).html)
  assert.equal(codes.length, 10)

  const off = await browser.open('/admin/account/second-factor/off')
  const turnOff = (word: string, code: string) => browser.submit(off, { current_password: word, code })
  assert.equal((await turnOff('wrong', app.nextCode())).status, 422)
  assert.equal((await turnOff(password, old)).status, 422, 'an old recovery code')
  assert.equal((await turnOff(password, '')).status, 422)
  const waiting = await halfway(house, email)
  const done = await turnOff(password, codes[0] ?? '')
  assert.match(done.html, /Two-step sign-in is off/)
  const again = await waiting.browser.submit(waiting.page, { code: app.nextCode() })
  assert.match(again.html, /name="password"/, 'who was halfway in begins again')
  const outside = new PersonBrowser(house.url)
  assert.ok(isSignedIn(await outside.signIn(await outside.open('/sign-in'), email)))
  assert.deepEqual(
    (await actionsOf(house)).filter((action) => /factor|recovery_codes/.test(action)),
    ['person.second_factor_enabled', 'person.recovery_codes_created', 'person.second_factor_disabled'],
  )
})
