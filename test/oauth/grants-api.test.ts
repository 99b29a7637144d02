// Keys that see and revoke what people allowed apps to do: /api/v1/grants.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { App } from '../../src/apps/app.ts'
import { errorOf, exchange, obtainCode, obtainTokens, readTokens, refresh } from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'
import { call, describedBy, listAll, refusal, unhurried } from '../support/management.ts'
import { PersonBrowser } from '../support/person-browser.ts'

interface Shown {
  readonly id: string
  readonly client_id: string
  readonly person_id: string
  readonly last_used_at: string | null
  readonly last_used_for: string | null
}

const manage = ['grants:read', 'grants:write']

test('grants by API', async (t) => {
  const house = await startHouse(t, { change: unhurried })
  const { knex } = house.database
  const acme = await house.organization('Acme')
  const other = await house.organization('Other')
  const ann = await house.person('ann@acme.example', acme)
  const ben = await house.person('ben@acme.example', acme)
  await house.person('zoe@other.example', other)
  // Made by others: that it acts for Acme is what counts.
  const app = await house.app(other, { name: 'Sync' })
  const second = await house.app(acme, { name: 'Second' })
  const liveApp = await house.app(acme, { name: 'Live', mode: 'live' })
  const { secret: manager, key } = await house.key(acme, 'test', manage)
  const { secret: reader } = await house.key(acme, 'test', ['grants:read', 'apps:write'])
  const { secret: live } = await house.key(acme, 'live', manage)
  const { secret: stranger } = await house.key(other, 'test', manage)
  const browser = new PersonBrowser(house.url)
  await browser.signIn(await browser.open('/sign-in'), 'ann@acme.example')

  const install = async (which: App = app, scope = 'read:bookings') => {
    const code = await obtainCode(house.url, which, 'ann@acme.example', scope, browser)
    const tokens = await readTokens(await exchange(house.url, which, code))
    const me = (await (await house.api('/me', tokens.access_token)).json()) as { grant_id: string }
    return { tokens, id: me.grant_id }
  }
  const isAlive = async (token: string) => (await house.api('/me', token)).status === 200

  await t.test('one is shown with its app, who gave it and its last use, and no secret', async () => {
    const { id, tokens } = await install()
    await house.api('/bookings', tokens.access_token)
    await house.settle()
    const { status, answer, text } = await call(house, reader, `GET /grants/${id}`)
    assert.equal(status, 200)
    describedBy(house, 'Grant')(answer)
    const { created_at, expires_at, last_used_at, last_used_by, ...shown } = answer
    assert.deepEqual(shown, {
      id,
      client_id: app.clientId,
      client_name: 'Sync',
      person_id: ann,
      mode: 'test',
      scopes: ['read:bookings'],
      resource: `${house.url}/api/v1`,
      suspended: false,
      dpop_bound: false,
      last_used_from: '127.0.0.1',
      last_used_for: 'GET /bookings',
    })
    assert.equal(Date.parse(String(expires_at)) - Date.parse(String(created_at)), 86_400_000)
    assert.ok(last_used_at && last_used_by)
    for (const secret of [tokens.access_token, tokens.refresh_token])
      assert.ok(!text.includes(secret.slice(12, -4)))
  })

  await t.test(
    'revoked its tokens are refused at once, the app has to ask again, and the ledger tells',
    async () => {
      const one = await install()
      const two = await install()
      assert.equal((await knex('consents').where({ person_id: ann, client_id: app.clientId })).length, 1)
      const { status, text } = await call(house, manager, `POST /grants/${one.id}/revoke`)
      assert.deepEqual([status, text], [204, ''])
      assert.equal(await isAlive(one.tokens.access_token), false)
      const refreshed = await refresh(house.url, app, one.tokens.refresh_token)
      assert.equal(await errorOf(refreshed), '400 invalid_grant')
      assert.ok(await isAlive(two.tokens.access_token), 'another install goes on')
      assert.equal((await knex('consents').where({ person_id: ann, client_id: app.clientId })).length, 0)
      for (const request of [`GET /grants/${one.id}`, `POST /grants/${one.id}/revoke`])
        assert.equal(await refusal(house, manager, request), '404 resource_not_found', request)
      const events = await knex('audit_events').where({ target: one.id, action: 'grant.revoked' })
      assert.deepEqual(
        events.map((it) => [it.organization_id, it.actor_kind, it.actor_id, it.address, it.details]),
        [
          [
            acme.id,
            'api_key',
            key.id,
            '127.0.0.1',
            { cause: 'revoked_by_operator', client: app.clientId, person: ann },
          ],
        ],
      )
      assert.match(events[0].request_id, /^req_/)
    },
  )

  await t.test(
    'without the scope, with an access token, of the other mode or organization, nothing is done',
    async () => {
      const { id, tokens } = await install()
      const revoke = `POST /grants/${id}/revoke`
      assert.equal(await refusal(house, reader, revoke), '403 insufficient_scope')
      for (const request of ['GET /grants', `GET /grants/${id}`, revoke])
        assert.equal(await refusal(house, tokens.access_token, request), '403 insufficient_scope', request)
      // Also for the organization whose developers made the app.
      for (const secret of [live, stranger]) {
        for (const request of [`GET /grants/${id}`, revoke])
          assert.equal(await refusal(house, secret, request), '404 resource_not_found', request)
        assert.deepEqual(await listAll(house, secret, '/grants'), [])
      }
      assert.ok(await isAlive(tokens.access_token))
      assert.equal((await knex('audit_events').where({ target: id, action: 'grant.revoked' })).length, 0)
      for (const it of ['nonsense', `grant_${'0'.repeat(24)}`])
        assert.equal(await refusal(house, manager, `POST /grants/${it}/revoke`), '404 resource_not_found', it)
    },
  )

  await t.test(
    'a list is given page by page, by app, by person and by mode, without what has expired',
    async () => {
      const { id: ofSecond } = await install(second)
      const { id: ofLive } = await install(liveApp)
      await obtainTokens(house.url, app, 'ben@acme.example', 'read:bookings')
      await obtainTokens(house.url, app, 'zoe@other.example', 'read:bookings')
      const ids = async (query: string, secret = manager) =>
        (await listAll<Shown>(house, secret, `/grants${query}`)).map((it) => it.id)
      const rows = (which: object) =>
        knex('grants')
          .where({ organization_id: acme.id, mode: 'test', ...which })
          .orderBy([
            { column: 'created_at', order: 'desc' },
            { column: 'id', order: 'desc' },
          ])
          .then((found: { id: string }[]) => found.map((it) => it.id))
      const all = await ids('')
      assert.deepEqual(all, await rows({}))
      assert.ok(all.length > 3)
      assert.deepEqual(await ids('?limit=2'), all)
      assert.deepEqual(await ids(`?client_id=${second.clientId}`), [ofSecond])
      assert.deepEqual(await ids(`?person_id=${ben}`), await rows({ person_id: ben }))
      assert.deepEqual(await ids(`?person_id=${ben}&client_id=${second.clientId}`), [])
      assert.deepEqual(await ids('', live), [ofLive])
      for (const [query, param] of [
        ['client_id=%00', 'client_id'],
        ['person_id=ann@acme.example', 'person_id'],
        ['cursor=x', 'cursor'],
        ['limit=101', 'limit'],
      ] as const)
        assert.equal(
          await refusal(house, manager, `GET /grants?${query}`),
          `422 invalid_parameter ${param}`,
          query,
        )
      house.travel(86_400)
      assert.deepEqual(await ids(''), [])
      assert.equal(await refusal(house, manager, `GET /grants/${ofSecond}`), '404 resource_not_found')
    },
  )
})
