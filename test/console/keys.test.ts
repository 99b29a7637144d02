// The pages for keys: who may do what, and that a form is worth what it is and no more.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type House, startHouse } from '../support/house.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const path = '/admin/settings/api-keys'
const chosen = { name: 'Export', mode: 'test', 'scope:bookings': 'read', lifetime: '90', addresses: '' }

async function signedIn(house: House, email: string): Promise<PersonBrowser> {
  const browser = new PersonBrowser(house.url)
  await browser.signIn(await browser.open('/sign-in'), email)
  return browser
}

async function open(t: TestContext) {
  const house = await startHouse(t)
  const acme = await house.organization('Acme')
  const ann = await house.person('ann@acme.example', acme, 'ADMIN')
  const mo = await house.person('mo@acme.example', acme, 'MEMBER')
  return { house, acme, ann, mo, admin: await signedIn(house, 'ann@acme.example') }
}

const secretOf = (html: string) => /id="secret" readonly value="(\w+)"/.exec(html)?.[1]

test('a form sent twice makes one key, and its secret is shown to the one who comes first', async (t) => {
  const { house, admin } = await open(t)
  const form = await admin.open(`${path}/new`)
  const [one, two] = await Promise.all([admin.submit(form, chosen), admin.submit(form, chosen)])
  const shown = [one, two].map(({ html }) => secretOf(html)).filter(Boolean)
  assert.equal(shown.length, 1)
  assert.equal((await house.database.knex('api_keys')).length, 1)
  assert.equal((await house.api('/bookings', shown[0] ?? '')).status, 200)
  for (const address of [`${path}/created`, `${path}/created`])
    assert.match((await admin.open(address)).html, /This key was already shown/)
  const rows = await house.database.knex('one_time_reveals')
  assert.deepEqual([rows.length, rows[0].sealed], [1, null], 'what was shown is kept no longer')
})

test('K3: what waits to be shown is sealed, is for the browser that asked, and waits ten minutes', async (t) => {
  const { house, admin } = await open(t)
  const form = await admin.open(`${path}/new`)
  const token = /name="form_token" value="([^"]+)"/.exec(form.html)?.[1] ?? ''
  const attempt = /name="attempt" value="([^"]+)"/.exec(form.html)?.[1] ?? ''
  const make = async () => {
    const body = new URLSearchParams({ ...chosen, form_token: token, attempt, org: 'acme' })
    const made = await admin.request(path, { method: 'POST', body })
    assert.equal(made.headers.get('location'), `${house.url}${path}/created`.slice(house.url.length))
    assert.match(
      made.headers.getSetCookie().join(),
      /latchkey_reveal=[^;]+;.*path=\/admin\/settings\/api-keys;/i,
    )
  }
  await make()
  const [row] = await house.database.knex('one_time_reveals')
  assert.ok(!row.sealed.toString('latin1').includes('bz_test_'))
  const other = await signedIn(house, 'ann@acme.example')
  assert.equal(
    secretOf((await other.open(`${path}/created`)).html),
    undefined,
    'another browser sees nothing',
  )
  house.travel(601)
  assert.match((await admin.open(`${path}/created`)).html, /This key was already shown/)
})

