// The pages of an organization's people: what an administrator does there, what a member sees, and what the
// page behind an invitation's link does for whoever holds it.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Organization } from '../../src/organizations/organization-store.ts'
import { queryDatabase } from '../support/database.ts'
import { type House, startHouse } from '../support/house.ts'
import { invite, lastLink, openMembers, post } from '../support/invitations.ts'
import { password } from '../support/password.ts'
import { type Page, PersonBrowser } from '../support/person-browser.ts'

const rows = <Row extends object>(house: House, sql: string, values: unknown[] = []) =>
  queryDatabase<Row>(house.databaseUrl, sql, values)

async function idOf(house: House, email: string): Promise<string> {
  const [row] = await rows<{ id: string }>(house, 'select id from persons where email = $1', [email])
  assert.ok(row, email)
  return row.id
}

const rolesIn = async (house: House, organization: Organization) =>
  (
    await rows<{ email: string; role: string }>(
      house,
      'select email, role from memberships join persons on id = person_id where organization_id = $1 order by email',
      [organization.id],
    )
  ).map(({ email, role }) => `${email} ${role}`)

/** All that the pages of members could change. */
const everything = (house: House) =>
  rows(
    house,
    `select (select json_agg(m order by m.person_id) from memberships m) as members,
            (select json_agg(i order by i.id) from invitations i) as invitations,
            (select json_agg(s order by s.id) from person_sessions s) as sessions,
            (select json_agg(k order by k.id) from api_keys k) as keys,
            (select count(*) from audit_events) as events`,
  )

/** Acme, of which Ann is an administrator and Mel a member, and each of them signed in. */
async function acme(t: TestContext) {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person('ann@acme.example', organization)
  await house.person('mel@acme.example', organization, 'MEMBER')
  const [ann, mel] = [new PersonBrowser(house.url), new PersonBrowser(house.url)]
  const members = await openMembers(ann, 'ann@acme.example')
  const seenByMel = await openMembers(mel, 'mel@acme.example')
  return { house, organization, ann, mel, members, seenByMel, melId: await idOf(house, 'mel@acme.example') }
}

const invitationId = async (house: House) => {
  const [row] = await rows<{ id: string }>(house, 'select id from invitations where accepted_at is null')
  assert.ok(row, 'there is an open invitation')
  return row.id
}

const main = ({ html }: Page) => html.slice(html.indexOf('<main'))

test('an administrator invites by mail, sends again, and cancels', async (t) => {
  const { house, ann, members } = await acme(t)
  const sent = await invite(ann, members, 'ben@acme.example')
  assert.match(sent.html, /role="status">We sent a link to <bdi><strong>ben@acme\.example/)
  assert.ok(!sent.url.includes('token') && !sent.html.includes('/invitation?token='))
  assert.equal(house.mails[0]?.to, 'ben@acme.example')
  const first = lastLink(house)

  const id = await invitationId(house)
  const [, attempt = ''] =
    new RegExp(`${id}/again[^>]*>.*?name="attempt" value="([^"]+)"`).exec(sent.html) ?? []
  await post(ann, sent, `/admin/members/invitations/${id}/again`, { attempt })
  assert.equal(house.mails.length, 2)
  assert.equal(
    (await new PersonBrowser(house.url).open(first)).status,
    410,
    'the older link is worth nothing',
  )
  const second = lastLink(house)
  assert.equal((await new PersonBrowser(house.url).open(second)).status, 200)

  const cancelled = await post(ann, sent, `/admin/members/invitations/${id}/cancel`)
  assert.match(cancelled.html, /The invitation is cancelled/)
  assert.equal((await new PersonBrowser(house.url).open(second)).status, 410)
  const late = await post(ann, sent, `/admin/members/invitations/${id}/cancel`)
  assert.equal(late.status, 409)
  assert.match(late.html, /not open any more/)
  const log = house.log()
  for (const link of [first, second])
    assert.ok(!log.includes(new URL(link).searchParams.get('token') ?? link))
})

