// The pages for apps that have access: who sees which, and that what is removed is over at once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byServer } from '../../src/core/attribution.ts'
import { insertGrant } from '../../src/oauth/grant-store.ts'
import { disablePerson } from '../../src/offboarding/disable-person.ts'
import { suspendApp } from '../../src/offboarding/suspend-app.ts'
import { exchange, obtainCode, readTokens, refresh } from '../support/authorization.ts'
import {
  assertOver,
  consentsIn,
  grantOf,
  isAlive,
  openConnected as open,
  connectedPath as path,
  remember,
  scope,
  signedIn,
  textOf,
} from '../support/connected-apps.ts'
import { claimsOf, introspect, resourceServer } from '../support/introspection.ts'
import { meanwhile } from '../support/meanwhile.ts'
import { PersonBrowser } from '../support/person-browser.ts'

test('the list says who an app is, where it sends people, what it may do, for whom, and when it did something', async (t) => {
  const { house, acme, app, ids, ann, ben, obtain } = await open(t)
  assert.match((await ann.open(path)).html, /You have not allowed any app/)
  const tokens = await obtain('ann')
  const never = textOf((await ann.open(path)).html)
  for (const words of [
    'Calendar Sync',
    'Not verified',
    'Test',
    'Made by Other .',
    '127.0.0.1 (an app on their own device)',
    'sync.example',
    'com.example.sync: (an app on their own device)',
    'See your bookings Create and change bookings',
    'Account Acme',
    'Last used Never',
  ])
    assert.ok(never.includes(words), `${words}: ${never}`)
  assert.doesNotMatch(never, /installs|Recently ended/)

  await house.api('/bookings', tokens.access_token, { headers: { 'User-Agent': 'sync/2.1' } })
  await house.settle()
  await house.database
    .knex('oauth_apps')
    .where({ client_id: app.clientId })
    .update({ verified_at: new Date() })
  await house.database
    .knex('app_logos')
    .insert({ client_id: app.clientId, hash: Buffer.alloc(32, 7), png: Buffer.from('x') })
  await obtain('ann')
  const used = await ann.open(path)
  assert.match(textOf(used.html), /Verified .* Last used just now 127\.0\.0\.1 , sync\/2\.1/)
  assert.match(used.html, new RegExp(`<img class="logo" src="[^"]*${'07'.repeat(32)}[^"]*" alt=""`))
  assert.match(used.html, /<time datetime="[^"]+Z" title="[^"]+UTC">just now<\/time>/)
  assert.match(textOf(used.html), /2 installs of Calendar Sync/)
  assert.equal(used.html.match(/<h2><a href/g)?.length, 1, 'one row for all installs')

  const second = await house.organization('Second')
  await house.database
    .knex('memberships')
    .insert({ organization_id: second.id, person_id: ids.ann, role: 'ADMIN' })
  const live = await house.app(second, { name: 'Live Till', mode: 'live' })
  await insertGrant(house.database.knex, {
    ...{ id: `grant_${'z'.repeat(24)}`, client: live.clientId, person: ids.ann, organization: second.id },
    ...{ mode: 'live', scopes: ['read:customers'], resource: 'r', createdAt: new Date() },
    expiresAt: new Date(Date.now() + 1000_000),
  })
  await obtain('ben')
  const mine = textOf((await ann.open(`${path}?org=acme`)).html)
  assert.match(mine, /Live Till .* Account Second .* Calendar Sync .* Account Acme/, 'over all accounts')
  assert.doesNotMatch(mine, /ben@/)
  const everybody = textOf((await ann.open(`${path}?org=acme&of=account`)).html)
  assert.match(everybody, /Allowed by ben@acme\.example .* Allowed by ann@acme\.example You/)
  assert.doesNotMatch(everybody, /Live Till/, 'of this account alone')
  assert.doesNotMatch(textOf((await ben.open(`${path}?of=account&org=${acme.slug}`)).html), /Live Till/)

  house.travel(1000)
  assert.doesNotMatch(textOf((await ann.open(path)).html), /Live Till/, 'what has expired has no access')
  await suspendApp(house.database.knex, { app: app.clientId, by: byServer, as: 'developer' }, house.now())
  assert.match(textOf((await ann.open(path)).html), /App suspended/)
})

