// Keys that manage OAuth apps: /api/v1/apps.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { verifyApp } from '../../src/apps/verify-app.ts'
import { byCommandLine } from '../../src/core/attribution.ts'
import type { ClientId } from '../../src/core/ids.ts'
import type { Mode } from '../../src/core/principal.ts'
import { suspendApp } from '../../src/offboarding/suspend-app.ts'
import { obtainTokens } from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'
import { call, describedBy, listAll, refusal, unhurried } from '../support/management.ts'

interface Shown {
  readonly client_id: ClientId
  readonly name: string
  readonly mode: Mode
  readonly verified: boolean
  readonly suspended: boolean
  readonly redirect_uris: string[]
  readonly scopes: string[]
  readonly optional_scopes: string[]
}

const manage = ['apps:read', 'apps:write']
const good = {
  name: ' Calendar Sync ',
  redirect_uris: ['http://127.0.0.1/callback'],
  scopes: ['write:bookings', 'read:bookings'],
}

test('apps by API', async (t) => {
  const house = await startHouse(t, { change: unhurried })
  const { knex } = house.database
  const acme = await house.organization('Acme')
  const other = await house.organization('Other')
  await house.person('ann@acme.example', acme)
  const { secret: manager, key } = await house.key(acme, 'test', manage)
  const { secret: reader } = await house.key(acme, 'test', ['apps:read', 'grants:write', 'keys:write'])
  const { secret: live } = await house.key(acme, 'live', manage)
  const { secret: stranger } = await house.key(other, 'test', manage)
  const assertApp = describedBy(house, 'App')

  const register = async (more: object = {}, secret = manager) => {
    const { status, answer, text } = await call(house, secret, 'POST /apps', { ...good, ...more })
    assert.equal(status, 201, text)
    assertApp(answer)
    return answer as unknown as Shown
  }
  const told = async ({ client_id: target }: Shown) =>
    (await knex('audit_events').where({ target }).orderBy('id')).map(
      (it) => `${it.action} ${it.actor_kind} ${it.actor_id}`,
    )
  const change = async (app: Shown, body: object) => {
    const { status, answer, text } = await call(house, manager, `PATCH /apps/${app.client_id}`, body)
    assert.equal(status, 200, text)
    assertApp(answer)
    return answer as unknown as Shown
  }

  await t.test('one is registered with what is usual here, of the mode of its key, and told of', async () => {
    const app = await register({ homepage: 'https://sync.example', refresh_grace_seconds: 0 })
    const { oauth } = house.profile
    const { client_id, ...shown } = app as Shown & { created_at?: string }
    assert.match(client_id, /^app_/)
    assert.deepEqual(
      { ...shown, created_at: '' },
      {
        name: 'Calendar Sync',
        mode: 'test',
        verified: false,
        suspended: false,
        homepage: 'https://sync.example',
        policy_uri: null,
        terms_uri: null,
        redirect_uris: ['http://127.0.0.1/callback'],
        scopes: ['read:bookings', 'write:bookings'],
        optional_scopes: [],
        refresh_grace_seconds: 0,
        refresh_lifetime_seconds: oauth.refreshTokenSeconds,
        refresh_idle_seconds: oauth.refreshIdleSeconds,
        reuse_response: 'revoke',
        dpop_bound_access_tokens: false,
        created_at: '',
      },
    )
    assert.deepEqual((await call(house, reader, `GET /apps/${client_id}`)).answer, app)
    assert.deepEqual(await told(app), [`app.created api_key ${key.id}`])
    const [event] = await knex('audit_events').where({ target: client_id })
    assert.match(event.request_id, /^req_/)
    const set = { refresh_idle_seconds: null, reuse_response: 'refuse', dpop_bound_access_tokens: true }
    const special = await register({ ...set, optional_scopes: ['write:bookings'] })
    assert.deepEqual({ ...special, ...set }, special)
    assert.deepEqual(special.optional_scopes, ['write:bookings'])
  })

  await t.test('without the scope, with an access token, or of the other mode, nothing is done', async () => {
    const app = await register()
    const path = `/apps/${app.client_id}`
    const tokens = await obtainTokens(
      house.url,
      { clientId: app.client_id },
      'ann@acme.example',
      'read:bookings',
    )
    const writes = [
      ['POST /apps', good],
      [`PATCH ${path}`, { name: 'x' }],
      [`POST ${path}/suspend`],
      [`POST ${path}/resume`],
      [`DELETE ${path}`],
    ] as const
    for (const [request, body] of writes) {
      assert.equal(await refusal(house, reader, request, body), '403 insufficient_scope', request)
      assert.equal(
        await refusal(house, tokens.access_token, request, body),
        '403 insufficient_scope',
        request,
      )
    }
    assert.equal(await refusal(house, tokens.access_token, 'GET /apps'), '403 insufficient_scope')
    assert.equal(
      await refusal(house, manager, 'POST /apps', { ...good, mode: 'live' }),
      '403 wrong_mode mode',
    )
    for (const secret of [live, stranger]) {
      for (const [request, body] of [[`GET ${path}`], ...writes.slice(1)] as const)
        assert.equal(await refusal(house, secret, request, body), '404 resource_not_found', request)
      assert.deepEqual(await listAll(house, secret, '/apps'), [])
    }
    assert.deepEqual((await call(house, manager, `GET ${path}`)).answer, app)
    for (const id of ['nonsense', `app_${'0'.repeat(24)}`, 'https%3A%2F%2Fa.example%2Fb'])
      assert.equal(await refusal(house, manager, `GET /apps/${id}`), '404 resource_not_found', id)
  })

  await t.test(
    'an app that acts for the organization, but is of another one, is not among its own',
    async () => {
      const theirs = await register({ name: 'Theirs' }, stranger)
      await obtainTokens(house.url, { clientId: theirs.client_id }, 'ann@acme.example', 'read:bookings')
      assert.equal((await knex('grants').where({ client_id: theirs.client_id })).length, 1)
      for (const request of [`GET /apps/${theirs.client_id}`, `DELETE /apps/${theirs.client_id}`])
        assert.equal(await refusal(house, manager, request), '404 resource_not_found', request)
      const listed = await listAll<Shown>(house, manager, '/apps')
      assert.ok(listed.every(({ client_id }) => client_id !== theirs.client_id))
    },
  )

  await t.test(
    'what is changed is changed alone; a scope that is taken away is gone from who was allowed it',
    async () => {
      const app = await register({ optional_scopes: ['write:bookings'], homepage: 'https://sync.example' })
      const tokens = await obtainTokens(
        house.url,
        { clientId: app.client_id },
        'ann@acme.example',
        'read:bookings write:bookings',
      )
      await verifyApp(knex, app.client_id, true, byCommandLine, house.now())
      assert.deepEqual(await change(app, {}), { ...app, verified: true }, 'nothing')
      const narrowed = await change(app, { scopes: ['read:bookings'] })
      assert.deepEqual(narrowed, { ...app, scopes: ['read:bookings'], optional_scopes: [], verified: true })
      const me = (await (await house.api('/me', tokens.access_token)).json()) as { scopes: string[] }
      assert.deepEqual(me.scopes, ['read:bookings'])
      const renamed = await change(app, { name: 'Sync 2', homepage: null })
      assert.deepEqual(renamed, { ...narrowed, name: 'Sync 2', homepage: null, verified: false })
      const ours = (await told(app)).filter((it) => it.endsWith(key.id))
      assert.deepEqual(
        ours.map((it) => it.split(' ')[0]),
        ['app.created', 'app.updated', 'app.updated', 'app.unverified'],
      )
      // Two at once: each changes its own.
      const changes = [
        { policy_uri: 'https://a.example/' },
        { terms_uri: 'https://b.example/' },
        { name: 'New' },
      ]
      await Promise.all(changes.map((body) => change(app, body)))
      const both = (await call(house, reader, `GET /apps/${app.client_id}`)).answer
      assert.deepEqual(both, { ...renamed, ...Object.assign({}, ...changes) })
    },
  )

  await t.test('suspended its tokens are refused, resumed it goes on, deleted it is gone', async () => {
    const app = await register()
    const path = `/apps/${app.client_id}`
    const { access_token: token } = await obtainTokens(
      house.url,
      { clientId: app.client_id },
      'ann@acme.example',
      'read:bookings',
    )
    assert.equal((await house.api('/me', token)).status, 200)
    for (const _ of ['once', 'twice']) {
      const { status, answer } = await call(house, manager, `POST ${path}/suspend`)
      assert.deepEqual([status, answer], [200, { ...app, suspended: true }])
    }
    assert.equal((await house.api('/me', token)).status, 401)
    assert.deepEqual((await call(house, manager, `POST ${path}/resume`)).answer, app)
    await suspendApp(knex, { app: app.client_id, by: byCommandLine, as: 'vendor' }, house.now())
    assert.equal(await refusal(house, manager, `POST ${path}/resume`), '403 not_allowed')

    const { status, text } = await call(house, manager, `DELETE ${path}`)
    assert.deepEqual([status, text], [204, ''])
    for (const request of [`GET ${path}`, `DELETE ${path}`, `POST ${path}/suspend`])
      assert.equal(await refusal(house, manager, request), '404 resource_not_found', request)
    const ours = (await told(app)).filter((it) => it.endsWith(key.id))
    assert.deepEqual(
      ours.map((it) => it.split(' ')[0]),
      ['app.created', 'app.suspended', 'app.resumed', 'app.deleted'],
    )
    assert.equal((await knex('grants').where({ client_id: app.client_id })).length, 0)
  })

  await t.test('every bad field is refused by its name, and nothing is registered or changed', async () => {
    const app = await register()
    const before = await listAll(house, manager, '/apps')
    const bad: readonly (readonly [body: Record<string, unknown>, param: string])[] = [
      [{ name: '  ' }, 'name'],
      [{ name: 'a\u202eb' }, 'name'],
      [{ name: 7 }, 'name'],
      [{ redirect_uris: [] }, 'redirect_uris'],
      [{ redirect_uris: ['http://sync.example/back'] }, 'redirect_uris'],
      [{ redirect_uris: ['javascript:alert(1)'] }, 'redirect_uris'],
      [{ scopes: [] }, 'scopes'],
      [{ scopes: ['keys:write'] }, 'scopes'],
      [{ scopes: ['read:minds'] }, 'scopes'],
      [{ optional_scopes: ['apps:read'] }, 'optional_scopes'],
      [{ optional_scopes: ['read:customers'] }, 'scopes'],
      [{ homepage: 'http://sync.example' }, 'homepage'],
      [{ policy_uri: 'javascript:x' }, 'policy_uri'],
      [{ terms_uri: 7 }, 'terms_uri'],
      [{ refresh_grace_seconds: 1801 }, 'refresh_grace_seconds'],
      [{ refresh_lifetime_seconds: 59 }, 'refresh_lifetime_seconds'],
      [{ refresh_idle_seconds: 0 }, 'refresh_idle_seconds'],
      [{ reuse_response: 'shrug' }, 'reuse_response'],
      [{ dpop_bound_access_tokens: 'yes' }, 'dpop_bound_access_tokens'],
      [{ client_id: 'app_mine' }, 'client_id'],
      [{ verified: true }, 'verified'],
    ]
    for (const [body, param] of bad) {
      const said = `422 invalid_parameter ${param}`
      assert.equal(await refusal(house, manager, 'POST /apps', { ...good, ...body }), said, 'new')
      assert.equal(await refusal(house, manager, `PATCH /apps/${app.client_id}`, body), said, 'change')
    }
    const without = (field: keyof typeof good) => ({ ...good, [field]: undefined })
    for (const field of ['name', 'redirect_uris', 'scopes'] as const)
      assert.equal(
        await refusal(house, manager, 'POST /apps', without(field)),
        `422 invalid_parameter ${field}`,
      )
    const mode = await refusal(house, manager, `PATCH /apps/${app.client_id}`, { mode: 'live' })
    assert.equal(mode, '422 invalid_parameter mode', 'it is fixed for good')
    assert.equal(await refusal(house, manager, 'GET /apps?cursor=x'), '422 invalid_parameter cursor')
    assert.equal(await refusal(house, manager, 'GET /apps?limit=0'), '422 invalid_parameter limit')
    assert.deepEqual(await listAll(house, manager, '/apps'), before)
  })

  await t.test('with an Idempotency-Key one is registered; a list is given page by page', async () => {
    const once = () => call(house, manager, 'POST /apps', good, { 'Idempotency-Key': 'once' })
    const answers = await Promise.all([once(), once(), once()])
    assert.deepEqual([...new Set(answers.map(({ status }) => status))], [201])
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1)
    const otherBody = { ...good, name: 'Other' }
    const reused = await call(house, manager, 'POST /apps', otherBody, { 'Idempotency-Key': 'once' })
    assert.equal(reused.status, 409)

    await register({}, live)
    const all = await listAll<Shown>(house, manager, '/apps')
    const paged = await listAll<Shown>(house, reader, '/apps?limit=2')
    assert.deepEqual(paged, all)
    const rows = await knex('oauth_apps')
      .where({ organization_id: acme.id, mode: 'test' })
      .orderBy([
        { column: 'created_at', order: 'desc' },
        { column: 'client_id', order: 'desc' },
      ])
    assert.deepEqual(
      all.map(({ client_id }) => client_id),
      rows.map(({ client_id }) => client_id),
    )
    assert.ok(rows.length > 4)
  })

  await t.test('an organization has room for so many', async () => {
    const full = await house.organization('Full')
    const { secret } = await house.key(full, 'test', manage)
    await knex.raw(
      `insert into oauth_apps (client_id, organization_id, registration, mode, name, redirect_uris, scopes,
         refresh_grace_seconds, refresh_lifetime_seconds, reuse_response, requires_dpop)
       select 'app_' || n, ?, 'manual', 'live', 'x', '{}', '{}', 0, 60, 'revoke', false from generate_series(1, 199) n`,
      [full.id],
    )
    await register({}, secret)
    assert.equal(await refusal(house, secret, 'POST /apps', good), '422 invalid_parameter name')
  })
})
