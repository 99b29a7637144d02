// Consent through the front door: who is asked, who is not asked again, and what the app is told.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import type { App } from '../../src/apps/app.ts'
import type { NewApp } from '../../src/apps/register-app.ts'
import { byServer } from '../../src/core/attribution.ts'
import type { PersonId } from '../../src/core/ids.ts'
import { deleteConsents } from '../../src/oauth/consent-store.ts'
import { changeRole } from '../../src/offboarding/change-role.ts'
import { disablePerson } from '../../src/offboarding/disable-person.ts'
import { removeMember } from '../../src/offboarding/remove-member.ts'
import type { Organization } from '../../src/organizations/organization-store.ts'
import { authorizationUrl, postToken, readTokens } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'
import { meanwhile } from '../support/meanwhile.ts'
import { password } from '../support/password.ts'
import { type Page, PersonBrowser } from '../support/person-browser.ts'
import { turnOnSecondFactor } from '../support/second-factor.ts'

const scope = 'read:bookings'
const redirectUri = 'https://app.example/callback'
let house: House
let acme: Organization
let second: Organization
let stop: (() => Promise<void>)[] = []

before(async () => {
  // startHouse takes what it needs of a test: to be told when it is over.
  const t = { after: (end: () => Promise<void>) => stop.unshift(end) }
  house = await startHouse(t as unknown as Parameters<typeof startHouse>[0])
  acme = await house.organization('Acme')
  second = await house.organization('Second')
})
after(async () => {
  for (const end of stop) await end()
  stop = []
})

let people = 0
/** A new administrator of both accounts, or of Acme alone. */
async function administrator(of: readonly Organization[] = [acme]) {
  people += 1
  const email = `person${people}@acme.example`
  const [first = acme, ...others] = of
  const id = await house.person(email, first)
  for (const { id: organization } of others) {
    const membership = { organization_id: organization, person_id: id, role: 'ADMIN' }
    await house.database.knex('memberships').insert(membership)
  }
  return { id, email, browser: new PersonBrowser(house.url) }
}

type Administrator = Awaited<ReturnType<typeof administrator>>

const newApp = async (some: Partial<NewApp> = {}, isVerified = true): Promise<App> => {
  const app = await house.app(acme, { redirectUris: [redirectUri], ...some })
  if (isVerified) {
    await house.database
      .knex('oauth_apps')
      .where({ client_id: app.clientId })
      .update({ verified_at: new Date() })
  }
  return app
}

const ask = (app: App, scopes: string, change: Record<string, string | null> = {}) =>
  authorizationUrl(house.url, app.clientId, scopes, { redirect_uri: redirectUri, ...change })

async function reach(person: Administrator, url: string): Promise<Page> {
  const page = await person.browser.open(url)
  return page.html.includes('name="password"') ? await person.browser.signIn(page, person.email) : page
}

async function allow(person: Administrator, app: App, scopes = scope, organization = acme): Promise<URL> {
  const page = await reach(person, ask(app, scopes).url)
  const form = { organization: organization.id, decision: 'allow' }
  const back = new URL((await person.browser.submit(page, form)).url)
  assert.ok(back.searchParams.get('code'), back.href)
  return back
}

/** What the app is told at once; null when the person is asked. */
async function outcome(person: Administrator, app: App, scopes = scope, change = {}): Promise<string | null> {
  const page = await person.browser.open(ask(app, scopes, change).url)
  if (!page.url.startsWith(redirectUri)) return null
  const told = new URL(page.url).searchParams
  return told.get('error') ?? (told.get('code') ? 'code' : page.url)
}

const grantsOf = (person: PersonId) =>
  house.database.knex('grants').where({ person_id: person }).orderBy('created_at')

const formToken = (page: Page) => /name="form_token" value="([^"]+)"/.exec(page.html)?.[1] ?? ''

