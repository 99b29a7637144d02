// The console says what there is with a profile, and nothing of what there is not: modes, scopes, OAuth apps.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, type TestContext, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { prefilledApp, typedApp } from '../../src/console/app-form.ts'
import { typedKey } from '../../src/console/key-form.ts'
import { loadProfile, type Profile } from '../../src/core/profile.ts'
import { adminLimits } from '../../src/keys/key-limits.ts'
import { assertAccessible } from '../browser/axe.ts'
import { launchChromium } from '../browser/chromium.ts'
import { textOf } from '../support/connected-apps.ts'
import { startHouse } from '../support/house.ts'
import { password } from '../support/password.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { packagedFolder, profileFiles } from '../support/profile-files.ts'
import { runCommand } from '../support/server-process.ts'

const path = '/admin/settings/api-keys'
let chromium: Browser

before(async () => {
  chromium = await launchChromium()
})
after(() => chromium.close())

/** One mode, no scopes, no OAuth, keys under a heading of their own, another color. */
function bareProfile(t: TestContext) {
  const files = profileFiles(t)
  files.change('boothzen.json', {
    modes: ['live'],
    'credentials.prefixes.api_key': { live: 'bz_live_' },
    'credentials.prefixes.access_token': { live: 'bz_oat_live_' },
    scopes: {},
    scopeGrammar: null,
    'oauth.enabled': false,
    'oauth.defaultScopes': [],
    'console.keys': ['Integrations', 'Keys & more'],
    'console.createKey': 'New key',
    'brand.accent': { light: '#9a3412', dark: '#c28571' },
  })
  const document = readFileSync(join(files.folder, 'openapi/boothzen.json'), 'utf8')
  files.write(
    'openapi/boothzen.json',
    document.replace(/"x-required-scopes": \[[^\]]*\]/g, '"x-required-scopes": []'),
  )
  return files
}

test('where there is one mode, forms are of that mode, whatever they say', () => {
  const live: Profile = { ...loadProfile('boothzen', packagedFolder), modes: ['live'] }
  assert.equal(prefilledApp(live, new URLSearchParams('mode=test')).mode, 'live')
  assert.equal(typedApp(live, new URLSearchParams()).mode, 'live')
  assert.equal(typedKey(live, adminLimits(live), new URLSearchParams('mode=test')).mode, 'live')
})

