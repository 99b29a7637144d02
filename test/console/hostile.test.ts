// Every page, with everything that people and programs can write of themselves gone wrong.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { record } from '../../src/audit/record.ts'
import { byServer } from '../../src/core/attribution.ts'
import { insertGrant } from '../../src/oauth/grant-store.ts'
import { authorizationUrl, reachConsent } from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { createPartner, provision } from '../support/platform.ts'

const script = `"'><img src=x onerror=alert(1)><script>alert(2)</script>`
const hostile = `${script}\u202egnp.exe\u200b{{7*7}}<%= 7*7 %>`

test('U14: HTML in any name, address or program is shown as text on every page', async (t) => {
  const house = await startHouse(t)
  const { knex } = house.database
  const organization = await house.organization('Acme')
  const second = await house.organization('Second')
  const ann = await house.person('ann@acme.example', organization)
  await house.person('bo@acme.example', organization, 'MEMBER')
  await knex('memberships').insert({ organization_id: second.id, person_id: ann, role: 'ADMIN' })
  const { key, secret } = await house.key(organization, 'test', ['read:bookings'])
  const app = await house.app(organization)
  const grant = `grant_${'h'.repeat(24)}` as const
  await insertGrant(knex, {
    ...{ id: grant, client: app.clientId, person: ann, organization: organization.id, mode: 'test' },
    ...{ scopes: [hostile], resource: hostile, createdAt: new Date(), expiresAt: new Date(Date.now() + 9e6) },
  })
  await knex('grant_uses').insert({
    ...{ grant_id: grant, used_at: new Date(), address: hostile, client: hostile, operation: hostile },
  })
  const details = { cause: hostile, client: app.clientId, person: ann }
  await knex.transaction((tx) =>
    record(tx, {
      ...{ organization: organization.id, by: byServer, action: 'grant.revoked', target: hostile, details },
    }),
  )
  await provision(house, await createPartner(house), { organizationName: script, userName: script })
  await house.api('/me', secret, { headers: { 'User-Agent': script } })
  await house.settle()

  const browser = new PersonBrowser(house.url)
  const headers = { 'User-Agent': script }
  const signIn = await browser.open('/sign-in')
  await browser.submit(signIn, { email: script, password: script })
  await browser.signIn(await browser.open('/sign-in', { headers }), 'ann@acme.example')
  await browser.submit(await browser.open('/admin/members'), { email: 'cy@acme.example', role: 'MEMBER' })
  // Past every check that stands at the door: what is in the database is not trusted either.
  await knex('organizations').update({ name: hostile })
  await knex('persons').update({ name: hostile })
  await knex('api_keys').update({ name: hostile })
  await knex('oauth_apps').update({ name: hostile })
  await knex('person_sessions').update({ client: hostile, address: hostile })
  await knex('api_key_uses').update({ client: hostile, address: hostile })

  const keys = '/admin/settings/api-keys'
  const invitation = await knex('invitations').first()
  const addresses = [
    keys,
    `${keys}?search=${encodeURIComponent(hostile)}&mode=${encodeURIComponent(hostile)}&done=${encodeURIComponent(hostile)}`,
    `${keys}/new`,
    ...['', '/rotate', '/revoke', '/deactivate', '/delete'].map((verb) => `${keys}/${key.id}${verb}`),
    ...['', '?of=account', `/${grant}`, `/${grant}/remove`, `/${grant}/remove-install`].map(
      (end) => `/admin/settings/connected-apps${end}`,
    ),
    `/admin/settings/connected-apps?after=${encodeURIComponent(hostile)}&ended=${encodeURIComponent(hostile)}&done=${encodeURIComponent(hostile)}&of=${encodeURIComponent(hostile)}`,
    `/admin/settings/usage?mode=${encodeURIComponent(hostile)}`,
    '/admin/members',
    `/admin/members/${ann}/remove`,
    `/admin/members/invitations/${invitation.id}`,
    '/admin/account',
    '/admin/audit-log',
    `/admin/audit-log?who=${encodeURIComponent(hostile)}&action=${encodeURIComponent(hostile)}&target=${encodeURIComponent(hostile)}&from=${encodeURIComponent(hostile)}`,
    `/sign-in?next=${encodeURIComponent(`/${hostile}`)}`,
    `/invitation?token=${encodeURIComponent(hostile)}`,
    `/setup?token=${encodeURIComponent(hostile)}`,
    `/${encodeURIComponent(hostile)}`,
    '/docs',
    '/docs/authentication',
    '/forgot-password',
  ]
  const assertPlain = (html: string, address: string) => {
    assert.doesNotMatch(html, /<img src=x|<script>alert|onerror=alert\(1\)>/, address)
    assert.doesNotMatch(html.replace(/\{\{7\*7\}\}|&lt;%= 7\*7 %&gt;/g, ''), /<%=/, address)
  }
  let shown = 0
  for (const address of addresses) {
    const page = await browser.open(address)
    assert.ok(page.status < 500, `${address}: ${page.status}`)
    if (page.html.includes('&lt;img src=x')) shown += 1
    assertPlain(page.html, address)
  }
  assert.ok(shown >= 18, `${shown} pages show hostile text`)

  const consent = await reachConsent(
    browser,
    authorizationUrl(house.url, app.clientId, 'read:bookings'),
    'ann@acme.example',
  )
  assert.match(consent.html, /&lt;img src=x/)
  assertPlain(consent.html, 'consent')
  const stranger = new PersonBrowser(house.url)
  const wrong = await stranger.submit(await stranger.open('/sign-in'), { email: hostile, password: 'x' })
  assertPlain(wrong.html, 'sign-in')
})