test('A22, A23: who allowed an app with a host of its own is not asked again for the same; each time has its own grant', async () => {
  const [person, app] = [await administrator(), await newApp()]
  assert.equal(await outcome(person, app, scope, { prompt: 'none' }), 'login_required')
  await allow(person, app)
  assert.equal(await outcome(person, app), 'code')
  assert.equal(await outcome(person, app, scope, { prompt: 'none' }), 'code')
  const grants = await grantsOf(person.id)
  assert.equal(new Set(grants.map(({ id }) => id)).size, 3)
  assert.deepEqual(new Set(grants.map((it) => it.organization_id)), new Set([acme.id]))
  const { rows: told } = await house.database.knex.raw(
    `select details->>'remembered' as remembered from audit_events where action = 'grant.allowed' and actor_id = ? order by id`,
    [person.id],
  )
  assert.deepEqual(
    told.map((row: { remembered: string | null }) => row.remembered),
    [null, 'true', 'true'],
  )

  assert.equal(await outcome(person, app, `${scope} write:bookings`), null, 'more than before')
  assert.equal(await outcome(person, app, `${scope} write:bookings`, { prompt: 'none' }), 'consent_required')
  assert.equal(await outcome(person, app, scope, { prompt: 'consent' }), null)
  assert.equal(await outcome(person, app, scope, { prompt: 'login' }), null)
  assert.equal(await outcome(person, app, scope, { organization: 'second' }), null)
  assert.equal((await grantsOf(person.id)).length, 3, 'who has to be asked has been given nothing')

  const code = new URL((await person.browser.open(ask(app, scope).url)).url).searchParams.get('code')
  assert.ok(code)
  await house.database
    .knex('oauth_apps')
    .where({ client_id: app.clientId })
    .update({
      redirect_uris: [redirectUri, 'https://elsewhere.example/callback'],
    })
  const elsewhere = ask(app, scope, { redirect_uri: 'https://elsewhere.example/callback' })
  assert.match((await person.browser.open(elsewhere.url)).html, /elsewhere\.example/, 'another host')
  await house.database
    .knex('oauth_apps')
    .where({ client_id: app.clientId })
    .update({ fingerprint: randomBytes(32) })
  assert.equal(await outcome(person, app), null, 'D8: the app has changed')
})

test('A22: an app on this computer is asked about each time; nobody who is not signed in goes on', async () => {
  const person = await administrator()
  const loopback = 'http://127.0.0.1/callback'
  const app = await newApp({ redirectUris: [loopback, redirectUri] })
  await allow(person, app)
  const page = await person.browser.open(ask(app, scope, { redirect_uri: loopback }).url)
  assert.match(page.html, /wants access/)
  const stranger = { ...person, browser: new PersonBrowser(house.url) }
  assert.equal(await outcome(stranger, app), null)
  assert.equal(await outcome(stranger, app, scope, { prompt: 'none' }), 'login_required')
  assert.equal(await outcome(person, app), 'code')
})

test('with two accounts remembered the app has to name one; then each grant is for the one that was named', async () => {
  const [person, app] = [await administrator([acme, second]), await newApp()]
  await allow(person, app)
  assert.equal(await outcome(person, app), 'code')
  const page = await reach(person, ask(app, scope, { organization: second.id }).url)
  assert.match(page.html, new RegExp(`value="${second.id}" checked`))
  assert.doesNotMatch(page.html, new RegExp(`value="${acme.id}" checked`))
  await person.browser.submit(page, { organization: second.id, decision: 'allow' })
  assert.equal(await outcome(person, app), null)
  assert.equal(await outcome(person, app, scope, { organization: 'second' }), 'code')
  assert.equal((await grantsOf(person.id)).at(-1)?.organization_id, second.id)
  const other = await reach(person, ask(app, scope, { organization: 'no-such' }).url)
  assert.doesNotMatch(other.html, / checked/)
  assert.match(other.html, /asked for another account/)
})

test('what was allowed is forgotten with the role, the membership and the person, and when it is taken back', async () => {
  const app = await newApp()
  const by = byServer
  const ends: Record<string, (person: PersonId) => Promise<unknown>> = {
    demoted: (person) =>
      changeRole(house.database.knex, { organization: acme.id, person, role: 'MEMBER', by }),
    removed: (person) => removeMember(house.database.knex, { organization: acme.id, person, by }),
    disabled: (person) => disablePerson(house.database.knex, { person, by }, new Date()),
    'taken back': (person) =>
      house.database.knex.transaction((tx) =>
        deleteConsents(tx, { person, client: app.clientId, organization: acme.id }),
      ),
  }
  await administrator()
  for (const [name, end] of Object.entries(ends)) {
    const person = await administrator()
    await allow(person, app)
    assert.equal(await outcome(person, app), 'code')
    await end(person.id)
    assert.equal(await outcome(person, app), null, name)
    assert.deepEqual(await house.database.knex('consents').where({ person_id: person.id }), [], name)
  }
})