test('a form that is sent twice invites once and mails once', async (t) => {
  const { house, ann, members } = await acme(t)
  const [, attempt = ''] = /name="attempt" value="([^"]+)"/.exec(members.html) ?? []
  const fields = { email: 'ben@acme.example', role: 'MEMBER', attempt }
  const pages = await Promise.all(
    [1, 2, 3].map(() => post(ann, members, '/admin/members/invitations', fields)),
  )
  assert.deepEqual(
    pages.map(({ status }) => status),
    [200, 200, 200],
  )
  assert.equal(house.mails.length, 1)
})

test('a member invited twice, an address without a role: 422, what was typed is kept, and nothing is half done', async (t) => {
  const { house, ann, members } = await acme(t)
  const before = await everything(house)
  for (const [email, role, say, field] of [
    ['MEL@acme.example', 'ADMIN', 'MEL@acme.example is a member already.', 'email'],
    ['ben@acme.example', 'OWNER', 'Choose what they may do.', 'role-ADMIN'],
    ['ben@acme.example', '', 'Choose what they may do.', 'role-ADMIN'],
  ] as const) {
    const page = await invite(ann, members, email, role)
    assert.equal(page.status, 422)
    assert.match(page.html, /<title>Error: Members/)
    assert.ok(page.html.includes(`<a href="#${field}">${say}</a>`), say)
    assert.match(page.html, new RegExp(`id="${field}"[^>]* aria-invalid="true"`))
    assert.ok(page.html.includes(`value="${email}"`), 'what was typed is kept')
  }
  assert.deepEqual(await everything(house), before)
  assert.equal(house.mails.length, 0)
})

test('a member sees names and roles, no addresses, no invitations and no forms', async (t) => {
  const { house, ann, members, mel } = await acme(t)
  await rows(house, `update persons set name = 'Ann Ash' where email = 'ann@acme.example'`)
  await invite(ann, members, 'ben@acme.example')
  const page = main(await mel.open('/admin/members'))
  assert.match(page, /Ann Ash/)
  assert.match(page, /Administrator/)
  assert.match(page, /mel@acme\.example<\/strong><\/bdi> <span class="tag">You/)
  assert.doesNotMatch(page, /ann@acme\.example|ben@acme\.example|<form|Manage/)
})

test('U5 every form of these pages refuses a member (403), a form from elsewhere (403) and a stranger, and changes nothing', async (t) => {
  const { house, organization, ann, members, mel, seenByMel, melId } = await acme(t)
  await invite(ann, members, 'ben@acme.example')
  const id = await invitationId(house)
  const annId = await idOf(house, 'ann@acme.example')
  const { key } = await house.key(organization, 'live', ['read:bookings'])
  const attempt = 'a'.repeat(43)
  const keys = '/admin/settings/api-keys'
  const forms: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['/admin/members/invitations', { email: 'eve@evil.example', role: 'ADMIN', attempt }],
    [`/admin/members/invitations/${id}/again`, { attempt }],
    [`/admin/members/invitations/${id}/cancel`, {}],
    [`/admin/members/${melId}/role`, { role: 'ADMIN' }],
    [`/admin/members/${annId}/role`, { role: 'MEMBER' }],
    [`/admin/members/${annId}/remove`, {}],
    [`/admin/members/${melId}/remove`, {}],
    [`${keys}/${key.id}/rotate`, { attempt, overlap: '0' }],
    [`${keys}/${key.id}/revoke`, {}],
    [`${keys}/${key.id}/deactivate`, {}],
    [`${keys}/${key.id}/delete`, {}],
  ]
  const before = await everything(house)
  for (const [action, fields] of forms) {
    assert.equal((await post(mel, seenByMel, action, fields)).status, 403, `a member at ${action}`)
    const forged = new URLSearchParams({ ...fields, form_token: 'x' })
    const elsewhere = await ann.request(action, { method: 'POST', body: forged })
    assert.equal(elsewhere.status, 403, `without our token at ${action}`)
    const stranger = new PersonBrowser(house.url)
    const page = await post(stranger, await stranger.open('/sign-in'), action, fields)
    assert.match(page.url, /\/sign-in/, `nobody at ${action}`)
  }
  assert.deepEqual(await everything(house), before)
  assert.equal(house.mails.length, 1)
  for (const path of ['link', melId, `${annId}/remove`])
    assert.equal((await mel.open(`/admin/members/${path}`)).status, 403, path)
})

