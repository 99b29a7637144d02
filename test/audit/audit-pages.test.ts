// The audit log's page and its exports, as a browser without JavaScript gets them.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EventFilter, eventsQuery } from '../../src/audit/read-store.ts'
import { verifyLedger } from '../../src/audit/verify.ts'
import { asTenant } from '../../src/db/tenant.ts'
import { deleteKey, revokeKey } from '../../src/keys/change-key.ts'
import { insertMembership } from '../../src/organizations/membership-store.ts'
import type { Organization } from '../../src/organizations/organization-store.ts'
import { queryDatabase } from '../support/database.ts'
import { type House, startHouse } from '../support/house.ts'
import { type Page, PersonBrowser } from '../support/person-browser.ts'

const path = '/admin/audit-log'
const ann = 'ann@acme.example'

interface Scene {
  readonly house: House
  readonly acme: Organization
  readonly browser: PersonBrowser
}

async function open(t: TestContext): Promise<Scene> {
  const house = await startHouse(t)
  const acme = await house.organization('Acme')
  await house.person(ann, acme)
  return { house, acme, browser: await signIn(house, ann) }
}

async function signIn(house: House, email: string): Promise<PersonBrowser> {
  const browser = new PersonBrowser(house.url)
  await browser.signIn(await browser.open('/sign-in'), email)
  return browser
}

const fill = (house: House, organization: string | null, rows: number) =>
  queryDatabase(
    house.databaseUrl,
    `with event as (
       insert into audit_events (at, organization_id, actor_kind, actor_id, action, target, details)
       select now() - n * interval '1 second', $1, 'app', 'app_' || n % 50, (array['token.refreshed', 'token.issued'])[n % 2 + 1],
              'grant_' || n % 1000, '{"mode": "live"}'
       from generate_series(1, $2::int) n returning id
     ) insert into audit_unsealed select id from event`,
    [organization, rows],
  )

const deeds = ({ html }: Page) => [...html.matchAll(/class="deed">([^<]+)</g)].map(([, deed]) => deed)
const href = ({ html }: Page, text: string) =>
  new RegExp(`<a (?:class="standalone" )?href="([^"]+)">${text}</a>`)
    .exec(html)?.[1]
    ?.replaceAll('&amp;', '&')

test("U15 the log is for administrators: a member gets a 403 page, nobody's browser the way to sign in", async (t) => {
  const { house, acme } = await open(t)
  await house.person('max@acme.example', acme, 'MEMBER')
  const member = await signIn(house, 'max@acme.example')
  for (const address of [path, `${path}?org=acme`, `${path}/export?format=csv`]) {
    const page = await member.open(address)
    assert.equal(page.status, 403, address)
    assert.match(page.html, /<h1>/)
    assert.ok(!page.html.includes('org_'))
    const stranger = await new PersonBrowser(house.url).open(address)
    assert.match(stranger.url, /\/sign-in\?next=/)
  }
})

test('U13 nobody sees the log of another organization, nor what belongs to none', async (t) => {
  const { house, browser } = await open(t)
  const other = await house.organization('Other')
  await house.key(other, 'live', ['read:bookings'])
  await fill(house, null, 3)
  const mine = await browser.open(path)
  assert.ok(!mine.html.includes(other.id))
  assert.ok(!deeds(mine).some((deed) => deed?.includes('token')))
  assert.equal((await browser.open(`${path}?org=other`)).status, 404)
  assert.equal((await browser.open(`${path}/export?format=csv&org=other`)).status, 404)
  const csv = await browser.open(`${path}/export?format=csv&target=${other.id}`)
  assert.equal(csv.html.split('\r\n').length, 2, 'a header alone')
})

