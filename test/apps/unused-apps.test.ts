// G5: rows that anybody can make are kept only for as long as somebody has a use for them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countUnusedApps, makeRoom, sweepUnusedApps } from '../../src/apps/unused-apps-store.ts'
import { daySeconds, hourSeconds } from '../../src/lib/time.ts'
import { obtainTokens } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'
import { metadata, registerApp } from '../support/registration.ts'

const scope = 'read:bookings'
const email = 'olga@acme.example'
const policy = { unconsentedSeconds: daySeconds, idleSeconds: 90 * daySeconds }

const begin = async (t: Parameters<typeof startHouse>[0]) => {
  const house = await startHouse(t, {
    change: (profile) => {
      const registration = { ...profile.oauth.dynamicRegistration, rate: { requests: 1000, seconds: 1 } }
      return { ...profile, oauth: { ...profile.oauth, dynamicRegistration: registration } }
    },
  })
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  return { house, organization, db: house.database.knex }
}

const sweep = (house: House, limit = 100) =>
  house.database.knex.transaction((tx) => sweepUnusedApps(tx, house.now(), limit, policy))
const left = async (house: House) => {
  const rows = await house.asOwner<{ name: string }>('select name from oauth_apps order by name')
  return rows.map(({ name }) => name)
}

test('G5: an app that nobody allowed anything, or not for long, goes; one with a living grant never', async (t) => {
  const { house, organization, db } = await begin(t)
  const make = (client_name: string) => registerApp(house.url, { ...metadata, client_name })
  await house.app(organization, { name: 'by hand' })
  await make('never allowed')
  await make('verified')
  await make('suspended')
  const used = await make('used')
  const idle = await make('idle')
  await house.asOwner(`update oauth_apps set verified_at = now() where name = 'verified'`)
  await house.asOwner(
    `update oauth_apps set suspended_at = now(), suspended_by = 'vendor' where name = 'suspended'`,
  )
  for (const { client_id: clientId } of [used, idle])
    await obtainTokens(house.url, { clientId }, email, scope)

  assert.equal(await sweep(house), 0, 'all are young')
  house.travel(daySeconds + 1)
  await make('young')
  assert.equal(await countUnusedApps(db, house.now(), policy), 1)
  assert.equal(await sweep(house), 1)
  assert.deepEqual(await left(house), ['by hand', 'idle', 'suspended', 'used', 'verified', 'young'])

  await house.asOwner(`delete from grants where client_id = $1`, [idle.client_id])
  house.travel(80 * daySeconds)
  assert.equal(await sweep(house), 1, 'the young one')
  assert.deepEqual(await left(house), ['by hand', 'idle', 'suspended', 'used', 'verified'])
  house.travel(10 * daySeconds)
  assert.equal(await sweep(house), 1, 'the idle one')
  assert.deepEqual(await left(house), ['by hand', 'suspended', 'used', 'verified'])
  house.travel(100 * daySeconds)
  assert.equal(await countUnusedApps(db, house.now(), policy), 1, 'its grant has come to its end')
  const told = await house.asOwner<{ cause: string }>(
    `select details ->> 'cause' as cause from audit_events where action = 'app.deleted' order by id`,
  )
  assert.deepEqual(
    told.map(({ cause }) => cause),
    ['never_allowed', 'never_allowed', 'idle'],
  )
})

test('G5: what another transaction holds is passed over, and a batch is no larger than it may be', async (t) => {
  const { house, db } = await begin(t)
  const apps = await Promise.all(Array.from({ length: 5 }, () => registerApp(house.url)))
  house.travel(daySeconds + 1)
  const [held] = apps
  assert.ok(held)
  await db.transaction(async (tx) => {
    await tx('oauth_apps').where({ client_id: held.client_id }).forShare().first()
    assert.equal(await sweep(house, 3), 3)
    assert.equal(await sweep(house), 1, 'the one that is held stays')
  })
  assert.equal(await sweep(house), 1)
})

test('G5: an app that is being allowed something at that moment stays', async (t) => {
  const { house, db } = await begin(t)
  const app = await registerApp(house.url)
  house.travel(daySeconds + 1)
  let swept: Promise<number> | undefined
  await db.transaction(async (tx) => {
    // As consent does it: the row is changed, and committed after the sweep has looked.
    await tx('oauth_apps')
      .where({ client_id: app.client_id })
      .update({ consented_at: house.now(), last_consented_at: house.now() })
    swept = sweep(house)
    assert.equal(await swept, 0)
  })
  assert.equal(await sweep(house), 0)
})

test('G5: when too many wait for consent the oldest give way, but none that is younger than an hour', async (t) => {
  const { house, db } = await begin(t)
  const room = (most: number) => db.transaction((tx) => makeRoom(tx, house.now(), most))
  for (let count = 0; count < 3; count += 1)
    await registerApp(house.url, { ...metadata, client_name: `N${count}` })
  assert.equal(await room(4), true)
  assert.equal(await room(3), false)
  assert.equal((await left(house)).length, 3)
  house.travel(hourSeconds + 1)
  await registerApp(house.url, { ...metadata, client_name: 'young' })
  assert.equal(await room(4), true)
  assert.deepEqual(await left(house), ['young'])
})