test('an authorization that goes on while it is taken back is asked, or is there to be ended', async () => {
  const [person, app] = [await administrator(), await newApp()]
  await allow(person, app)
  const before = (await grantsOf(person.id)).length
  const of = { person: person.id, client: app.clientId, organization: acme.id }
  const told = await meanwhile(
    house,
    (tx) => deleteConsents(tx, of),
    () => outcome(person, app),
  )
  assert.equal(told, null)
  assert.equal((await grantsOf(person.id)).length, before)
})

test('optional scopes are for the person to tick, and the app is told what it was given', async () => {
  const person = await administrator()
  const app = await newApp({ optionalScopes: ['read:customers', 'write:bookings'] })
  const asked = ask(app, 'read:bookings read:customers write:bookings')
  const page = await reach(person, asked.url)
  assert.equal(page.html.match(/type="checkbox"/g)?.length, 2)
  assert.doesNotMatch(page.html, /type="checkbox"[^>]* checked/)
  const form = { organization: acme.id, decision: 'allow', optional_scope: 'read:customers' }
  const back = new URL((await person.browser.submit(page, form)).url)
  const exchange = async (code: string | null, verifier: string) => {
    const grant = { grant_type: 'authorization_code', client_id: app.clientId, redirect_uri: redirectUri }
    return readTokens(await postToken(house.url, { ...grant, code: code ?? '', code_verifier: verifier }))
  }
  const tokens = await exchange(back.searchParams.get('code'), asked.verifier)
  assert.deepEqual(tokens.scope.split(' ').sort(), ['read:bookings', 'read:customers'])
  assert.equal((await house.api('/customers', tokens.access_token)).status, 200)

  const again = ask(app, 'read:bookings read:customers write:bookings')
  const answer = new URL((await person.browser.open(again.url)).url)
  const later = await exchange(answer.searchParams.get('code'), again.verifier)
  assert.deepEqual(later.scope.split(' ').sort(), ['read:bookings', 'read:customers'], 'not asked each time')
  const shown = await reach(person, ask(app, 'write:bookings', { prompt: 'consent' }).url)
  assert.doesNotMatch(shown.html, /tag new/, 'what was left unticked was decided about')
  const none = await person.browser.submit(shown, { organization: acme.id, decision: 'allow' })
  assert.equal(none.status, 422)
  assert.match(none.html, /at least one thing/)
})

test('A20, A21: no scope is for the default; only unknown ones are refused before a person is bothered', async () => {
  const [person, app] = [await administrator(), await newApp()]
  for (const change of [{ scope: null }, { scope: '' }, { scope: 'offline_access' }]) {
    const page = await reach(person, ask(app, scope, change).url)
    assert.match(page.html, /See your bookings/)
    assert.doesNotMatch(page.html, /Create and change bookings/)
  }
  await allow(person, app, `${scope} read:unicorns`)
  assert.equal(await outcome(person, app, scope, { scope: null }), 'code')
  const stranger = { ...person, browser: new PersonBrowser(house.url) }
  assert.equal(await outcome(stranger, app, 'read:unicorns'), 'invalid_scope')
  assert.equal(await outcome(stranger, app, 'openid'), 'invalid_scope')
  assert.equal(await outcome(stranger, app, 'read:unicorns offline_access'), 'invalid_scope')
  const reader = await newApp({ scopes: ['read:bookings'] })
  assert.equal(await outcome(stranger, reader, 'write:bookings'), 'invalid_scope')
})

