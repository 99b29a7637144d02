// Examples that are the reader's own, and what is never in them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startHouse } from '../support/house.ts'
import { runExample } from '../support/markdown-examples.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const text = (html: string) => html.replace(/&#(\d+);/g, (_all, code) => String.fromCharCode(Number(code)))

test('who is signed in finds their newest key and their app in the examples, and nobody else does', async (t) => {
  const house = await startHouse(t)
  const { knex } = house.database
  const acme = await house.organization('Acme')
  const other = await house.organization('Other')
  await house.person('ann@acme.example', acme)
  const bo = await house.person('bo@acme.example', acme, 'MEMBER')
  await knex('memberships').insert({ organization_id: other.id, person_id: bo, role: 'ADMIN' })
  const { key } = await house.key(acme, 'live', ['read:bookings'])
  const revoked = await house.key(acme, 'live', ['read:bookings'])
  await knex('api_keys').where({ id: revoked.key.id }).update({ revoked_at: house.now() })
  const foreign = await house.key(other, 'test', ['read:bookings'])
  const app = await house.app(acme, { redirectUris: ['https://sync.example.com/back'] })

  const ann = new PersonBrowser(house.url)
  const before = await ann.open('/docs/authentication')
  assert.match(text(before.html), /export API_KEY='bz_test_…'/)
  assert.match(text(before.html), /export CLIENT_ID='app_…'/)
  await ann.signIn(await ann.open('/sign-in'), 'ann@acme.example')
  for (const path of ['/docs', '/docs/authentication']) {
    const page = await ann.open(path)
    assert.ok(text(page.html).includes(`export API_KEY='bz_live_…${key.lastFour}'`), path)
    assert.equal(page.headers.get('cache-control'), 'no-store')
  }
  const { html } = await ann.open('/docs/authentication')
  assert.ok(text(html).includes(`export CLIENT_ID='${app.clientId}'`))
  assert.ok(text(html).includes("export REDIRECT_URI='https://sync.example.com/back'"))
  assert.ok(!html.includes(foreign.key.lastFour) && !html.includes(revoked.key.lastFour))
  const markdown = await ann.open('/docs/authentication.md')
  assert.ok(
    !markdown.html.includes(key.lastFour) && !markdown.html.includes(app.clientId),
    'it may be shared',
  )

  // The organization that was looked at last in the console.
  const member = new PersonBrowser(house.url)
  await member.signIn(await member.open('/sign-in'), 'bo@acme.example')
  await member.open(`/admin/settings/api-keys?org=${other.slug}`)
  assert.ok(text((await member.open('/docs')).html).includes(`'bz_test_…${foreign.key.lastFour}'`))
  await member.open(`/admin/settings/api-keys?org=${acme.slug}`)
  assert.ok(text((await member.open('/docs')).html).includes(`'bz_live_…${key.lastFour}'`))
})

test('what a colleague registered is text on the page, and one word in the shell that it is pasted into', async (t) => {
  const house = await startHouse(t)
  const acme = await house.organization('Acme')
  await house.person('ann@acme.example', acme)
  const app = await house.app(acme)
  const hostile = `https://x.example/'; echo pwned; '\n\`\`\`\n<img src=x onerror=alert(1)> **bold** \`$(echo pwned)\``
  await house.database
    .knex('oauth_apps')
    .where({ client_id: app.clientId })
    .update({ redirect_uris: [hostile] })
  const ann = new PersonBrowser(house.url)
  await ann.signIn(await ann.open('/sign-in'), 'ann@acme.example')
  const { html } = await ann.open('/docs/authentication')
  assert.doesNotMatch(html, /<img|<strong>bold/)
  const example = [...html.matchAll(/<code>([^<]*export REDIRECT_URI=[^<]*)<\/code>/g)][0]?.[1] ?? ''
  const shell = `${text(example)}\nprintf %s "$REDIRECT_URI"`
  const printed = await runExample({ language: 'sh', text: shell, answer: null }, {})
  assert.equal(printed, hostile)
})