test('it tells who did what to what, from where, in which request, with names also of what is gone', async (t) => {
  const { house, acme, browser } = await open(t)
  const { knex } = house.database
  const { key } = await house.key(acme, 'live', ['read:bookings'])
  const [person] = await queryDatabase<{ id: `person_${string}` }>(
    house.databaseUrl,
    'select id from persons',
  )
  assert.ok(person)
  const by = {
    actor: { kind: 'person', id: person.id },
    address: '192.0.2.7',
    requestId: 'req_0123',
  } as const
  const request = { reach: { organization: acme.id, mode: 'any' }, id: key.id, by, now: new Date() } as const
  await revokeKey(knex, request)
  await deleteKey(knex, request)
  const page = await browser.open(`${path}?target=${key.id}`)
  assert.deepEqual(deeds(page), ['Deleted an API key', 'Revoked an API key', 'Created an API key'])
  assert.match(page.html, /<bdi>ann@acme\.example<\/bdi>/)
  assert.match(page.html, /“<bdi>key<\/bdi>”/, 'the name of a key that is gone')
  for (const text of [person.id, key.id, '192.0.2.7', 'req_0123']) assert.ok(page.html.includes(text), text)
  assert.match(page.html, /<time datetime="\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"/)
})

test('a key leads to its own log, whichever account was looked at last', async (t) => {
  const { house, acme, browser } = await open(t)
  const other = await house.organization('Other')
  const { key } = await house.key(acme, 'test', ['read:bookings'])
  const [person] = await queryDatabase<{ id: `person_${string}` }>(
    house.databaseUrl,
    'select id from persons',
  )
  assert.ok(person)
  await insertMembership(house.database.knex, other.id, person.id, 'ADMIN')
  await browser.open('/admin/settings/api-keys?org=other')
  const link = href(await browser.open(`/admin/settings/api-keys/${key.id}`), 'See it in the audit log')
  assert.ok(link)
  assert.deepEqual(deeds(await browser.open(link)), ['Created an API key'])
})

test('a person who has left is still named, as the ledger remembers them', async (t) => {
  const { house, acme, browser } = await open(t)
  await queryDatabase(
    house.databaseUrl,
    `with event as (
       insert into audit_events (organization_id, actor_kind, action, target, details)
       values ($1, 'person', 'member.removed', 'person_gone', '{"email": "gone@acme.example"}') returning id
     ) insert into audit_unsealed select id from event`,
    [acme.id],
  )
  assert.match((await browser.open(`${path}?target=person_gone`)).html, /<bdi>gone@acme\.example<\/bdi>/)
})

test('each filter narrows what is shown, and all of them together', async (t) => {
  const { house, acme, browser } = await open(t)
  const { key } = await house.key(acme, 'live', ['read:bookings'])
  await house.app(acme)
  const shown = async (filter: Record<string, string>) =>
    deeds(await browser.open(`${path}?${new URLSearchParams(filter)}`))
  const today = new Date().toISOString().slice(0, 10)
  assert.deepEqual(await shown({ action: 'key.created' }), ['Created an API key'])
  assert.deepEqual(await shown({ target: key.id }), ['Created an API key'])
  assert.deepEqual(await shown({ who: ann.toUpperCase() }), ['Signed in'])
  assert.equal((await shown({ who: 'Server' })).length, 3)
  assert.equal((await shown({ who: 'command line' })).length, 0)
  assert.equal((await shown({ from: today, to: today })).length, 4)
  assert.equal((await shown({ to: '2020-01-01' })).length, 0)
  assert.equal((await shown({ from: '2099-01-01' })).length, 0)
  const all = { action: 'key.created', who: 'server', target: key.id, from: today, to: today }
  assert.deepEqual(await shown(all), ['Created an API key'])
  assert.deepEqual(await shown({ ...all, who: ann }), [])
})