test('max_age and prompt=login ask for a new sign-in; what is OpenID Connect alone is ignored', async () => {
  const [person, app] = [await administrator(), await newApp()]
  await allow(person, app)
  const isAsked = async (change: Record<string, string>) =>
    (await person.browser.open(ask(app, scope, change).url)).html.includes('name="password"')
  assert.equal(await outcome(person, app, scope, { max_age: '3600' }), 'code')
  assert.equal(await outcome(person, app, scope, { max_age: '3600', prompt: 'none' }), 'code')
  assert.ok(await isAsked({ max_age: '0' }))
  assert.ok(await isAsked({ prompt: 'login' }))
  assert.equal(await outcome(person, app, scope, { max_age: '0', prompt: 'none' }), 'login_required')
  assert.equal(await outcome(person, app, scope, { max_age: 'long' }), 'invalid_request')
  assert.equal(await outcome(person, app, scope, { nonce: 'n', acr_values: 'a', claims: '{}' }), 'code')
  const asked = ask(app, scope, { max_age: '0' })
  const signIn = await person.browser.open(asked.url)
  const back = new URL((await person.browser.signIn(signIn, person.email)).url)
  assert.equal(back.searchParams.get('state'), asked.state)
  assert.ok(back.searchParams.get('code'), 'signed in anew, and need not be asked')
  const other = await administrator()
  await allow(other, app)
  const switched = await person.browser.open(ask(app, scope, { prompt: 'login' }).url)
  const asOther = await person.browser.signIn(switched, other.email)
  assert.ok(new URL(asOther.url).searchParams.get('code'), 'somebody else may sign in there')
})

test('A24: a broken link of an app that nobody has reviewed ends on a page of ours', async () => {
  const app = await newApp({}, false)
  const broken: Record<string, string | null>[] = [
    { response_type: 'token' },
    { response_type: null },
    { code_challenge: null, code_challenge_method: null },
    { code_challenge_method: 'plain' },
    { scope: 'openid' },
    { scope: 'read:unicorns' },
    { resource: 'https://other.example/api' },
    { request: 'x' },
    { prompt: 'dance' },
    { prompt: 'none', scope: 'openid' },
  ]
  const person = await administrator()
  await allow(person, await newApp())
  for (const change of broken) {
    for (const browser of [new PersonBrowser(house.url), person.browser]) {
      const response = await browser.request(ask(app, scope, change).url)
      const name = JSON.stringify(change)
      assert.equal(response.status, 400, name)
      assert.equal(response.headers.get('location'), null, name)
      const html = await response.text()
      assert.match(html, /The link from this app is broken/, name)
      assert.doesNotMatch(html, /http-equiv|app\.example/, name)
      assert.match(html, /<code>(invalid|request|unsupported)_[a-z_]+<\/code>/, name)
      if ('response_type' in change) assert.match(html, /response_type must be code/, name)
    }
  }
  const program = await fetch(ask(app, scope, { code_challenge_method: 'plain' }).url, { redirect: 'manual' })
  assert.equal(program.status, 400)
  assert.equal(((await program.json()) as { error: string }).error, 'invalid_request')
  const noted = await house.database.knex('app_refusals').where({ client_id: app.clientId })
  assert.ok(noted.length > 0, 'its developers read of it')

  // Whoever has signed in and decides is sent on, as always.
  const page = await reach(person, ask(app, scope).url)
  assert.match((await person.browser.submit(page, { decision: 'deny' })).url, /error=access_denied/)
})

test('A24: the address at which an authorization goes on sends nobody on by what is written in it', async () => {
  for (const [isVerified, uri] of [
    [false, redirectUri],
    [true, 'https://elsewhere.example/'],
  ] as const) {
    const app = await newApp({}, isVerified)
    const { search } = new URL(ask(app, scope, { redirect_uri: uri }).url)
    for (const path of ['/oauth/authorize/x', '/oauth/authorize/x/', '/OAUTH/AUTHORIZE/%E0']) {
      for (const browser of [new PersonBrowser(house.url), (await administrator()).browser]) {
        const response = await browser.request(path + search)
        assert.equal(response.status, 400, path)
        assert.equal(response.headers.get('location'), null, path)
      }
    }
  }
})

test('A24: silence is answered by redirect, but not to a host that anybody can have registered', async () => {
  const person = await administrator()
  const app = await newApp({}, false)
  const stranger = new PersonBrowser(house.url)
  const silent = ask(app, scope, { prompt: 'none' }).url
  assert.match((await stranger.open(silent)).url, /error=login_required/)
  await house.database
    .knex('oauth_apps')
    .where({ client_id: app.clientId })
    .update({
      organization_id: null,
      registration: 'dynamic',
      registration_token_hash: randomBytes(32),
    })
  assert.equal((await stranger.open(silent)).status, 400)
  await allow(person, app)
  assert.equal(await outcome(person, app, scope, { prompt: 'none' }), 'code')
  assert.equal(await outcome(person, app, 'write:bookings', { prompt: 'none' }), 'consent_required')
  const [row] = await house.database.knex('oauth_apps').where({ client_id: app.clientId })
  assert.ok(row.consented_at, 'somebody allowed it something: it is kept')
})

