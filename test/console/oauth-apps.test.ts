// The pages for OAuth apps: who may do what, what can be registered, and what the pages say of an app.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClientId } from '../../src/core/ids.ts'
import { authorizationUrl, errorOf, obtainTokens, postToken, refresh } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'
import { type Page, PersonBrowser } from '../support/person-browser.ts'

const path = '/admin/settings/oauth-apps'
const advanced = { refresh_grace: '60', refresh_lifetime: '90 days', refresh_idle: '', on_reuse: 'revoke' }
const typed = {
  name: 'Calendar Sync',
  redirect_uri: 'https://sync.example.com/callback\nhttp://127.0.0.1/callback',
  mode: 'test',
  homepage: 'https://sync.example.com',
  policy_uri: '',
  terms_uri: '',
  'scope:read:bookings': 'required',
  'scope:read:customers': 'optional',
  ...advanced,
}

async function signedIn(house: House, email: string): Promise<PersonBrowser> {
  const browser = new PersonBrowser(house.url)
  await browser.signIn(await browser.open('/sign-in'), email)
  return browser
}

async function open(house: House, name: string) {
  const slug = name.toLowerCase()
  const organization = await house.organization(name)
  await house.person(`ann@${slug}.example`, organization, 'ADMIN')
  await house.person(`mo@${slug}.example`, organization, 'MEMBER')
  return {
    organization,
    admin: await signedIn(house, `ann@${slug}.example`),
    member: await signedIn(house, `mo@${slug}.example`),
    email: `ann@${slug}.example`,
  }
}

const clientIdOf = (page: Page) => {
  const id = /id="client_id" readonly value="(app_[0-9a-z]{24})"/.exec(page.html)?.[1]
  assert.ok(id, page.html)
  return id as ClientId // by its pattern
}
const mainOf = ({ html }: Page) => html.slice(html.indexOf('<main'), html.indexOf('</main>'))
const rows = (house: House, table: string, where: object) => house.database.knex(table).where(where)