test('U13 the people and invitations of another organization are as ones that are not there', async (t) => {
  const { house, members, ann } = await acme(t)
  const other = await house.organization('Other')
  await house.person('zoe@other.example', other)
  const zoe = new PersonBrowser(house.url)
  await invite(zoe, await openMembers(zoe, 'zoe@other.example'), 'ben@other.example')
  const id = await invitationId(house)
  const zoeId = await idOf(house, 'zoe@other.example')
  const before = await everything(house)
  assert.doesNotMatch(members.html, /other\.example/)
  assert.equal((await ann.open('/admin/members?org=other')).status, 404)
  assert.equal((await ann.open(`/admin/members/${zoeId}`)).status, 404)
  assert.equal((await ann.open(`/admin/members/${zoeId}/remove`)).status, 404)
  assert.equal((await post(ann, members, `/admin/members/${zoeId}/remove`)).status, 404)
  assert.equal((await post(ann, members, `/admin/members/${zoeId}/role`, { role: 'MEMBER' })).status, 404)
  assert.equal((await post(ann, members, `/admin/members/${zoeId}/remove?org=other`)).status, 404)
  assert.equal((await post(ann, members, `/admin/members/invitations/${id}/cancel`)).status, 409)
  assert.equal(
    (await post(ann, members, `/admin/members/invitations/${id}/again`, { attempt: 'b'.repeat(43) })).status,
    409,
  )
  assert.deepEqual(await everything(house), before)
})

test('a form acts on the organization of its page, though another tab has gone to another one since', async (t) => {
  const { house, organization, ann } = await acme(t)
  const other = await house.organization('Other')
  await house.person('zoe@other.example', other)
  await rows(
    house,
    `insert into memberships (organization_id, person_id, role)
     select $1, id, 'ADMIN' from persons where email in ('ann@acme.example', 'mel@acme.example')`,
    [other.id],
  )
  const melId = await idOf(house, 'mel@acme.example')
  const page = await ann.open(`/admin/members/${melId}/remove?org=acme`)
  await ann.open('/admin/members?org=other')
  await ann.submit(page, {})
  assert.deepEqual(await rolesIn(house, organization), ['ann@acme.example ADMIN'])
  assert.equal((await rolesIn(house, other)).length, 3)
})

test('the last administrator is told so, and can be neither demoted nor removed', async (t) => {
  const { house, organization, ann, members } = await acme(t)
  const annId = await idOf(house, 'ann@acme.example')
  const page = await ann.open(`/admin/members/${annId}`)
  assert.match(page.html, /You are the only administrator\./)
  assert.doesNotMatch(main(page), /<form/)
  const before = await everything(house)
  const demoted = await post(ann, members, `/admin/members/${annId}/role`, { role: 'MEMBER' })
  const removed = await post(ann, members, `/admin/members/${annId}/remove`)
  for (const it of [demoted, removed]) {
    assert.equal(it.status, 409)
    assert.match(it.html, /<title>Error: /)
    assert.match(it.html, /last administrator/)
  }
  assert.deepEqual(await everything(house), before)
  assert.deepEqual(await rolesIn(house, organization), ['ann@acme.example ADMIN', 'mel@acme.example MEMBER'])
})

test('of two administrators who remove each other at once one stays', async (t) => {
  const { house, organization, ann, members, melId } = await acme(t)
  await rows(house, `update memberships set role = 'ADMIN'`)
  const annId = await idOf(house, 'ann@acme.example')
  const mel = new PersonBrowser(house.url)
  const seen = await openMembers(mel, 'mel@acme.example')
  await Promise.all([
    post(ann, members, `/admin/members/${melId}/remove`),
    post(mel, seen, `/admin/members/${annId}/remove`),
  ])
  const left = await rolesIn(house, organization)
  assert.equal(left.length, 1)
  assert.match(left[0] ?? '', / ADMIN$/)
})