test('a use that a resource server told of, and not from where, is told in words', async (t) => {
  const { house, acme, ann, obtain } = await open(t)
  const tokens = await obtain('ann')
  const { secret } = await house.key(acme, 'test', [scope.split(' ')[0] ?? ''])
  const server = await resourceServer(house)
  for (const token of [tokens.access_token, secret])
    await claimsOf(await introspect(house, server, { token }))
  await house.settle()
  const used = await ann.open(path)
  assert.match(textOf(used.html), /Last used just now an unknown address , Reports/)
  const remove = /href="([^"]+\/remove)"/.exec(used.html)?.[1] ?? ''
  assert.match(textOf((await ann.open(remove)).html), /just now , from an unknown address by Reports API/)
  const keys = await ann.open('/admin/settings/api-keys')
  assert.match(textOf(keys.html), /just now an unknown address , Reports/)
})

test('R4: what a person removes is over with the next request, and the app has to ask again', async (t) => {
  const { house, acme, app, ids, ann, ben, obtain } = await open(t)
  const second = await house.app(acme, { name: 'Ledger Link' })
  const [one, two] = [await obtain('ann'), await obtain('ann')]
  const [kept, bens] = [await obtain('ann', second), await obtain('ben')]
  for (const it of [app, second]) await remember(house, ids.ann, it, acme)
  await remember(house, ids.ben, app, acme)
  await house.api('/bookings', two.access_token)
  await house.settle()
  const [row] = await house.database.knex('grants').where({ person_id: ids.ann, client_id: app.clientId })
  const confirm = await ann.open(`${path}/${row.id}/remove`)
  const asked = textOf(confirm.html)
  assert.match(asked, /Remove Calendar Sync \? It stops at once/)
  assert.match(asked, /last used just now for GET \/bookings , from 127\.0\.0\.1/)
  assert.match(asked, /can no longer: See your bookings Create and change bookings All 2 installs of it stop/)
  assert.ok((await isAlive(house, one)) && (await isAlive(house, two)), 'asking removes nothing')

  const removed = await ann.submit(confirm, {})
  assert.match(textOf(removed.html), /The app has no access any more/)
  await assertOver(house, app, one)
  await assertOver(house, app, two)
  assert.ok((await isAlive(house, kept)) && (await isAlive(house, bens)), 'and nothing else')
  assert.deepEqual(
    (await consentsIn(house)).map(({ person_id, client_id }) => [person_id, client_id]).sort(),
    [
      [ids.ann, second.clientId],
      [ids.ben, app.clientId],
    ].sort(),
    'what was remembered of it is forgotten, and of nothing else',
  )
  const events = await house.database.knex('audit_events').where({ action: 'grant.revoked' })
  assert.deepEqual(
    events.map(({ actor_id, details }) => [actor_id, details.cause, details.client]),
    [1, 2].map(() => [ids.ann, 'revoked_by_person', app.clientId]),
  )
  assert.match(
    textOf(removed.html),
    /Recently ended .* Calendar Sync just now , for Acme , 2 installs Removed by whoever/,
  )
  assert.equal((await ann.submit(confirm, {})).status, 404, 'a second time there is nothing to remove')
  assert.doesNotMatch(textOf((await ben.open(path)).html), /Recently ended/, "another's is not told here")

  // One install alone.
  const [third, fourth] = [await obtain('ann'), await obtain('ann')]
  const newest = await grantOf(house, ids.ann)
  await remember(house, ids.ann, app, acme)
  const single = await ann.open(`${path}/${newest.id}/remove-install`)
  assert.match(textOf(single.html), /Remove this install of Calendar Sync \? .* The other install goes on/)
  assert.match(textOf((await ann.submit(single, {})).html), /This install has no access any more/)
  await assertOver(house, app, fourth)
  assert.ok(await isAlive(house, third))
  assert.equal((await consentsIn(house)).length, 2, 'the removed one has to ask again')

  // Those of another, as an administrator: also while the account is suspended.
  const theirs = await grantOf(house, ids.ben)
  const page = await ann.open(`${path}/${theirs.id}/remove`)
  assert.match(textOf(page.html), /and somebody has to allow it\..* Allowed by ben@acme\.example/)
  await house.database.knex('organizations').where({ id: acme.id }).update({ is_stopped: true })
  const after = await ann.submit(page, {})
  assert.match(after.url, /of=account/, 'back to the list that it was in')
  await assertOver(house, app, bens)
  const last = await house.database.knex('audit_events').where({ target: theirs.id, action: 'grant.revoked' })
  assert.deepEqual([last[0].actor_id, last[0].details.cause], [ids.ann, 'revoked_by_operator'])
})