test('OAuth apps in the console', async (t) => {
  const house = await startHouse(t)
  const { organization, admin, member, email } = await open(house, 'Acme')
  const other = await open(house, 'Other')
  const { knex } = house.database

  const register = async (change: Readonly<Record<string, string>> = {}) =>
    admin.submit(await admin.open(`${path}/new?org=acme`), { ...typed, ...change })

  await t.test('an empty list says what an app is for; a member is told who registers them', async () => {
    assert.match((await admin.open(path)).html, /There are no apps yet[\s\S]*Register your first app/)
    assert.match((await member.open(path)).html, /Administrators of the account register apps/)
    assert.equal((await member.open(`${path}/new`)).status, 403)
  })

  await t.test('an app is registered once, however often the button is pressed', async () => {
    const form = await admin.open(`${path}/new?org=acme`)
    const [one, two] = await Promise.all([admin.submit(form, typed), admin.submit(form, typed)])
    assert.ok([one, two].some(({ html }) => html.includes('No secret exists: this is a public client')))
    const apps = await rows(house, 'oauth_apps', { organization_id: organization.id })
    assert.equal(apps.length, 1)
    const [{ client_id, scopes, optional_scopes, redirect_uris, mode, registration }] = apps
    assert.deepEqual(
      { scopes, optional_scopes, redirect_uris, mode, registration },
      {
        scopes: ['read:bookings', 'read:customers'],
        optional_scopes: ['read:customers'],
        redirect_uris: typed.redirect_uri.split('\n'),
        mode: 'test',
        registration: 'manual',
      },
    )
    const page = await admin.open(`${path}/${client_id}`)
    assert.equal(clientIdOf(page), client_id)
    for (const text of ['Not verified', 'Test', 'sync.example.com/callback', 'code_challenge_method=S256'])
      assert.ok(mainOf(page).includes(text), text)
    assert.match((await admin.open(path)).html, /Calendar Sync[\s\S]*0 authorizations/)
    const [event] = await rows(house, 'audit_events', { target: client_id, action: 'app.created' })
    assert.equal(event.actor_kind, 'person')
  })

  await t.test('A10, A11, A12: a form with a redirect URI that is not allowed is shown again', async () => {
    const refused = {
      'http://sync.example.com/cb': /Plain http is for this computer only/,
      'myapp:/callback': /domain name in reverse/,
      'https://sync.example.com/cb#x': /no fragment/,
      'https://*.example.com/cb': /no wildcard/,
      'https://user@sync.example.com/cb': /no user or password/,
      'https://b\u00fccher.example/cb': /plain ASCII/,
      'com.example.app:/a\u0000b': /plain ASCII/,
      '': /at least one redirect URI/,
      [Array.from({ length: 21 }, (_, at) => `https://x.example/${at}`).join('\n')]: /at most 20/,
    }
    for (const [uri, say] of Object.entries(refused)) {
      const page = await register({ redirect_uri: uri })
      assert.equal(page.status, 422, uri)
      assert.match(page.html, say)
      assert.match(page.html, /<title>Error: Register an app/)
      assert.match(page.html, /<a href="#redirect_uri">/)
      assert.match(page.html, /aria-describedby="redirect_uri-hint redirect_uri-says mistake" aria-invalid/)
    }
    assert.equal((await rows(house, 'oauth_apps', { organization_id: organization.id })).length, 1)
  })

  await t.test('every other field says what is wrong with it, and what was typed stays', async () => {
    const wrong: readonly [Readonly<Record<string, string>>, RegExp][] = [
      [{ name: ' \u200b' }, /#name">The name must have 1 to 100/],
      [{ name: 'x'.repeat(101) }, /#name">/],
      [{ name: 'a\u0000b' }, /#name">The name must be one line/],
      [{ name: 'a\u202eb' }, /#name">/],
      [{ homepage: 'http://sync.example.com' }, /#homepage">It must be an address that starts with https/],
      [{ policy_uri: 'javascript:alert(1)' }, /#policy_uri">/],
      [{ terms_uri: 'https://user@x.example' }, /#terms_uri">/],
      [{ mode: 'both' }, /#mode-test">/],
      [{ 'scope:read:bookings': 'no', 'scope:read:customers': 'no' }, /#scope-0-no">Choose at least one/],
      [{ 'scope:read:bookings': 'always' }, /#scope-0-no">/],
      [{ refresh_grace: '1801' }, /#refresh_grace">The grace window must be from 0 to 1800/],
      [{ refresh_grace: '-1' }, /#refresh_grace">/],
      [{ refresh_lifetime: 'for ever' }, /#refresh_lifetime">Write a number and a unit/],
      [{ refresh_lifetime: '999999999 days' }, /#refresh_lifetime">/],
      [{ refresh_idle: '1 second' }, /#refresh_idle">/],
      [{ on_reuse: '' }, /#reuse-revoke">/],
    ]
    for (const [change, say] of wrong) {
      const page = await register({ ...change, terms_uri: change['terms_uri'] ?? 'https://x.example/kept' })
      assert.equal(page.status, 422, JSON.stringify(change))
      assert.match(page.html, say)
      if (!('terms_uri' in change)) assert.match(page.html, /value="https:\/\/x\.example\/kept"/)
    }
    assert.equal((await rows(house, 'oauth_apps', { organization_id: organization.id })).length, 1)
  })

  await t.test('a link fills the form in, and registers nothing', async () => {
    const query = new URLSearchParams({ name: 'From "a" link', mode: 'live', scope: 'read:bookings made:up' })
    query.append('redirect_uri', 'https://a.example/cb')
    query.append('redirect_uri', 'https://b.example/cb')
    const page = await admin.open(`${path}/new?${query}`)
    assert.match(page.html, /A link filled in this form/)
    assert.match(page.html, /value="From &quot;a&quot; link"/)
    assert.match(page.html, />https:\/\/a\.example\/cb\nhttps:\/\/b\.example\/cb<\/textarea>/)
    assert.match(page.html, /id="mode-live" value="live" checked/)
    assert.match(page.html, /name="scope:read:bookings"[^>]*value="required" checked/)
    assert.doesNotMatch(page.html, /made:up/)
    assert.equal((await rows(house, 'oauth_apps', { organization_id: organization.id })).length, 1)
  })

  const app = await house.app(organization, { optionalScopes: ['read:customers'] })
  const page = `${path}/${app.clientId}`

  await t.test('U13: an app of another account, and none, are answered alike', async () => {
    const strange = await house.app(other.organization)
    await knex('oauth_apps').insert({
      client_id: 'https://self.example/client.json',
      registration: 'metadata_document',
      document_fresh_until: new Date(),
      mode: 'live',
      name: 'Self',
      redirect_uris: ['https://self.example/cb'],
      scopes: ['read:bookings'],
      refresh_grace_seconds: 60,
      refresh_lifetime_seconds: 60,
    })
    for (const id of [
      strange.clientId,
      'app_x',
      `app_${'0'.repeat(24)}`,
      'https%3A%2F%2Fself.example%2Fclient.json',
    ])
      for (const verb of ['', '/edit', '/logo', '/try-it', '/errors', '/suspend', '/delete'])
        assert.equal((await admin.open(`${path}/${id}${verb}`)).status, 404, `${id}${verb}`)
    const form = await admin.open(`${page}/delete`)
    const token = /name="form_token" value="([^"]+)"/.exec(form.html)?.[1] ?? ''
    for (const verb of ['edit', 'suspend', 'resume', 'delete', 'logo/remove']) {
      const init = { method: 'POST', body: new URLSearchParams({ ...typed, form_token: token }) }
      const answer = await admin.request(`${path}/${strange.clientId}/${verb}`, init)
      assert.equal(answer.status, 404, verb)
    }
    const wanted = {
      method: 'POST',
      body: new URLSearchParams({ ...typed, form_token: token, org: 'other' }),
    }
    assert.equal((await admin.request(path, wanted)).status, 404)
    assert.equal((await knex('oauth_apps').where({ organization_id: other.organization.id })).length, 1)
  })

  await t.test('a member looks, and changes nothing', async () => {
    const seen = await member.open(page)
    assert.equal(seen.status, 200)
    assert.doesNotMatch(mainOf(seen), /Try it|\/edit"|Suspend|Delete/)
    for (const verb of ['edit', 'logo', 'try-it', 'suspend', 'delete'])
      assert.equal((await member.open(`${page}/${verb}`)).status, 403, verb)
    const token = /name="form_token" value="([^"]+)"/.exec(seen.html)?.[1] ?? ''
    for (const verb of ['edit', 'suspend', 'resume', 'delete', 'logo/remove']) {
      const init = { method: 'POST', body: new URLSearchParams({ ...typed, form_token: token }) }
      assert.equal((await member.request(`${page}/${verb}`, init)).status, 403, verb)
    }
  })

  await t.test('U5: a form without its token changes nothing', async () => {
    for (const verb of ['edit', 'suspend', 'resume', 'delete', 'logo/remove']) {
      const init = { method: 'POST', body: new URLSearchParams(typed) }
      assert.equal((await admin.request(`${page}/${verb}`, init)).status, 403, verb)
    }
    const upload = new FormData()
    upload.set('logo', new Blob([new Uint8Array(8)]))
    assert.equal((await admin.request(`${page}/logo`, { method: 'POST', body: upload })).status, 403)
    assert.equal((await knex('oauth_apps').where({ client_id: app.clientId, suspended_at: null })).length, 1)
  })

  await t.test('a change is saved, and stands in the ledger with the old and the new', async () => {
    const form = await admin.open(`${page}/edit`)
    assert.match(form.html, /An app keeps its mode for good/)
    const after = await admin.submit(form, { ...typed, name: 'Renamed', mode: 'live', ...advanced })
    assert.match(after.html, /The changes are saved/)
    const [row] = await knex('oauth_apps').where({ client_id: app.clientId })
    assert.deepEqual([row.name, row.mode, row.refresh_lifetime_seconds], ['Renamed', 'test', 90 * 86_400])
    const [event] = await rows(house, 'audit_events', { target: app.clientId, action: 'app.updated' })
    assert.deepEqual([event.details.from.name, event.details.to.name], ['Calendar Sync', 'Renamed'])
    assert.equal('refresh_grace_seconds' in event.details.to, false, 'what stayed is not told')
    const again = await admin.submit(await admin.open(`${page}/edit`), { ...typed, name: 'Renamed' })
    assert.match(again.html, /The changes are saved/)
    assert.equal(
      (await rows(house, 'audit_events', { target: app.clientId, action: 'app.updated' })).length,
      1,
    )
  })

  await t.test('suspended and resumed: the page says what stops, tokens stop and come back', async () => {
    await knex('oauth_apps').where({ client_id: app.clientId }).update({ redirect_uris: app.redirectUris })
    const tokens = await obtainTokens(house.url, app, email, 'read:bookings offline_access')
    const form = await admin.open(`${page}/suspend`)
    assert.match(form.html, /1 authorization stops<\/strong>, for 1 account/)
    assert.match(
      (await admin.submit(form, {})).html,
      /The app is suspended[\s\S]*work again when it is resumed/,
    )
    assert.equal((await house.api('/me', tokens.access_token)).status, 401)
    assert.equal(
      await errorOf(await refresh(house.url, app, tokens.refresh_token)),
      '503 temporarily_unavailable',
    )
    const asked = await fetch(authorizationUrl(house.url, app.clientId, 'read:bookings').url, {
      redirect: 'manual',
    })
    assert.equal(asked.status, 503)
    assert.match((await admin.open(path)).html, /Suspended/)
    await admin.submit(await admin.open(page), {}, `${page}/resume`)
    const renewed = await refresh(house.url, app, tokens.refresh_token)
    assert.equal(renewed.status, 200)
  })

  await t.test('what was refused is in the error log, in words, with the request id', async () => {
    const form = {
      grant_type: 'authorization_code',
      client_id: app.clientId,
      code: 'x',
      code_verifier: 'x'.repeat(43),
    }
    const refused = await postToken(house.url, form)
    assert.equal(refused.status, 400)
    const requestId = refused.headers.get(house.profile.headers.requestId) ?? ''
    await house.settle()
    for (const address of [page, `${page}/errors`]) {
      const { html } = await member.open(address)
      assert.ok(html.includes(requestId), address)
      assert.match(html, /invalid_grant<\/code><\/strong> at <code>\/oauth\/token/)
      assert.match(html, /The code or the refresh token was not good/)
    }
    const ofPerson = { client_id: app.clientId, endpoint: 'authorization' }
    await knex('app_refusals').insert([
      { ...ofPerson, error: 'access_denied', reason: 'the person did not allow it' },
      { ...ofPerson, error: 'consent_required', reason: 'the person has to be asked' },
    ])
    const { html } = await member.open(`${page}/errors`)
    for (const said of ['The person did not allow it', 'The person has to be asked'])
      assert.equal(html.split(said).length - 1, 1, 'what was the matter is said once')
    const strange = await signedIn(house, other.email)
    assert.equal((await strange.open(`${page}/errors`)).status, 404)
  })

  await t.test('U14: whatever an app is called, and refused for, is shown as text', async () => {
    const hostile = `"'><img src=x onerror=alert(1)><script>alert(2)</script>`
    await knex('oauth_apps')
      .where({ client_id: app.clientId })
      .update({ name: hostile, homepage: hostile, redirect_uris: [hostile], policy_uri: hostile })
    await knex('app_refusals').insert({
      client_id: app.clientId,
      endpoint: 'token',
      error: hostile,
      reason: hostile,
      request_id: hostile,
    })
    for (const verb of ['', '/edit', '/logo', '/errors', '/suspend', '/delete', '/try-it']) {
      const { html, status } = await admin.open(`${page}${verb}`)
      assert.equal(status, 200, verb)
      assert.match(html, /&lt;img src=x/, verb)
      assert.doesNotMatch(html, /<img src=x|<script>alert/, verb)
    }
    const { html } = await admin.open(
      `${path}/new?${new URLSearchParams({ name: hostile, redirect_uri: hostile })}`,
    )
    assert.doesNotMatch(html, /<img src=x|<script>alert/)
    await knex('app_refusals').where({ error: hostile }).delete()
    await knex('oauth_apps')
      .where({ client_id: app.clientId })
      .update({ name: app.name, homepage: null, policy_uri: null, redirect_uris: app.redirectUris })
  })

  await t.test('deleted: the page says what ends, and it ends', async () => {
    const tokens = await obtainTokens(house.url, app, email, 'read:bookings offline_access')
    const form = await admin.open(`${page}/delete`)
    assert.match(form.html, /2 authorizations end<\/strong>, for 1 account/)
    assert.match((await admin.submit(form, {})).html, /The app has been deleted/)
    assert.equal((await house.api('/me', tokens.access_token)).status, 401)
    assert.equal(await errorOf(await refresh(house.url, app, tokens.refresh_token)), '401 invalid_client')
    assert.deepEqual(await rows(house, 'credentials', { client_id: app.clientId }), [])
    assert.equal((await admin.open(page)).status, 404)
  })

  await t.test(
    'in a suspended account nothing is registered or changed, but an app can still be stopped',
    async () => {
      const left = await house.app(organization)
      await knex('organizations')
        .where({ id: organization.id })
        .update({ is_stopped: true, suspended_at: new Date() })
      const at = `${path}/${left.clientId}`
      for (const address of [`${path}/new`, `${at}/edit`, `${at}/try-it`])
        assert.equal((await admin.open(address)).status, 403, address)
      assert.match((await admin.submit(await admin.open(`${at}/suspend`), {})).html, /Suspended/)
      assert.match((await admin.submit(await admin.open(`${at}/delete`), {})).html, /has been deleted/)
    },
  )
})
