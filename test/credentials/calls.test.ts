// Calls by day: each is counted once, for its key or grant and for its organization, whatever happens meanwhile.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { dayMs, dayOf, lastDays, startOf } from '../../src/lib/day.ts'
import { obtainTokens } from '../support/authorization.ts'
import { createTestDatabase } from '../support/database.ts'
import { type DatabaseProxy, type Moment, startDatabaseProxy } from '../support/database-proxy.ts'
import { type House, type HouseOptions, startHouse } from '../support/house.ts'
import { leaveMidnight } from '../support/midnight.ts'
import { createPartner } from '../support/platform.ts'
import { oneLimit } from '../support/rate-classes.ts'
import { stopClock } from '../support/stopped-clock.ts'

const scopes = ['read:bookings', 'keys:read', 'keys:write']

async function open(t: TestContext, options: HouseOptions = {}) {
  const house = await startHouse(t, options)
  leaveMidnight(house)
  const acme = await house.organization('Acme')
  const { key, secret } = await house.key(acme, 'live', scopes)
  return { house, acme, key, secret }
}

const times = (count: number, work: () => Promise<Response>) =>
  Promise.all(Array.from({ length: count }, work))

/** What is written of keys, grants or organizations, as "whose day calls limited". */
async function written({ database }: House, table: 'api_key' | 'grant' | 'organization'): Promise<string[]> {
  const whose = table === 'api_key' ? 'key_id' : table === 'grant' ? 'grant_id' : 'mode'
  const rows: { whose: string; day: string; calls: string; limited: string }[] = await database
    .knex(`${table}_calls`)
    .select({ whose }, 'calls', 'limited', database.knex.raw('day::text'))
    .orderBy([whose, 'day'])
  return rows.map(({ whose, day, calls, limited }) => `${whose} ${day} ${calls} ${limited}`)
}

test('good credentials are counted, each by itself and in its organization and mode; what is refused by a limit twice', async (t) => {
  const { house, acme, key, secret } = await open(t, {
    change: (profile) => ({ ...profile, rateClasses: oneLimit(30, 3600) }),
  })
  await house.person('ann@acme.example', acme)
  const app = await house.app(acme)
  const tokens = await obtainTokens(house.url, app, 'ann@acme.example', 'read:bookings')
  const other = await house.key(acme, 'live', scopes)
  const gone = await house.key(acme, 'test', scopes)
  const platform = await createPartner(house)
  await Promise.all([
    times(37, () => house.api('/bookings', secret)),
    times(20, () => house.api('/me', other.secret)),
    times(5, () => house.api('/nowhere', other.secret)),
    times(11, () => house.api('/me', tokens.access_token)),
    times(3, () => house.api('/me', gone.secret)),
    times(9, () => house.api('/me', secret.replace(/.$/, '!'))),
    times(2, () => house.api('/me', platform.secret)),
  ])
  const remove = await house.api(`/keys/${gone.key.id}`, gone.secret, { method: 'DELETE' })
  assert.equal(remove.status, 204)
  await house.settle()
  const day = dayOf(house.now().getTime())
  const [grant] = await house.database.knex('grants').select('id')
  assert.deepEqual(
    await written(house, 'api_key'),
    [`${key.id} ${day} 37 7`, `${other.key.id} ${day} 25 0`].sort(),
    'a key that is gone takes its calls along',
  )
  assert.deepEqual(await written(house, 'grant'), [`${grant.id} ${day} 11 0`])
  assert.deepEqual(
    await written(house, 'organization'),
    [`live ${day} 62 7`, `test ${day} 15 0`],
    'and its organization keeps them',
  )
  await times(4, () => house.api('/me', tokens.access_token))
  await house.settle()
  await house.settle()
  assert.deepEqual(await written(house, 'grant'), [`${grant.id} ${day} 15 0`], 'the day goes on')
})

test('a call belongs to the day in UTC on which it was made, also when both days are written at once', async (t) => {
  stopClock(t)
  const { house, key, secret } = await open(t)
  const today = dayOf(house.now().getTime())
  const left = startOf(today) + dayMs - house.now().getTime()
  const [, next = today] = lastDays(2, new Date(startOf(today) + dayMs))
  house.travel(left / 1000 - 1)
  await times(5, () => house.api('/me', secret))
  house.travel(0.999)
  await house.api('/me', secret)
  house.travel(0.001)
  await times(2, () => house.api('/me', secret))
  await house.settle()
  assert.deepEqual(await written(house, 'api_key'), [`${key.id} ${today} 6 0`, `${key.id} ${next} 2 0`])
  assert.deepEqual(await written(house, 'organization'), [`live ${today} 6 0`, `live ${next} 2 0`])
})

/** The COMMIT of the first batch that is written. */
function commitOfBatch(): Parameters<DatabaseProxy['stopAt']>[0] {
  let writer: number | null = null
  return ({ text, connection }) => {
    if (/insert into organization_calls/.test(text)) writer = connection
    return connection === writer && /^commit/i.test(text)
  }
}

for (const moment of ['before', 'after'] as const satisfies readonly Moment[]) {
  const what = moment === 'after' ? 'was done and not answered' : 'never came'
  test(`a batch whose COMMIT ${what} is counted once`, async (t) => {
    const proxy = await startDatabaseProxy(t, await createTestDatabase(t))
    const { house, key, secret } = await open(t, { databaseUrl: proxy.url })
    await times(10, () => house.api('/me', secret))
    const cut = proxy.stopAt(commitOfBatch(), moment, () => setImmediate(proxy.resume))
    await house.settle()
    await cut
    assert.match(house.log(), /last use could not be written/)
    await times(5, () => house.api('/me', secret))
    for (let tries = 0; !/are written again/.test(house.log()); tries += 1) {
      assert.ok(tries < 50, 'it is not written')
      await house.settle()
    }
    const day = dayOf(house.now().getTime())
    assert.deepEqual(await written(house, 'api_key'), [`${key.id} ${day} 15 0`])
    assert.deepEqual(await written(house, 'organization'), [`live ${day} 15 0`])
    assert.equal(house.log().match(/could not be written/g)?.length, 1, 'told once')
  })
}

test('while the database takes nothing calls are counted in memory, and written when it is back', async (t) => {
  const { house, key, secret } = await open(t)
  await house.asOwner('alter table organization_calls rename to calls_away')
  for (let time = 0; time < 3; time += 1) {
    await times(4, () => house.api('/me', secret))
    await house.settle()
  }
  assert.deepEqual(await written(house, 'api_key'), [], 'of a batch all is written, or nothing')
  await house.asOwner('alter table calls_away rename to organization_calls')
  await house.settle()
  const day = dayOf(house.now().getTime())
  assert.deepEqual(await written(house, 'api_key'), [`${key.id} ${day} 12 0`])
  assert.deepEqual(await written(house, 'organization'), [`live ${day} 12 0`])
})