test('U17 a value that is no filter is answered with 422, its sentence at its field, and what was typed', async (t) => {
  const { browser } = await open(t)
  const bad: readonly (readonly [string, string, RegExp])[] = [
    ['action', 'key.eaten', /Choose an action/],
    ['who', 'somebody "else"', /Enter an email address/],
    ['who', 'nobody@acme.example', /No member has that email address/],
    ['target', 'two words', /Enter the id/],
    ['from', '2026-02-30', /Enter a day/],
    ['from', '26.11.2026', /Enter a day/],
    ['to', '999999-01-01', /Enter a day/],
  ]
  for (const [field, value, say] of bad) {
    for (const address of [path, `${path}/export`]) {
      const query = new URLSearchParams({ format: 'csv', target: 'key_x', [field]: value })
      const page = await browser.open(`${address}?${query}`)
      assert.equal(page.status, 422, `${field}=${value}`)
      assert.match(page.html, /<title>Error: /)
      assert.match(page.html, say)
      assert.match(page.html, new RegExp(`<a (?:class="standalone" )?href="#${field}">`))
      assert.match(page.html, new RegExp(`id="${field}"[^>]*aria-invalid="true"`))
      assert.ok(page.html.includes(value.replaceAll('"', '&quot;')), 'what was typed is there')
      if (field !== 'target') assert.ok(page.html.includes('value="key_x"'), 'and the rest of it')
    }
  }
  const backwards = await browser.open(`${path}?from=2026-02-02&to=2026-02-01`)
  assert.match(backwards.html, /The last day comes before the first/)
  const yearZero = Buffer.from('0000-01-01T00:00:00.000000Z~1').toString('base64url')
  for (const after of ['nonsense', yearZero])
    assert.equal((await browser.open(`${path}?after=${after}`)).status, 200, after)
  assert.equal((await browser.open(`${path}/export?format=xml`)).status, 404)
})

test('pages follow one another without a gap or a row twice, also where many have the same time', async (t) => {
  const { house, acme, browser } = await open(t)
  await fill(house, acme.id, 130)
  await queryDatabase(
    house.databaseUrl,
    "update audit_events set at = '2026-01-01T00:00:00.000001Z' where id % 3 > 0",
  )
  const [counted] = await queryDatabase<{ count: string }>(
    house.databaseUrl,
    'select count(*) from audit_events where organization_id = $1',
    [acme.id],
  )
  let page = await browser.open(path)
  let rows = deeds(page).length
  for (let older = href(page, 'Older'); older !== undefined; older = href(page, 'Older')) {
    page = await browser.open(older)
    rows += deeds(page).length
    assert.ok(href(page, 'Newest'))
  }
  assert.equal(rows, Number(counted?.count))
})

test('an export holds exactly what is filtered, more of it than one batch', async (t) => {
  const { house, acme, browser } = await open(t)
  await fill(house, acme.id, 2500)
  const csv = await browser.request(`${path}/export?format=csv&action=token.issued`)
  assert.match(csv.headers.get('content-type') ?? '', /^text\/csv; charset=utf-8/)
  assert.match(
    csv.headers.get('content-disposition') ?? '',
    /^attachment; filename="audit-log-acme-\d{4}-\d\d-\d\d\.csv"$/,
  )
  assert.equal(csv.headers.get('x-total-count'), '1250')
  const records = (await csv.text()).trimEnd().split('\r\n')
  assert.equal(records.length, 1251)
  assert.ok(records.slice(1).every((record) => record.includes(',token.issued,')))
  const ndjson = await browser.request(`${path}/export?format=ndjson`)
  const events = (await ndjson.text())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.equal(new Set(events.map(({ id }) => id)).size, events.length)
  assert.equal(events.length, Number(ndjson.headers.get('x-total-count')))
  assert.ok(events.every(({ organization_id: organization }) => organization === acme.id))
})