test('the page before a removal names what ends and what stays; then sessions end, and keys go on', async (t) => {
  const { house, organization, ann, mel, melId } = await acme(t)
  const { key, secret } = await house.key(organization, 'test', ['read:bookings'])
  const old = await house.key(organization, 'test', ['read:bookings'])
  await rows(house, `update api_keys set created_by = $1, name = 'Till <b>3</b>'`, [melId])
  await rows(house, 'update api_keys set revoked_at = now() where id = $1', [old.key.id])
  const app = await house.app(organization, { name: 'Calendar Sync' })
  await rows(
    house,
    `insert into grants (id, client_id, person_id, organization_id, mode, scopes, resource, created_at, expires_at)
     values ('grant_1', $1, $2, $3, 'test', '{read:bookings}', 'x', now(), now() + interval '1 day')`,
    [app.clientId, melId, organization.id],
  )
  const page = await ann.open(`/admin/members/${melId}/remove`)
  assert.match(page.html, /an app that they allowed: <bdi><strong>Calendar Sync/)
  assert.match(page.html, /One was created by them/)
  assert.ok(
    page.html.includes(`href="/admin/settings/api-keys/${key.id}`) && page.html.includes('Till &lt;b&gt;3'),
  )
  const done = await ann.submit(page, {})
  assert.match(done.html, /The person is removed/)
  assert.match((await mel.open('/admin/members')).url, /\/sign-in/)
  assert.equal((await house.api('/bookings', secret)).status, 200)
  assert.equal((await rows(house, 'select id from grants')).length, 0)
})

test('whoever leaves is signed out, and the others stay', async (t) => {
  const { house, organization, members, ann, melId } = await acme(t)
  await post(ann, members, `/admin/members/${melId}/role`, { role: 'ADMIN' })
  const annId = await idOf(house, 'ann@acme.example')
  const page = await ann.open(`/admin/members/${annId}/remove`)
  assert.match(page.html, /Leave <bdi>Acme/)
  assert.match((await ann.submit(page, {})).url, /\/sign-in$/)
  assert.deepEqual(await rolesIn(house, organization), ['mel@acme.example ADMIN'])
})

test('a role that is changed holds from the next page on, and the ledger tells of both', async (t) => {
  const { house, ann, members, mel, seenByMel, melId } = await acme(t)
  const changed = await post(ann, members, `/admin/members/${melId}/role`, { role: 'ADMIN' })
  assert.match(changed.html, /The role is changed\./)
  const invited = await invite(mel, seenByMel, 'ben@acme.example')
  assert.match(invited.html, /We sent a link/)
  const wrong = await post(ann, members, `/admin/members/${melId}/role`, { role: 'OWNER' })
  assert.equal(wrong.status, 422)
  await post(ann, members, `/admin/members/${melId}/role`, { role: 'MEMBER' })
  assert.equal((await invite(mel, seenByMel, 'cy@acme.example')).status, 403)
  const events = await rows<{ details: object }>(
    house,
    `select details from audit_events where action = 'member.role_changed' order by id`,
  )
  assert.equal(events.length, 2)
})

test('of a suspended organization the list is shown, and nothing can be changed', async (t) => {
  const { house, ann, members, melId } = await acme(t)
  await rows(house, 'update organizations set suspended_at = now(), is_stopped = true')
  const page = await ann.open('/admin/members')
  assert.equal(page.status, 200)
  assert.match(page.html, /suspended/)
  assert.doesNotMatch(main(page), /<form|Manage/)
  assert.equal((await invite(ann, members, 'ben@acme.example')).status, 403)
  assert.equal((await post(ann, members, `/admin/members/${melId}/remove`)).status, 403)
})

