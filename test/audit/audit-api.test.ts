// Keys that read the ledger: /api/v1/audit-events.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { obtainTokens } from '../support/authorization.ts'
import { queryDatabase } from '../support/database.ts'
import { startHouse } from '../support/house.ts'
import { call, describedBy, listAll, refusal, unhurried } from '../support/management.ts'

interface Shown {
  readonly id: number
  readonly time: string
  readonly organization_id: string
  readonly actor_kind: string
  readonly actor_id: string | null
  readonly action: string
  readonly target: string
}

test('the ledger by API', async (t) => {
  const house = await startHouse(t, { change: unhurried })
  const acme = await house.organization('Acme')
  const other = await house.organization('Other')
  await house.person('ann@acme.example', acme)
  const { secret: reader, key } = await house.key(acme, 'live', ['audit:read'])
  const { secret: testReader } = await house.key(acme, 'test', ['audit:read'])
  const { secret: stranger } = await house.key(other, 'live', ['audit:read'])
  const { secret: plain, key: plainKey } = await house.key(acme, 'live', ['keys:write'])
  const list = (query = '', secret = reader) => listAll<Shown>(house, secret, `/audit-events${query}`)

  const { answer: made } = await call(house, plain, 'POST /keys', { name: 'Export', scopes: ['keys:write'] })
  const app = await house.app(acme)
  const tokens = await obtainTokens(house.url, app, 'ann@acme.example', 'read:bookings')

  await t.test('an event says who did what, from where, in which request, and no secret', async () => {
    const { status, answer, text } = await call(house, reader, `GET /audit-events?target=${made['id']}`)
    assert.equal(status, 200)
    const [event, ...more] = answer['data'] as Shown[]
    assert.equal(more.length, 0)
    describedBy(house, 'AuditEvent')(event)
    const { id, time, request_id, details, ...shown } = event as Shown & Record<string, unknown>
    assert.deepEqual(shown, {
      organization_id: acme.id,
      actor_kind: 'api_key',
      actor_id: plainKey.id,
      on_behalf_of: null,
      action: 'key.created',
      target: made['id'],
      address: '127.0.0.1',
    })
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
    assert.match(String(request_id), /^req_/)
    assert.ok(id > 0 && details !== null)
    assert.ok(!text.includes(String(made['secret']).slice(8, -4)))
  })

  await t.test(
    'without the scope, or with an access token, nothing is told; nor of another organization',
    async () => {
      for (const secret of [plain, tokens.access_token])
        assert.equal(await refusal(house, secret, 'GET /audit-events'), '403 insufficient_scope')
      const byTest = await refusal(house, testReader, 'GET /audit-events')
      assert.equal(byTest, '403 wrong_mode', 'it tells of live data')
      const all = await list()
      assert.ok(all.length > 5)
      assert.ok(all.every((it) => it.organization_id === acme.id))
      const theirs = await list('', stranger)
      assert.ok(theirs.length > 0 && theirs.every((it) => it.organization_id === other.id))
      assert.deepEqual(await list(`?target=${key.id}`, stranger), [])
    },
  )

  await t.test('newest first, page by page, each event once, also while others are recorded', async () => {
    const before = await list()
    const first = await call(house, reader, 'GET /audit-events?limit=3')
    await house.key(acme, 'live', ['audit:read'])
    const rest = await list(`?limit=3&cursor=${first.answer['next_cursor']}`)
    assert.deepEqual([...(first.answer['data'] as Shown[]), ...rest], before)
    const keys = before.map((it) => `${it.time} ${String(it.id).padStart(15, '0')}`)
    assert.deepEqual(keys, [...keys].sort().reverse())
    assert.equal((await list()).length, before.length + 1)
  })

  await t.test('only what is looked for, and a bad filter is refused by its name', async () => {
    const actionsOf = async (query: string) => [...new Set((await list(query)).map(({ action }) => action))]
    assert.deepEqual(await actionsOf('?action=app.created'), ['app.created'])
    assert.deepEqual(
      (await list(`?actor_id=${plainKey.id}`)).map(({ target }) => target),
      [made['id']],
    )
    await queryDatabase(
      house.databaseUrl,
      `with event as (
         insert into audit_events (at, organization_id, actor_kind, action, target)
         select '2020-05-01T12:00:00Z'::timestamptz + n * interval '1 hour', $1, 'server', 'key.revoked', 'key_' || n
         from generate_series(0, 3) n returning id
       ) insert into audit_unsealed select id from event`,
      [acme.id],
    )
    const targets = async (since: string, until: string) =>
      (await list(`?since=${since}&until=${until}`)).map(({ target }) => target)
    assert.deepEqual(await targets('2020-05-01T13:00:00Z', '2020-05-01T15:00:00Z'), ['key_2', 'key_1'])
    assert.deepEqual(await targets('2020-05-01T15:00:00.001Z', '2020-06-01T00:00:00Z'), [])
    assert.deepEqual(await targets('2020-05-01T16:30:00%2B02:00', '2021-01-01T00:00:00Z'), ['key_3'])
    assert.deepEqual(await targets('0000-01-01T00:00:00Z', '2020-05-01T12:00:01Z'), ['key_0'])
    for (const [query, param] of [
      ['action=pigeon.sent', 'action'],
      ['actor_id=a%00b', 'actor_id'],
      ['target=', 'target'],
      ['target=%20', 'target'],
      ['since=yesterday', 'since'],
      ['since=2020-05-01', 'since'],
      ['until=2016-12-31T23:59:60Z', 'until'],
      ['cursor=x', 'cursor'],
      ['limit=1.5', 'limit'],
    ] as const)
      assert.equal(
        await refusal(house, reader, `GET /audit-events?${query}`),
        `422 invalid_parameter ${param}`,
        query,
      )
  })
})