test("U13: another's grant is as one that is not there, on every page and to every form", async (t) => {
  const { house, acme, app, ids, ann, obtain } = await open(t)
  const tokens = await obtain('ben')
  const { id } = await grantOf(house, ids.ben)
  const mo = await signedIn(house, 'mo@acme.example')
  const zoe = await signedIn(house, 'zoe@other.example')
  const tokenIn = async (browser: PersonBrowser) =>
    /name="form_token" value="([^"]+)"/.exec((await browser.open(path)).html)?.[1] ?? ''
  for (const [name, browser] of Object.entries({ mo, zoe })) {
    const form_token = await tokenIn(browser)
    for (const end of ['', '/remove', '/remove-install'])
      assert.equal((await browser.open(`${path}/${id}${end}?org=acme`)).status, 404, `${name} ${end}`)
    for (const end of ['/remove', '/remove-install']) {
      const body = new URLSearchParams({ form_token })
      const refused = await browser.request(`${path}/${id}${end}`, { method: 'POST', body })
      assert.equal(refused.status, 404, `${name} ${end}`)
    }
    assert.doesNotMatch((await browser.open(path)).html, /Calendar Sync/, name)
  }
  assert.equal((await mo.open(`${path}?of=account`)).status, 403, 'a member sees their own alone')
  assert.equal((await zoe.open(`${path}?of=account&org=acme`)).status, 404)
  assert.doesNotMatch(
    (await zoe.open(`${path}?of=account`)).html,
    /Calendar Sync/,
    'its makers see no customers',
  )
  assert.ok(await isAlive(house, tokens))

  // Their own a member does remove, whatever role they had when they allowed it.
  const own = `grant_${'m'.repeat(24)}` as const
  await insertGrant(house.database.knex, {
    ...{ id: own, client: app.clientId, person: ids.mo, organization: acme.id, mode: 'test' },
    ...{
      scopes: ['read:bookings'],
      resource: 'r',
      createdAt: new Date(),
      expiresAt: new Date(Date.now() + 9e6),
    },
  })
  await mo.submit(await mo.open(`${path}/${own}/remove`), {})
  assert.deepEqual(await house.database.knex('grants').where({ id: own }), [])

  for (const odd of ['grant_x', `grant_${'a'.repeat(24)}`, 'grant_%00', 'a'.repeat(3000), '%ED%A0%80'])
    assert.ok([400, 404].includes((await ann.open(`${path}/${odd}`)).status), odd.slice(0, 20))
  for (const query of [
    'after=x',
    'after=%ED%A0%80',
    'ended=x',
    'of=x&of=account',
    'after=a&after=b',
    'done=constructor',
  ])
    assert.equal((await ann.open(`${path}?${query}`)).status, 200, query)
  assert.equal((await new PersonBrowser(house.url).request(`${path}/${id}`)).status, 303, 'sign in first')
})