test('somebody new chooses a name and a password, is signed in, and the link is spent', async (t) => {
  const { house, organization, ann, members } = await acme(t)
  await invite(ann, members, 'Ben@acme.example', 'ADMIN')
  const link = lastLink(house)
  const ben = new PersonBrowser(house.url)
  const page = await ben.open(link)
  assert.match(page.html, /<title>Join Acme/)
  assert.match(page.html, /ann@acme\.example<\/strong><\/bdi> invites you/)
  for (const [fields, field] of [
    [{ name: '', password, password_again: password }, 'name'],
    [{ name: 'x'.repeat(10_240), password, password_again: password }, 'name'],
    [{ name: 'B\u202een', password, password_again: password }, 'name'],
    [{ name: 'B\u0007en', password, password_again: password }, 'name'],
    [{ name: '<b>Ben</b>', password: 'short', password_again: 'short' }, 'password'],
    [{ name: '<b>Ben</b>', password, password_again: `${password}!` }, 'password_again'],
  ] as const) {
    const refused = await ben.submit(page, fields)
    assert.equal(refused.status, 422, JSON.stringify(fields))
    assert.match(refused.html, /<title>Error: Join Acme/)
    assert.match(refused.html, new RegExp(`href="#${field}"`))
    assert.match(refused.html, new RegExp(`id="${field}"[^>]* aria-invalid="true"`))
    assert.ok(!refused.html.includes(password) && !refused.html.includes('<b>Ben'))
  }
  assert.equal((await rolesIn(house, organization)).length, 2)
  const home = await ben.submit(page, { name: ' Ben  Bone ', password, password_again: password })
  assert.match(home.url, /\/admin\/settings\/api-keys\?org=acme$/)
  assert.ok((await rolesIn(house, organization)).includes('Ben@acme.example ADMIN'))
  assert.match((await ann.open('/admin/members')).html, /Ben Bone/)
  const again = await ben.submit(page, { name: 'Ben', password, password_again: password })
  assert.equal(again.status, 410)
  const other = new PersonBrowser(house.url)
  assert.match((await other.signIn(await other.open('/sign-in'), 'ben@acme.example')).html, /API keys/)
})

test('somebody who is known signs in first, comes back, and joins with one button', async (t) => {
  const { house, organization, ann, members } = await acme(t)
  await house.person('ben@other.example', await house.organization('Other'))
  await invite(ann, members, 'ben@other.example')
  const ben = new PersonBrowser(house.url)
  const page = await ben.open(lastLink(house))
  assert.match(page.html, /Sign in to join/)
  assert.doesNotMatch(main(page), /<form/)
  const [, address = ''] = /href="(\/sign-in\?next=[^"]+)"/.exec(page.html) ?? []
  const back = await ben.signIn(await ben.open(address), 'ben@other.example')
  assert.equal(back.url, lastLink(house))
  assert.doesNotMatch(back.html, /name="password"/)
  const joined = await ben.submit(back, {})
  assert.match(joined.url, /\?org=acme$/)
  assert.ok((await rolesIn(house, organization)).includes('ben@other.example MEMBER'))
  assert.equal((await ben.open(lastLink(house))).status, 410)
  assert.ok(!house.log().includes(new URL(lastLink(house)).searchParams.get('token') ?? ''), 'in no log')
})

test('who has an account gets no way around their password or second factor by an invitation', async (t) => {
  const { house, organization, ann, members } = await acme(t)
  await house.person('ben@other.example', await house.organization('Other'))
  const benId = await idOf(house, 'ben@other.example')
  await rows(house, `insert into second_factors (person_id, sealed, confirmed_at) values ($1, '', now())`, [
    benId,
  ])
  const hashOf = () => rows(house, 'select password_hash from persons where id = $1', [benId])
  await invite(ann, members, 'ben@other.example')
  const before = await hashOf()
  const eve = new PersonBrowser(house.url)
  const page = await eve.open(lastLink(house))
  const token = new URL(lastLink(house)).searchParams.get('token') ?? ''
  const chosen = { token, name: 'Eve', password: 'a password of eve', password_again: 'a password of eve' }
  const answer = await post(eve, { ...page, html: (await eve.open('/sign-in')).html }, '/invitation', chosen)
  assert.match(answer.url, /\/sign-in\?next=/)
  assert.equal(eve.cookie('latchkey_session'), undefined)
  assert.deepEqual(await hashOf(), before)
  assert.equal((await rolesIn(house, organization)).length, 2)
  assert.match((await eve.open(lastLink(house))).html, /Sign in to join/, 'the link is not spent')
})