test('a profile without modes, scopes and OAuth', async (t) => {
  const files = bareProfile(t)
  const house = await startHouse(t, {
    env: { PROFILE: files.file },
  })
  const acme = await house.organization('Acme')
  await house.person('ann@acme.example', acme)
  await house.person('mo@acme.example', acme, 'MEMBER')
  const signedIn = async (email: string) => {
    const browser = new PersonBrowser(house.url)
    await browser.signIn(await browser.open('/sign-in'), email)
    return browser
  }
  const [admin, member] = [await signedIn('ann@acme.example'), await signedIn('mo@acme.example')]

  await t.test('keys stand in the menu, the title and the crumbs as it calls them', async () => {
    const list = await admin.open(path)
    assert.match(list.html, /<title>Keys &amp; more · Integrations · BoothZen<\/title>/)
    assert.match(
      list.html,
      /<p id="keys-section">Integrations<\/p><ul aria-labelledby="keys-section"><li><a href="\/admin\/settings\/api-keys" aria-current="page">Keys &amp; more<\/a>/,
    )
    assert.match(list.html, /<h1>Keys &amp; more<\/h1>/)
    assert.match(list.html, new RegExp(`href="${path}/new\\?org=acme">New key</a>`))
    const form = await admin.open(`${path}/new`)
    assert.match(form.html, /<h1>New key<\/h1>/)
    assert.match(textOf(form.html), /Integrations *Keys &amp; more/)
  })

  await t.test('a key is made without a mode and without scopes, and holds its organization', async () => {
    const form = await admin.open(`${path}/new`)
    assert.match(form.html, /A key holds everything of its organization\./)
    assert.doesNotMatch(form.html, /name="mode"|name="scope:|<fieldset/)
    const made = await admin.submit(form, { name: 'Export', lifetime: '90', addresses: '' })
    const secret = /id="secret" readonly value="(\w+)"/.exec(made.html)?.[1] ?? ''
    assert.equal((await house.api('/bookings', secret)).status, 200)
    await admin.submit(made, {})
  })

  await t.test('no page tells of modes or OAuth', async () => {
    const [row] = await house.database.knex('api_keys')
    await house.settle()
    const pages = ['', '/new', `/${row.id}`, `/${row.id}/rotate`, `/${row.id}/revoke`].map(
      (end) => path + end,
    )
    const others = ['/admin/members', '/admin/audit-log', '/admin/account']
    for (const address of [...pages, ...others]) {
      const { status, html } = await admin.open(address)
      assert.equal(status, 200, address)
      const text = textOf(html.replace(/<head>[\s\S]*<\/head>/, '')).replace(
        /bz_live_\S*|authenticator app|app on your phone/g,
        '',
      )
      const told = text.match(/\b(live|test|sandbox|mode|OAuth|apps?|scopes?)\b/gi)
      assert.deepEqual(told, null, address)
    }
    await house.asOwner('update organizations set suspended_at = now(), is_stopped = true')
    assert.match((await admin.open(path)).html, /Its keys are refused until it is resumed/)
    await house.asOwner('update organizations set suspended_at = null, is_stopped = false')
  })

  await t.test('members make no keys where there is no test mode: no button, and why', async () => {
    const list = await member.open(path)
    assert.doesNotMatch(list.html, new RegExp(`${path}/new`))
    assert.match(list.html, /Only administrators create them/)
    assert.equal((await member.open(`${path}/new`)).status, 403)
    const token = /name="form_token" value="([^"]+)"/.exec(list.html)?.[1] ?? ''
    const body = new URLSearchParams({
      form_token: token,
      org: 'acme',
      name: 'Mine',
      lifetime: '90',
      attempt: 'a'.repeat(43),
    })
    assert.equal((await member.request(path, { method: 'POST', body })).status, 403)
    assert.match(textOf((await member.open('/admin/members')).html), /members see the names of keys\./)
  })

  await t.test('what is of OAuth is not there: pages, endpoints, metadata, challenges', async () => {
    for (const address of [
      '/admin/settings/oauth-apps',
      '/admin/settings/oauth-apps/new',
      '/admin/settings/connected-apps',
    ]) {
      assert.equal((await admin.open(address)).status, 404, address)
      assert.equal((await fetch(house.url + address, { redirect: 'manual' })).status, 404, address)
    }
    for (const address of [
      '/oauth/authorize?client_id=x',
      '/oauth/token',
      '/oauth/register',
      '/oauth/jwks',
      '/.well-known/oauth-authorization-server',
      '/.well-known/openid-configuration',
      '/.well-known/oauth-protected-resource/api/v1',
    ]) {
      const answer = await fetch(house.url + address)
      assert.equal(answer.status, 404, address)
      assert.equal(((await answer.json()) as { error: string }).error, 'page_not_found')
    }
    const refused = await house.api('/bookings', null)
    assert.equal(refused.status, 401)
    assert.doesNotMatch(refused.headers.get('www-authenticate') ?? '', /resource_metadata/)
    const introspection = await fetch(`${house.url}/oauth/introspect`, { method: 'POST' })
    assert.equal(introspection.status, 400, 'which knows API keys too, stays')
  })

  await t.test('no command makes anything of OAuth', async () => {
    const env = { DATABASE_URL: house.databaseUrl, PROFILE: files.file }
    const said = 'The profile boothzen has no OAuth apps: its oauth.enabled is false.\n'
    const made = await runCommand(files.folder, ['registration-token', 'create', '--name', 'x'], env)
    assert.deepEqual([made.code, made.stdout, made.stderr], [1, '', said])
  })

  await t.test('looks right, at every width and in both color schemes', async () => {
    const context = await chromium.newContext()
    const page = await context.newPage()
    await page.goto(`${house.url}/admin`)
    await page.getByLabel('Email address').fill('ann@acme.example')
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('heading', { name: 'Keys & more', level: 1 }).waitFor()
    const color = await page.evaluate(
      "getComputedStyle(document.querySelector('a.button.primary')).backgroundColor",
    )
    assert.equal(color, 'rgb(154, 52, 18)')
    await assertAccessible(page, 'bare-profile-keys')
    await page.getByRole('link', { name: 'New key' }).click()
    await page.getByRole('heading', { name: 'New key', level: 1 }).waitFor()
    await assertAccessible(page, 'bare-profile-new-key')
    await context.close()
  })
})
