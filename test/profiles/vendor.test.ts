// A vendor's own files as a whole server: nothing in it is as in the profiles that are packaged.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requireSoleMode } from '../../src/cli/options.ts'
import { seedSample } from '../../src/sample/seed.ts'
import {
  authorizationUrl,
  exchange,
  obtainCode,
  obtainTokens,
  reachConsent,
  readTokens,
} from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { makeKey, signProof } from '../support/proof.ts'
import { postRegistration, registerApp } from '../support/registration.ts'
import { vendorProfile } from '../support/vendor.ts'

const email = 'ann@acme.example'

test('a profile that a vendor writes from nothing is a server', async (t) => {
  const file = vendorProfile(t)
  const house = await startHouse(t, { env: { PROFILE: file } })
  const { url } = house
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  await seedSample(house.database.knex, house.profile, organization.id, house.now())
  const { secret } = await house.key(organization, 'live', ['read:widgets', 'assemble:widgets'])
  const app = await house.app(organization, { mode: 'live' })
  const read = async (response: Response) => JSON.parse(await response.text()) as Record<string, unknown>
  const rowsOf = async (path: string) =>
    (await read(await house.api(path, secret)))['result'] as { id: string; color: string }[]
  const send = (path: string, method: string, body: object) =>
    house.api(path, secret, {
      method,
      body: JSON.stringify(body),
      headers: { 'Content-Type': 'application/json' },
    })

  await t.test('a parameter of a path may be called anything, and be a part of a part', async () => {
    const [first] = await rowsOf('/widgets')
    assert.ok(first)
    const answer = await read(await house.api(`/widgets/${first.id}`, secret))
    assert.deepEqual(answer, { ok: true, result: first })
    const changed = await send(`/widgets/${first.id}`, 'PATCH', { color: 'green' })
    assert.equal(changed.status, 200)
    assert.deepEqual(await rowsOf('/colors/green.json'), [{ ...first, color: 'green' }])
  })

  await t.test('a fixed path comes before one with a parameter, wherever the document has it', async () => {
    assert.equal((await house.api('/widgets/prefs', secret)).status, 200)
  })

  await t.test(
    'a page that is no number is refused, also where the document does not describe it',
    async () => {
      for (const query of [
        'page=0',
        'page=-1',
        'page=x',
        'page=1.5',
        'page=1e300',
        'limit=0',
        'limit=-1',
        'limit=',
      ]) {
        const response = await house.api(`/widgets?${query}`, secret)
        assert.equal(response.status, 422, query)
      }
      assert.equal((await rowsOf('/widgets?page=2')).length, 1)
    },
  )

  await t.test('parameters and bodies may be written once, and referred to', async () => {
    for (const [query, say] of [
      ['page=8', 'page: must be <= 7.'],
      ['limit=4', 'limit: must be <= 3.'],
    ]) {
      const { errors } = await read(await house.api(`/shared?${query}`, secret))
      assert.equal((errors as { text: string }[])[0]?.text, say)
    }
    assert.equal((await send('/shared', 'POST', {})).status, 422)
    assert.equal((await send('/shared', 'POST', { color: 'red' })).status, 201)
  })

  await t.test('a rate class may be called as one of our own is', async () => {
    const made = await send('/widgets', 'POST', { color: 'red' })
    assert.equal(made.status, 201)
    assert.equal(made.headers.get('x-rl-limit'), '500')
    const refused = await house.api('/widgets', null)
    assert.equal(refused.headers.get('x-rl-limit'), '77')
  })

  await t.test('where keys have a header of their own, access tokens come as bearers as well', async () => {
    const { access_token: token } = await obtainTokens(url, app, email, 'read:widgets')
    const asBearer = { headers: { Authorization: `Bearer ${token}` } }
    assert.equal((await house.api('/widgets', null, asBearer)).status, 200)
    assert.equal((await house.api('/widgets', token)).status, 200)
    assert.equal((await house.api('/widgets', secret, asBearer)).status, 400)

    const metadata = `${url}/.well-known/oauth-protected-resource/public/v2.1`
    const realm = 'ApiKey realm="Acme n Widgets API", header="X-Acme-Token"'
    const without = await house.api('/widgets', null)
    assert.equal(without.headers.get('www-authenticate'), `Bearer resource_metadata="${metadata}", ${realm}`)
    const lacking = await house.api('/widgets', null, { method: 'POST', ...asBearer })
    assert.equal(lacking.status, 403)
    assert.match(lacking.headers.get('www-authenticate') ?? '', /^Bearer error="insufficient_scope", /)
  })

  await t.test('and bound tokens with their proof', async () => {
    const key = await makeKey()
    const proof = { DPoP: await signProof(key, { url: `${url}/oauth/token` }) }
    const tokens = await readTokens(
      await exchange(url, app, await obtainCode(url, app, email, 'read:widgets'), proof),
    )
    const { access_token: accessToken } = tokens
    const asked = { method: 'GET', url: `${url}/public/v2.1/widgets`, accessToken }
    const headers = { Authorization: `DPoP ${accessToken}`, DPoP: await signProof(key, asked) }
    assert.equal((await house.api('/widgets', null, { headers })).status, 200)
    assert.equal((await house.api('/widgets', accessToken)).status, 401)
  })

  await t.test('an answer tells of a limit even when the database is away', async () => {
    // One that is in nobody's memory.
    const { secret: unseen } = await house.key(organization, 'live', ['read:widgets'])
    await house.asOwner('alter table credentials rename to credentials_away')
    const response = await house.api('/widgets', unseen)
    await house.asOwner('alter table credentials_away rename to credentials')
    assert.equal(response.status, 503)
    assert.equal(response.headers.get('x-rl-limit'), '77')
    assert.match(response.headers.get('x-acme-trace') ?? '', /^req_/)
  })

  await t.test('the console makes a key and shows a call that works, and tries an app out', async () => {
    const browser = new PersonBrowser(url)
    await browser.signIn(await browser.open('/sign-in'), email)
    const form = await browser.open('/admin/settings/api-keys/new')
    const levels = { 'scope:widgets': 'read', 'scope:assemble:widgets': 'write' }
    const made = await browser.submit(form, { name: 'Nightly', lifetime: 'never', ...levels })
    const key = /value="(ak_\w+)"/.exec(made.html)?.[1] ?? ''
    const [, shown = ''] = /curl -H "X-Acme-Token: \$YOUR_KEY" ([^\s<]+)</.exec(made.html) ?? []
    assert.equal(shown, `${url}/public/v2.1/whoami`)
    assert.equal((await house.api('/whoami', key)).status, 200)

    const tried = await browser.open(`/admin/settings/oauth-apps/${app.clientId}/try-it`)
    const address = /href="([^"]*\/oauth\/authorize[^"]*)"/.exec(tried.html)?.[1] ?? ''
    const consent = await browser.open(address.replaceAll('&amp;', '&'))
    const end = await browser.submit(consent, { organization: organization.id, decision: 'allow' })
    assert.match(end.html, /<h1>It works<\/h1>/)
    assert.match(end.html, /\/public\/v2\.1\/whoami/)
  })

  await t.test(
    'an app registers itself and is asked about in the brand of the vendor, with one mode unsaid',
    async () => {
      const { client_id: clientId } = await registerApp(url)
      const browser = new PersonBrowser(url)
      const asked = authorizationUrl(url, clientId, 'read:widgets assemble:widgets', { ui_locales: 'fr' })
      const { html } = await reachConsent(browser, asked, email)
      assert.match(html, /lang="fr"/)
      assert.match(html, /Acme (&quot;|")Ünï(&quot;|") Widgets/)
      assert.match(html, /Assemble widgets/)
      assert.doesNotMatch(html, /class="tag live"|BoothZen/)
      const refused = await postRegistration(url, { redirect_uris: ['nonsense'] })
      assert.deepEqual(
        [refused.status, Object.keys(Object(await refused.json()))],
        [400, ['error', 'error_description']],
      )
      assert.match(refused.headers.get('x-acme-trace') ?? '', /^req_/)
    },
  )

  await t.test('the command line asks for a mode only where there is a choice', () => {
    assert.equal(requireSoleMode(house.profile), 'live')
    assert.throws(() => requireSoleMode({ ...house.profile, modes: ['live', 'test'] }), /invalid_parameter/)
  })

  await t.test('a cursor is taken back, whatever ids begin with', async (t) => {
    const links = await startHouse(t, {
      env: { PROFILE: file },
      databaseUrl: house.databaseUrl,
      change: (it) => ({ ...it, pagination: { ...it.pagination, style: 'link' } }),
    })
    const first = await links.api('/widgets?limit=1', secret)
    const [, next = ''] = /^<([^>]+)>; rel="next"$/.exec(first.headers.get('link') ?? '') ?? []
    const second = await fetch(next, { headers: { 'X-Acme-Token': secret } })
    assert.equal(second.status, 200, await second.text())
  })
})