test('"Not you?" signs out, and begins the same authorization again for somebody else', async () => {
  const [person, other, app] = [await administrator(), await administrator(), await newApp()]
  const asked = ask(app, scope, { state: 'a state & more=é' })
  const page = await reach(person, asked.url)
  const address = `${new URL(page.url).pathname}/not-you`
  const refused = await person.browser.open(address, { method: 'POST', body: new URLSearchParams() })
  assert.equal(refused.status, 403, 'U5: not from a page of another')
  assert.match((await person.browser.open(page.url)).html, /wants access/)
  const body = new URLSearchParams({ form_token: formToken(page) })
  const signIn = await person.browser.open(address, { method: 'POST', body })
  assert.match(signIn.html, /name="password"/)
  const consent = await person.browser.signIn(signIn, other.email)
  assert.match(consent.html, new RegExp(other.email))
  const form = { organization: acme.id, decision: 'allow' }
  const back = new URL((await person.browser.submit(consent, form)).url)
  assert.ok(back.searchParams.get('code'))
  assert.equal(back.searchParams.get('state'), 'a state & more=é')
  assert.equal((await grantsOf(person.id)).length, 0)
  assert.equal((await grantsOf(other.id)).length, 1)
})

test('many authorizations at once go on, each under a grant of its own', async () => {
  const [person, app] = [await administrator(), await newApp()]
  await allow(person, app)
  await house.database.knex('oauth_apps').update({ last_consented_at: null })
  const told = await Promise.all(Array.from({ length: 8 }, () => outcome(person, app)))
  assert.deepEqual(new Set(told), new Set(['code']))
  assert.equal((await grantsOf(person.id)).length, 9)
})

test('what an app becomes while a person reads is not what they allow: they are shown it first', async () => {
  const both = [scope, 'write:bookings']
  const changes: readonly [string, object, object, RegExp][] = [
    ['may ask for more', { scopes: [scope] }, { scopes: both }, /<code>write:bookings/],
    ['leaves no choice', { optional_scopes: ['write:bookings'] }, { optional_scopes: [] }, /wants access/],
    ['has another name', {}, { name: 'Your Bank' }, /Your Bank/],
    ['is another', {}, { fingerprint: randomBytes(32) }, /Calendar Sync/],
  ]
  for (const [what, before, change, shows] of changes) {
    const [person, app] = [await administrator(), await newApp()]
    const update = (columns: object) =>
      house.database
        .knex('oauth_apps')
        .where({ client_id: app.clientId })
        .update({ scopes: both, ...columns })
    const signIn = await person.browser.open(ask(app, both.join(' ')).url)
    await update(before)
    const page = await person.browser.signIn(signIn, person.email)
    await update(change)
    const form = { organization: acme.id, decision: 'allow' }
    const again = await person.browser.submit(page, form)
    assert.equal(again.status, 422, what)
    assert.match(again.html, /has changed while you were reading/, what)
    assert.match(again.html, shows, what)
    assert.equal((await grantsOf(person.id)).length, 0, what)
    assert.match((await person.browser.submit(again, form)).url, /[?&]code=/, what)
  }
})

test('a redirect URI that the app loses while a person reads is sent nobody', async () => {
  const [person, app] = [await administrator(), await newApp()]
  const page = await reach(person, ask(app, scope).url)
  await house.database
    .knex('oauth_apps')
    .where({ client_id: app.clientId })
    .update({ redirect_uris: ['https://new.example/callback'] })
  const answer = await person.browser.submit(page, { organization: acme.id, decision: 'allow' })
  assert.equal(answer.status, 400)
  assert.equal((await grantsOf(person.id)).length, 0)
})

