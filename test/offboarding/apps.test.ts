// What becomes of what an app was allowed when the app is changed, suspended, resumed or deleted.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { App } from '../../src/apps/app.ts'
import type { AppDetails } from '../../src/apps/app-details.ts'
import { findApp } from '../../src/apps/app-store.ts'
import { deleteApp } from '../../src/apps/register-app.ts'
import { verifyApp } from '../../src/apps/verify-app.ts'
import { byCommandLine, byServer } from '../../src/core/attribution.ts'
import { newGrantId } from '../../src/core/ids.ts'
import type { Db, Tx } from '../../src/db/connect.ts'
import { insertGrant } from '../../src/oauth/grant-store.ts'
import { resumeApp, suspendApp } from '../../src/offboarding/suspend-app.ts'
import { resumeOrganization, suspendOrganization } from '../../src/offboarding/suspend-organization.ts'
import { updateApp } from '../../src/offboarding/update-app.ts'
import {
  authorizationUrl,
  errorOf,
  exchange,
  obtainCode,
  readTokens,
  refresh,
  type Tokens,
} from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'
import { meanwhile } from '../support/meanwhile.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const email = 'bo@customer.example'
const scope = 'read:bookings read:customers offline_access'

test('apps and what they were allowed', async (t) => {
  const house = await startHouse(t)
  const { database } = house
  const { knex } = database
  const maker = await house.organization('Maker')
  const customer = await house.organization('Customer')
  const person = await house.person(email, customer)
  const browser = new PersonBrowser(house.url)
  await browser.signIn(await browser.open('/sign-in'), email)

  const codeFor = (app: App, wanted: string) => obtainCode(house.url, app, email, wanted, browser)
  const tokensFor = async (app: App, wanted: string) =>
    readTokens(await exchange(house.url, app, await codeFor(app, wanted)))

  const update = async ({ clientId }: App, change: Partial<AppDetails>, db: Db = knex) => {
    const app = await findApp(database, clientId)
    assert.ok(app)
    const { organization: _, ...details } = { ...app, ...change }
    return updateApp(db, { app: clientId, organization: maker.id, details, by: byServer })
  }
  const events = async (target: string) =>
    (await knex('audit_events').where({ target }).orderBy('id')).map(
      ({ action, organization_id }) => `${action} ${organization_id === maker.id ? 'maker' : 'customer'}`,
    )
  const status = async (token: string) => (await house.api('/me', token)).status
  const scopesOf = async (token: string) => {
    const { scopes } = (await (await house.api('/me', token)).json()) as { scopes: string[] }
    return scopes
  }

  await t.test(
    'a scope that is given up is gone at once, from the token and at the next refresh',
    async () => {
      const app = await house.app(maker)
      const tokens = await tokensFor(app, scope)
      assert.deepEqual(await scopesOf(tokens.access_token), ['read:bookings', 'read:customers'])
      await update(app, { scopes: ['read:bookings', 'write:bookings'], optionalScopes: [] })
      assert.deepEqual(await scopesOf(tokens.access_token), ['read:bookings'])
      const next = await readTokens(await refresh(house.url, app, tokens.refresh_token))
      assert.equal(next.scope, 'read:bookings')
      assert.deepEqual(await scopesOf(next.access_token), ['read:bookings'])
      const gone = await refresh(house.url, app, next.refresh_token, { scope: 'read:customers' })
      assert.equal(await errorOf(gone), '400 invalid_scope')
      // Asked for again, it has to be allowed again.
      await update(app, { scopes: ['read:bookings', 'read:customers'] })
      const last = await readTokens(await refresh(house.url, app, next.refresh_token))
      assert.equal(last.scope, 'read:bookings')
    },
  )

  await t.test('a scope that is given up while tokens are being issued is not in them', async () => {
    const app = await house.app(maker)
    const { refresh_token: token } = await tokensFor(app, scope)
    const code = await codeFor(app, scope)
    const narrow = (tx: Tx) => update(app, { scopes: ['read:bookings'], optionalScopes: [] }, tx)
    const refreshed = await meanwhile(house, narrow, () => refresh(house.url, app, token))
    assert.deepEqual(await scopesOf((await readTokens(refreshed)).access_token), ['read:bookings'])
    await update(app, { scopes: ['read:bookings', 'read:customers'] })
    await knex('grants').where({ client_id: app.clientId }).update({ scopes: app.scopes })
    const exchanged = await meanwhile(house, narrow, () => exchange(house.url, app, code))
    assert.deepEqual(await scopesOf((await readTokens(exchanged)).access_token), ['read:bookings'])
  })

  await t.test('an authorization that is left with nothing ends, and its ledger says why', async () => {
    const app = await house.app(maker)
    const tokens = await tokensFor(app, 'read:customers offline_access')
    const [grant] = await knex('grants').where({ client_id: app.clientId })
    await update(app, { scopes: ['read:bookings'] })
    assert.equal(await status(tokens.access_token), 401)
    assert.equal(await errorOf(await refresh(house.url, app, tokens.refresh_token)), '400 invalid_grant')
    const [told] = await knex('audit_events').where({ target: grant.id, action: 'grant.revoked' })
    assert.deepEqual([told.organization_id, told.details.cause], [customer.id, 'app_narrowed'])
    const [updated] = await knex('audit_events').where({ target: app.clientId, action: 'app.updated' })
    assert.deepEqual([updated.details.grants_narrowed, updated.details.grants_revoked], [0, 1])
  })

  await t.test('consent to what the app was a moment ago allows what is left of it', async () => {
    const before = await house.app(maker)
    await update(before, { scopes: ['read:bookings'] })
    const grant = {
      id: newGrantId(),
      client: before.clientId,
      person,
      organization: customer.id,
      mode: before.mode,
      scopes: ['read:bookings', 'read:customers'],
      resource: 'https://api.example',
      createdAt: house.now(),
      expiresAt: house.now(),
    }
    await insertGrant(knex, grant)
    assert.deepEqual((await knex('grants').where({ id: grant.id }))[0].scopes, ['read:bookings'])
  })

  await t.test(
    'a redirect URI that is given up takes waiting codes along, and leaves authorizations',
    async () => {
      const app = await house.app(maker, {
        redirectUris: ['http://127.0.0.1/callback', 'https://new.example/cb'],
      })
      const tokens = await tokensFor(app, scope)
      const waiting = await codeFor(app, scope)
      await update(app, { redirectUris: ['https://new.example/cb'] })
      assert.equal(await errorOf(await exchange(house.url, app, waiting)), '400 invalid_grant')
      assert.equal(await status(tokens.access_token), 200)
      assert.equal((await refresh(house.url, app, tokens.refresh_token)).status, 200)
      const { url } = authorizationUrl(house.url, app.clientId, 'read:bookings')
      assert.equal((await fetch(url, { redirect: 'manual' })).status, 400)
    },
  )

  await t.test('verified is who was verified: a new name, homepage or address is not', async () => {
    const app = await house.app(maker)
    const isVerified = async () => (await findApp(database, app.clientId))?.isVerified
    for (const change of [
      { name: 'Your Bank' },
      { homepage: 'https://bank.example' },
      { redirectUris: [...app.redirectUris, 'https://bank.example/cb'] },
    ]) {
      assert.equal(await verifyApp(knex, app.clientId, true, byCommandLine, new Date()), true)
      assert.equal(await verifyApp(knex, app.clientId, true, byCommandLine, new Date()), false)
      assert.equal(await update(app, { refreshGraceSeconds: Math.floor(Math.random() * 1000) + 61 }), true)
      assert.equal(await isVerified(), true)
      await update(app, change)
      assert.equal(await isVerified(), false, JSON.stringify(change))
    }
    assert.equal(await update(app, {}), false, 'nothing new is no change')
    assert.equal((await events(app.clientId)).filter((it) => it === 'app.unverified maker').length, 3)
  })

  await t.test(
    'what the vendor suspended its developers can not resume; what they did, the vendor can',
    async () => {
      const app = await house.app(maker)
      const request = { app: app.clientId, by: byServer }
      const now = new Date()
      assert.equal(await suspendApp(knex, { ...request, as: 'developer' }, now), true)
      assert.equal(await suspendApp(knex, { ...request, as: 'developer' }, now), false)
      assert.equal(await suspendApp(knex, { ...request, as: 'vendor' }, now), true)
      assert.equal(await suspendApp(knex, { ...request, as: 'developer' }, now), false)
      await assert.rejects(resumeApp(knex, { ...request, as: 'developer' }), { code: 'not_allowed' })
      assert.equal((await findApp(database, app.clientId))?.isStopped, true)
      assert.equal(await resumeApp(knex, { ...request, as: 'vendor' }), true)
      assert.equal(await resumeApp(knex, { ...request, as: 'vendor' }), false)
      assert.equal((await findApp(database, app.clientId))?.isStopped, false)
    },
  )

  await t.test('an app goes on when neither it nor its organization is suspended, in any order', async () => {
    const app = await house.app(maker)
    const held = await tokensFor(app, scope)
    let { refresh_token: token } = held
    const request = { app: app.clientId, by: byServer, as: 'developer' } as const
    const steps = {
      app: {
        stop: () => suspendApp(knex, request, new Date()),
        go: () => resumeApp(knex, request),
      },
      organization: {
        stop: () => suspendOrganization(knex, { organization: maker.id, by: byServer }, new Date()),
        go: () => resumeOrganization(knex, { organization: maker.id, by: byServer }, new Date()),
      },
    }
    for (const [first, second] of [
      ['app', 'organization'],
      ['organization', 'app'],
    ] as const) {
      const before = await readTokens(await refresh(house.url, app, token))
      token = before.refresh_token
      await steps[first].stop()
      assert.equal(await status(before.access_token), 401)
      await steps[second].stop()
      await steps[first].go()
      assert.equal(await errorOf(await refresh(house.url, app, token)), '503 temporarily_unavailable')
      await steps[second].go()
      const after = await readTokens(await refresh(house.url, app, token))
      assert.equal(await status(after.access_token), 200)
      assert.equal(await status(before.access_token), 401, 'nothing revives')
      token = after.refresh_token
    }
  })

  await t.test('a suspension beats every refresh that is under way', async () => {
    const app = await house.app(maker)
    const all: Tokens[] = []
    for (let count = 0; count < 8; count += 1) all.push(await tokensFor(app, scope))
    const refreshes = all.map(({ refresh_token }) => refresh(house.url, app, refresh_token))
    await suspendApp(knex, { app: app.clientId, by: byServer, as: 'vendor' }, new Date())
    const answers = await Promise.all(refreshes)
    assert.ok(answers.every((answer) => [200, 503].includes(answer.status)))
    assert.deepEqual(await knex('credentials').where({ client_id: app.clientId }), [])
  })

  await t.test('an app that registered itself is suspended and resumed as well', async () => {
    const app = await house.app(maker)
    const tokens = await tokensFor(app, scope)
    await knex('oauth_apps')
      .where({ client_id: app.clientId })
      .update({
        organization_id: null,
        registration: 'dynamic',
        registration_token_hash: Buffer.alloc(32, 1),
      })
    const request = { app: app.clientId, by: byCommandLine, as: 'vendor' } as const
    await suspendApp(knex, request, new Date())
    assert.equal(await status(tokens.access_token), 401)
    await resumeApp(knex, request)
    assert.equal((await refresh(house.url, app, tokens.refresh_token)).status, 200)
  })

  await t.test('deleted: everything of it is gone, and everybody whom it acted for is told', async () => {
    const app = await house.app(maker)
    const tokens = await tokensFor(app, scope)
    const [grant] = await knex('grants').where({ client_id: app.clientId })
    assert.equal((await deleteApp(knex, app.clientId, byServer))?.clientId, app.clientId)
    assert.equal(await status(tokens.access_token), 401)
    for (const table of ['grants', 'credentials', 'app_refusals'])
      assert.deepEqual(await knex(table).where({ client_id: app.clientId }), [], table)
    assert.deepEqual((await events(app.clientId)).sort(), [
      'app.created maker',
      'app.deleted customer',
      'app.deleted maker',
    ])
    assert.deepEqual(await events(grant.id), [
      'grant.allowed customer',
      'token.issued customer',
      'grant.revoked customer',
    ])
    const [told] = await knex('audit_events').where({ target: grant.id, action: 'grant.revoked' })
    assert.deepEqual(told.details, { cause: 'app_deleted', client: app.clientId, person })
    assert.equal(await deleteApp(knex, app.clientId, byServer), null)
  })
})