test('who is signed in as somebody else is told so, and comes back to the link when signed out', async (t) => {
  const { house, organization, ann, members, mel } = await acme(t)
  await invite(ann, members, 'ben@acme.example')
  const page = await mel.open(lastLink(house))
  assert.match(page.html, /You are signed in as <bdi>mel@acme\.example/)
  const token = new URL(lastLink(house)).searchParams.get('token') ?? ''
  const tried = await post(mel, page, '/invitation', {
    token,
    name: 'Mel',
    password,
    password_again: password,
  })
  assert.equal(tried.status, 403)
  assert.equal((await rolesIn(house, organization)).length, 2)
  const out = await mel.submit(page, {})
  assert.equal(out.url, lastLink(house))
  assert.match(out.html, /Your name/)
})

test('U5 a link is spent by a form of our own page alone', async (t) => {
  const { house, ann, members, organization } = await acme(t)
  await invite(ann, members, 'ben@acme.example')
  const token = new URL(lastLink(house)).searchParams.get('token') ?? ''
  const body = new URLSearchParams({ token, name: 'Ben', password, password_again: password })
  const forged = await new PersonBrowser(house.url).request('/invitation', { method: 'POST', body })
  assert.equal(forged.status, 403)
  assert.equal((await rolesIn(house, organization)).length, 2)
})

test('a token that was never made, and none at all: 410', async (t) => {
  const { house } = await acme(t)
  for (const token of ['', 'x', 'x'.repeat(10_000), '%F0%9F%94%91', "'; drop table invitations; --"]) {
    const page = await new PersonBrowser(house.url).open(`/invitation?token=${encodeURIComponent(token)}`)
    assert.equal(page.status, 410, token.slice(0, 40))
  }
})

test('U14 names with HTML, and right-to-left names, are shown as text, apart from what stands beside them', async (t) => {
  const { house, ann, members } = await acme(t)
  await rows(
    house,
    `update persons set name = '<img src=x onerror=alert(1)>"''&' where email = 'mel@acme.example'`,
  )
  await rows(house, `update organizations set name = '</title><script>alert(1)</script>'`)
  await invite(ann, members, 'ben@acme.example')
  const melId = await idOf(house, 'mel@acme.example')
  const pages = [
    await ann.open('/admin/members'),
    await ann.open(`/admin/members/${melId}`),
    await ann.open(`/admin/members/${melId}/remove`),
    await new PersonBrowser(house.url).open(lastLink(house)),
  ]
  for (const page of pages) {
    assert.equal(page.status, 200)
    assert.doesNotMatch(page.html, /<img src=x|<script>alert/)
  }
  assert.match(pages[0]?.html ?? '', /<bdi><strong>&lt;img src=x/)
})

test('U12 an organization sends a hundred invitations an hour, and no more', async (t) => {
  const house = await startHouse(t)
  await house.person('ann@acme.example', await house.organization('Acme'))
  const browser = new PersonBrowser(house.url)
  const page = await openMembers(browser, 'ann@acme.example')
  const form = (at: number) => ({
    email: `p${at}@acme.example`,
    role: 'MEMBER',
    attempt: `${at}`.padStart(43, 'a'),
  })
  for (let at = 0; at < 100; at += 1)
    assert.equal((await post(browser, page, '/admin/members/invitations?org=acme', form(at))).status, 200)
  const refused = await post(browser, page, '/admin/members/invitations?org=acme', form(100))
  assert.equal(refused.status, 429)
  assert.equal(house.mails.length, 100)
})