test('a redirect URI that the app loses after the answer, and before it is told of it, is sent nobody', async () => {
  const [person, app] = [await administrator(), await newApp()]
  const loseUri = () =>
    house.database
      .knex('oauth_apps')
      .where({ client_id: app.clientId })
      .update({ redirect_uris: ['https://new.example/callback'] })
  const page = await reach(person, ask(app, scope).url)
  const body = new URLSearchParams({
    form_token: formToken(page),
    shown: /name="shown" value="([^"]+)"/.exec(page.html)?.[1] ?? '',
    organization: acme.id,
    decision: 'allow',
  })
  const address = `${new URL(page.url).pathname}/consent`
  const returning = await person.browser.request(address, { method: 'POST', body })
  const goOn = /content="0;url=([^"]+)"/.exec(await returning.text())?.[1] ?? ''
  await loseUri()
  const answer = await person.browser.request(goOn)
  assert.equal(answer.status, 400)
  assert.equal(answer.headers.get('location'), null)

  // Nor by what is remembered, of who has just signed in.
  await house.database
    .knex('oauth_apps')
    .where({ client_id: app.clientId })
    .update({ redirect_uris: [redirectUri] })
  const browser = new PersonBrowser(house.url)
  const signIn = await browser.open(ask(app, scope).url)
  const signedIn = await browser.request(`${new URL(signIn.url).pathname}/sign-in`, {
    method: 'POST',
    body: new URLSearchParams({ form_token: formToken(signIn), email: person.email, password }),
  })
  assert.match(signedIn.headers.get('location') ?? '', /\/oauth\/authorize\//)
  await loseUri()
  const back = await browser.request(signedIn.headers.get('location') ?? '')
  assert.equal(back.status, 400)
  assert.equal(back.headers.get('location'), null)
})

test('the second step of signing in, in French', async () => {
  const [person, app] = [await administrator(), await newApp()]
  await person.browser.signIn(await person.browser.open('/sign-in'), person.email)
  const authenticator = await turnOnSecondFactor(house, person.browser)
  const browser = new PersonBrowser(house.url)
  const signIn = await browser.open(ask(app, scope, { ui_locales: 'fr' }).url)
  const code = await browser.signIn(signIn, person.email)
  assert.match(code.html, /<html lang="fr">/)
  assert.match(code.html, /pour continuer vers <bdi>Calendar Sync<\/bdi> \(<bdi>app\.example<\/bdi>\)/)
  assert.match((await browser.submit(code, { code: '000000' })).html, /Ce code est incorrect/)
  const recovery = await browser.open(`${new URL(code.url).pathname}?use=recovery`)
  assert.match(recovery.html, /Utilisez un code de secours/)
  const consent = await browser.submit(code, { code: authenticator.nextCode() })
  assert.match(consent.html, /Calendar Sync<\/bdi> demande l’accès/)
})

test('the pages speak French to who reads it: by ui_locales first, then by the browser', async () => {
  const [person, app] = [await administrator(), await newApp()]
  const french = { headers: { 'Accept-Language': 'fr-CH, en;q=0.5' } }
  const english = await person.browser.open(ask(app, scope).url)
  assert.match(english.html, /<html lang="en">/)
  const here = new URL(english.url).pathname
  assert.match(await (await person.browser.request(here, french)).text(), /<html lang="fr">[\s\S]*Connexion/)
  const asked = ask(app, scope, { ui_locales: 'de fr-CA en' }).url
  const signIn = await person.browser.open(asked)
  assert.match(signIn.html, /<html lang="fr">/)
  assert.match(signIn.headers.get('vary') ?? '', /Accept-Language/)
  assert.equal(signIn.headers.get('content-language'), 'fr')
  const wrong = await person.browser.submit(signIn, { email: person.email, password: 'wrong' })
  assert.match(wrong.html, /<title>Erreur : Connexion/)
  const consent = await person.browser.signIn(wrong, person.email)
  assert.match(consent.html, /Voir vos réservations/)
  const again = await person.browser.submit(consent, { decision: 'allow' })
  assert.match(again.html, /Choisissez le compte/)
  assert.match(
    await (await person.browser.request(new URL(consent.url).pathname, french)).text(),
    /lang="fr"/,
  )
  const gone = await person.browser.request('/interaction/none', french)
  assert.equal(gone.status, 400)
  assert.match(await gone.text(), /Cette connexion a pris trop de temps/)
  const unknown = await person.browser.request('/oauth/authorize?client_id=app_none', french)
  assert.match(await unknown.text(), /Nous ne savons pas de quelle application vient ce lien/)
  const console = await new PersonBrowser(house.url).request('/sign-in', french)
  assert.match(await console.text(), /<html lang="en">/, 'the console speaks English')
})