test('an export stops reading when whoever asked for it goes away', async (t) => {
  const { house, acme, browser } = await open(t)
  await fill(house, acme.id, 20_000)
  // Some 60 MB: far more than fits between the server and who reads.
  await queryDatabase(
    house.databaseUrl,
    `update audit_events set details = jsonb_build_object('x', repeat('x', 3000))`,
  )
  await queryDatabase(house.databaseUrl, 'vacuum full analyze audit_events')
  const ask = (sql: string) => queryDatabase<{ last_value: string }>(house.databaseUrl, sql)
  // The wall counts every row that passes it.
  await ask('create sequence rows_read')
  await ask(
    `create function counts() returns boolean language sql volatile security definer
       set search_path = public as $$ select nextval('rows_read') > 0 $$`,
  )
  await ask(
    `alter policy audit_events_tenant on audit_events
       using (organization_id = current_setting('latchkey.organization', true) and counts())`,
  )
  const read = async () => Number((await ask('select last_value from rows_read'))[0]?.last_value)
  const stop = new AbortController()
  const response = await browser.request(`${path}/export?format=ndjson`, { signal: stop.signal })
  const counted = await read()
  assert.ok(counted >= 20_000, 'the count for the progress reads them once')
  await response.body?.getReader().read()
  stop.abort()
  let before = counted
  for (let now = await read(); now !== before; now = await read()) {
    before = now
    await sleep(500)
  }
  // What fits between the server and who went away has been read ahead.
  assert.ok(before - counted < 12_000, `${before - counted} rows were read`)
})

test('the page alone may ask this server from a script', async (t) => {
  const { browser } = await open(t)
  const policy = async (address: string) =>
    (await browser.open(address)).headers.get('content-security-policy') ?? ''
  assert.match(await policy(path), /default-src 'none'.*; connect-src 'self'$/)
  assert.ok(!(await policy('/admin/settings/api-keys')).includes('connect-src'))
})

test('a suspended account can still be read about', async (t) => {
  const { house, acme, browser } = await open(t)
  await queryDatabase(house.databaseUrl, 'update organizations set is_stopped = true where id = $1', [
    acme.id,
  ])
  assert.equal((await browser.open(path)).status, 200)
  await house.settle()
  assert.deepEqual((await verifyLedger(house.database.knex)).faults, [])
})

test('however many rows there are, a page reads an index, behind the wall too', async (t) => {
  const { house, acme } = await open(t)
  await fill(house, acme.id, 20_000)
  await fill(house, 'org_other', 20_000)
  await queryDatabase(house.databaseUrl, 'vacuum analyze audit_events')
  const day = new Date()
  const organization = acme.id
  const filters: readonly EventFilter[] = [
    { organization },
    { organization, action: 'token.issued' },
    { organization, action: 'key.eaten' },
    { organization, actor: { id: 'app_7' } },
    { organization, actor: { kind: 'command_line' } },
    { organization, target: 'grant_7' },
    { organization, from: new Date(day.getTime() - 60_000), until: day },
    { organization, action: 'token.issued', actor: { id: 'app_7' }, target: 'grant_7', from: day },
  ]
  const cursor = { at: new Date(day.getTime() - 3_600_000).toISOString(), id: 10_000 }
  const plan = (filter: EventFilter, after: typeof cursor | null) =>
    asTenant(house.database.knex, { organization, mode: 'any' }, async (tx) => {
      const { sql, bindings } = eventsQuery(tx, filter, after, 51).toSQL().toNative()
      const { rows } = await tx.raw<{ rows: { 'QUERY PLAN': string }[] }>(
        `explain ${sql.replace(/\$\d+/g, '?').replaceAll('\\?', '?')}`,
        [...bindings],
      )
      return rows.map((row) => row['QUERY PLAN']).join('\n')
    })
  for (const filter of filters) {
    for (const after of [null, cursor]) {
      const text = await plan(filter, after)
      assert.match(text, /Index Scan (using|on) audit_events_\w+_index/, text)
      assert.doesNotMatch(text, /Seq Scan/, text)
      if (after) assert.match(text, /Index Cond:.*ROW\(at, id\) </, text)
    }
  }
  const everything = eventsQuery(house.database.knex, {}, cursor, 51).toString()
  const { rows } = await house.database.knex.raw(`explain ${everything}`)
  assert.match(rows[0]['QUERY PLAN'] + rows[1]['QUERY PLAN'], /Index Scan Backward using audit_events_pkey/)
})