test('a member sees names and makes test keys; what is for administrators is refused', async (t) => {
  const { house, acme, admin } = await open(t)
  const { key: live, secret } = await house.key(acme, 'live', ['read:bookings'])
  await house.database.knex('api_keys').where({ id: live.id }).update({ name: 'The till' })
  const member = await signedIn(house, 'mo@acme.example')
  const list = await member.open(path)
  assert.match(list.html, /The till/)
  assert.doesNotMatch(list.html, new RegExp(`${live.lastFour}|${live.id}`), 'its name, and no part of it')

  const form = await member.open(`${path}/new`)
  assert.doesNotMatch(form.html, /value="live"|scope:keys/)
  for (const more of [{ mode: 'live' }, { mode: 'both' }]) {
    const refused = await member.submit(form, { ...chosen, ...more })
    assert.equal(refused.status, 422)
    assert.match(refused.html, /Choose whether the key is for test data/)
  }
  const smuggled = await member.submit(form, { ...chosen, 'scope:keys': 'write' })
  const made = secretOf(smuggled.html) ?? ''
  const { scopes } = (await (await house.api('/me', made)).json()) as { scopes: string[] }
  assert.deepEqual(scopes, ['read:bookings'], 'what the form does not offer is not given')

  const token = /name="form_token" value="([^"]+)"/.exec(form.html)?.[1] ?? ''
  for (const verb of ['', '/rotate', '/revoke', '/deactivate', '/delete'])
    assert.equal((await member.open(`${path}/${live.id}${verb}`)).status, 403, verb)
  for (const verb of ['rotate', 'revoke', 'deactivate', 'activate', 'delete', 'end-overlap']) {
    const body = new URLSearchParams({ form_token: token, overlap: '0', attempt: 'a'.repeat(43) })
    const refused = await member.request(`${path}/${live.id}/${verb}`, { method: 'POST', body })
    assert.equal(refused.status, 403, verb)
  }
  assert.equal((await house.api('/bookings', secret)).status, 200, 'and nothing has changed')
  assert.equal((await member.open('/admin/settings/usage')).status, 403, 'how much the account calls')
  assert.doesNotMatch(list.html, /settings\/usage/)

  const own = await house.database.knex('api_keys').where({ mode: 'test' }).first()
  assert.equal((await member.open(`${path}/${own.id}`)).status, 200, 'their own test key they manage')
  const revoked = await member.submit(await member.open(`${path}/${own.id}/revoke`), {})
  assert.match(revoked.html, /The key has been revoked/)
  assert.equal((await house.api('/bookings', made)).status, 401)
  assert.match((await admin.open(`${path}/${own.id}`)).html, /by <bdi>mo@acme\.example/)
})

test('U13: the keys of another organization are as keys that are not there', async (t) => {
  const { house, admin } = await open(t)
  const other = await house.organization('Other')
  await house.person('bo@other.example', other)
  const { key, secret } = await house.key(other, 'live', ['read:bookings'])
  const page = await admin.open(path)
  const token = /name="form_token" value="([^"]+)"/.exec(page.html)?.[1] ?? ''
  for (const verb of ['', '/rotate', '/revoke', '/deactivate', '/delete'])
    assert.equal((await admin.open(`${path}/${key.id}${verb}`)).status, 404, verb)
  for (const verb of ['rotate', 'revoke', 'deactivate', 'activate', 'delete', 'end-overlap']) {
    const body = new URLSearchParams({ form_token: token, overlap: '0', attempt: 'a'.repeat(43) })
    assert.equal(
      (await admin.request(`${path}/${key.id}/${verb}`, { method: 'POST', body })).status,
      404,
      verb,
    )
  }
  const body = new URLSearchParams({ ...chosen, form_token: token, attempt: 'a'.repeat(43), org: 'other' })
  assert.equal((await admin.request(path, { method: 'POST', body })).status, 404)
  assert.equal((await admin.open(`${path}?org=other`)).status, 404)
  assert.equal((await house.api('/bookings', secret)).status, 200)
  assert.equal((await house.database.knex('api_keys')).length, 1)
})

