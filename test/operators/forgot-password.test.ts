// A forgotten password: a link by mail, and not a word about who is known.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type HouseOptions, startHouse } from '../support/house.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const email = 'ann@acme.example'
const words = 'another long password'

async function open(t: TestContext, options: HouseOptions = {}) {
  const house = await startHouse(t, options)
  await house.person(email, await house.organization('Acme'))
  return house
}

test('U3: a link for a forgotten password is mailed to who is known, and nobody else can tell', async (t) => {
  const house = await open(t)
  const visitor = new PersonBrowser(house.url)
  const browser = new PersonBrowser(house.url)
  await browser.signIn(await browser.open('/sign-in'), email)
  const page = await visitor.open('/forgot-password')
  const known = await visitor.submit(page, { email: email.toUpperCase() })
  const unknown = await visitor.submit(page, { email: 'nobody@acme.example' })
  assert.deepEqual([known.status, known.url, known.html], [unknown.status, unknown.url, unknown.html])
  assert.equal((await visitor.submit(page, { email: 'no address' })).status, 422)
  await house.settle()
  assert.deepEqual(
    house.mails.map(({ to }) => to),
    [email],
  )
  await visitor.submit(page, { email })
  await house.settle()
  const [first = '', second = ''] = house.mails.map(({ text }) => /http\S+/.exec(text)?.[0] ?? '')
  assert.equal((await visitor.open(first)).status, 410, 'a later link ends the one before')
  const choose = await visitor.open(second)
  assert.ok(/\/admin\//.test((await visitor.submit(choose, { password: words, password_again: words })).url))
  assert.equal(/\/admin\//.test((await browser.open('/admin')).url), false, 'every session has ended')
  assert.equal((await visitor.open(second)).status, 410)
  const token = new URL(second).searchParams.get('token') ?? ''
  assert.ok(token.length > 20 && !house.log().includes(token))
  assert.equal((await house.database.knex('audit_events').where({ action: 'person.link_created' })).length, 2)
})

test('U4: mails for a forgotten password are counted by account and by address, known or not', async (t) => {
  const house = await open(t)
  const visitor = new PersonBrowser(house.url)
  const page = await visitor.open('/forgot-password')
  const ask = async (who: string) => (await visitor.submit(page, { email: who })).status
  for (const who of [email, 'nobody@acme.example']) {
    const statuses: number[] = []
    for (let time = 0; time < 4; time += 1) statuses.push(await ask(who))
    assert.deepEqual(statuses, [200, 200, 200, 429], who)
  }
  const many = await Promise.all(Array.from({ length: 20 }, (_, index) => ask(`p${index}@acme.example`)))
  assert.equal(many.filter((status) => status === 429).length, 8, 'twenty for one address')
  await house.settle()
  assert.equal(house.mails.length, 3)
})

test('where no mail is sent, the page says whom to ask', async (t) => {
  const house = await open(t, { mailWay: 'nowhere' })
  const page = await new PersonBrowser(house.url).open('/forgot-password')
  assert.match(page.html, /latchkey person reset-password/)
  assert.ok(!page.html.includes('<form'))
})