test('U5: access is removed by our own form alone', async (t) => {
  const { house, ids, ann, obtain } = await open(t)
  const tokens = await obtain('ann')
  const { id } = await grantOf(house, ids.ann)
  const tokenOf = (html: string) => /name="form_token" value="([^"]+)"/.exec(html)?.[1] ?? ''
  const own = tokenOf((await ann.open(path)).html)
  const others = tokenOf((await (await signedIn(house, 'ann@acme.example')).open(path)).html)
  for (const end of ['remove', 'remove-install']) {
    const post = (form_token: string, headers: Record<string, string> = {}) =>
      ann.request(`${path}/${id}/${end}`, {
        method: 'POST',
        body: new URLSearchParams({ form_token }),
        headers,
      })
    assert.equal((await post('')).status, 403)
    assert.equal((await post(others)).status, 403, "another session's token")
    assert.equal((await post(own, { Origin: 'https://evil.example' })).status, 403)
    assert.equal((await post(own, { 'Sec-Fetch-Site': 'same-site' })).status, 403)
  }
  assert.ok(await isAlive(house, tokens))
})

test('R3, R4: whatever is under way when access is removed, nothing that it issued survives', async (t) => {
  const { house, acme, app, ids, ann, obtain } = await open(t)
  for (let round = 0; round < 4; round += 1) {
    const tokens = await obtain('ann')
    const code = await obtainCode(house.url, app, 'ann@acme.example', scope, ann)
    const { id } = await grantOf(house, ids.ann)
    const confirm = await ann.open(`${path}/${id}/remove`)
    const flying = [
      ...Array.from({ length: 6 }, () => refresh(house.url, app, tokens.refresh_token)),
      exchange(house.url, app, code),
    ]
    const [removed, ...answers] = await Promise.all([ann.submit(confirm, {}), ...flying])
    assert.match(removed.html, /has no access any more/)
    for (const answer of answers) {
      if (answer.status !== 200) continue
      await assertOver(house, app, await readTokens(answer), `round ${round}`)
    }
    await assertOver(house, app, tokens)
  }
  assert.deepEqual(await house.database.knex('credentials'), [])

  // In an order that is certain: a grant that is made out of a remembered consent, and not committed yet.
  const tokens = await obtain('ann')
  await remember(house, ids.ann, app, acme)
  const confirm = await ann.open(`${path}/${(await grantOf(house, ids.ann)).id}/remove`)
  const late = `grant_${'l'.repeat(24)}` as const
  await meanwhile(
    house,
    async (tx) => {
      await tx('consents').forShare()
      await insertGrant(tx, {
        ...{ id: late, client: app.clientId, person: ids.ann, organization: acme.id, mode: 'test' },
        ...{ scopes: ['read:bookings'], resource: 'r', createdAt: new Date() },
        expiresAt: new Date(Date.now() + 9e6),
      })
    },
    () => ann.submit(confirm, {}),
  )
  await assertOver(house, app, tokens)
  assert.deepEqual(await house.database.knex('grants'), [], 'what was allowed out of memory ends as well')
  assert.deepEqual(await consentsIn(house), [])
})

test('T24: of a person who is disabled, no refresh works and every access token is dead at once', async (t) => {
  const { house, app, ids, ann, ben, obtain } = await open(t)
  const [tokens, others] = [await obtain('ann'), await obtain('ben')]
  assert.ok(await isAlive(house, tokens))
  await disablePerson(house.database.knex, { person: ids.ann, by: byServer }, house.now())
  await assertOver(house, app, tokens)
  assert.ok(await isAlive(house, others))
  assert.equal((await ann.request(path)).status, 303, 'and they are signed out')
  const list = textOf((await ben.open(`${path}?of=account`)).html)
  assert.match(list, /Recently ended .* allowed by ann@acme\.example .* was disabled/)
})