test('U5: each form of keys is taken from our own pages alone, from somebody who is signed in', async (t) => {
  const { house, acme, admin } = await open(t)
  const { key, secret } = await house.key(acme, 'test', ['read:bookings'])
  const second = await signedIn(house, 'ann@acme.example')
  const tokenOf = (html: string) => /name="form_token" value="([^"]+)"/.exec(html)?.[1] ?? ''
  const own = tokenOf((await admin.open(path)).html)
  const others = tokenOf((await second.open(path)).html)
  const post = (token: string, headers: Record<string, string> = {}) =>
    admin.request(`${path}/${key.id}/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ form_token: token }),
      headers,
    })
  assert.equal((await post('')).status, 403)
  assert.equal((await post(others)).status, 403, "another session's token")
  for (const headers of [
    { Origin: 'https://evil.example' },
    { Origin: 'http://acme.localhost' },
    { 'Sec-Fetch-Site': 'same-site' },
    { 'Sec-Fetch-Site': 'cross-site' },
  ] as Record<string, string>[])
    assert.equal((await post(own, headers)).status, 403, JSON.stringify(headers))
  assert.equal((await house.api('/bookings', secret)).status, 200)
  const stranger = await fetch(`${house.url}${path}/${key.id}`, { redirect: 'manual' })
  assert.equal(stranger.headers.get('location'), `/sign-in?next=${encodeURIComponent(`${path}/${key.id}`)}`)
  assert.equal((await post(own)).status, 303)
  assert.equal((await house.api('/bookings', secret)).status, 401)
})

test('bad fields are told on the page, with what was typed, and nothing is made', async (t) => {
  const { house, admin } = await open(t)
  const form = await admin.open(`${path}/new`)
  for (const [change, said, field] of [
    [{ name: '  ' }, 'Give the key a name', 'name'],
    [{ name: 'x'.repeat(101) }, 'The name may have 100 characters at most', 'name'],
    [{ name: '<script>alert(1)</script>', mode: '' }, 'Choose whether the key is for test data', 'mode-test'],
    [{ 'scope:bookings': 'none' }, 'Choose at least one scope', 'scopes-first'],
    [{ 'scope:bookings': 'everything' }, 'Choose one of the offered levels', 'scopes-first'],
    [{ lifetime: '1000000' }, 'Choose when the key expires', 'lifetime'],
    [{ addresses: '192.0.2.0/24 here' }, '&quot;here&quot; is no address', 'addresses'],
    [{ addresses: '::1\n'.repeat(51) }, 'At most 50 addresses', 'addresses'],
  ] as const) {
    const page = await admin.submit(form, { ...chosen, ...change })
    assert.equal(page.status, 422, said)
    assert.match(page.html, /<title>Error: /)
    assert.ok(
      page.html.includes(`<a href="#${field}">${said}`),
      `${said}: ${/id="mistake"[\s\S]{0,300}/.exec(page.html)?.[0]}`,
    )
    assert.ok(page.html.includes(`id="${field}"`), field)
    assert.doesNotMatch(page.html, /<script>alert/)
  }
  assert.equal((await house.database.knex('api_keys')).length, 0)
})

test('a rotation without its overlap is asked again, and makes nothing', async (t) => {
  const { house, acme, admin } = await open(t)
  const { key, secret } = await house.key(acme, 'test', ['read:bookings'])
  const form = await admin.open(`${path}/${key.id}/rotate`)
  const page = await admin.submit(form, { overlap: '5' })
  assert.equal(page.status, 422)
  assert.match(page.html, /<title>Error: Rotate/)
  assert.match(page.html, /<a href="#overlap">Choose when the old key should stop/)
  assert.match(page.html, /<select id="overlap"[^>]* aria-invalid="true"/)
  assert.equal((await house.database.knex('api_keys')).length, 1)
  assert.ok(secretOf((await admin.submit(page, { overlap: '0' })).html), 'the form that is shown again works')
  assert.equal((await house.api('/me', secret)).status, 401)
})

test('K6: asking for the page without wanting to see it (HEAD) does not use it up', async (t) => {
  const { admin } = await open(t)
  const form = await admin.open(`${path}/new`)
  const token = /name="form_token" value="([^"]+)"/.exec(form.html)?.[1] ?? ''
  const attempt = /name="attempt" value="([^"]+)"/.exec(form.html)?.[1] ?? ''
  const body = new URLSearchParams({ ...chosen, form_token: token, attempt, org: 'acme' })
  assert.equal((await admin.request(path, { method: 'POST', body })).status, 303)
  await admin.request(`${path}/created`, { method: 'HEAD' })
  assert.ok(secretOf((await admin.open(`${path}/created`)).html))
})

test('keys past the profile’s rotation age say "Rotate soon", and those that end soon say when', async (t) => {
  const { house, acme, admin } = await open(t)
  await house.key(acme, 'test', ['read:bookings'])
  const status = async () => /<span class="state \w+">([^<]+)</.exec((await admin.open(path)).html)?.[1]
  assert.equal(await status(), 'Active')
  const { knex } = house.database
  await knex('api_keys').update({ created_at: new Date(Date.now() - 91 * 86_400_000) })
  assert.equal(await status(), 'Rotate soon')
  await knex('api_keys').update({ expires_at: new Date(Date.now() + 5.5 * 86_400_000) })
  assert.equal(await status(), 'Expires in 5 days')
  await knex('api_keys').update({ expires_at: new Date(Date.now() - 1000) })
  assert.equal(await status(), 'Expired')
})
