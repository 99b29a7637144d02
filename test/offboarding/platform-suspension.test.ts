// A platform that is suspended takes down its own key and all that it provisioned, and brings them back.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byServer } from '../../src/core/attribution.ts'
import { isOrganizationId } from '../../src/core/ids.ts'
import { resumeOrganization, suspendOrganization } from '../../src/offboarding/suspend-organization.ts'
import { resumePlatform, suspendPlatform } from '../../src/offboarding/suspend-platform.ts'
import { queryDatabase } from '../support/database.ts'
import { type House, startHouse } from '../support/house.ts'
import {
  createPartner,
  customer,
  post,
  provision,
  rotatePartnerKey,
  withoutLimits,
} from '../support/platform.ts'

const by = byServer
const statusOf = async (house: House, secret: string) => (await house.api('/me', secret)).status
const now = () => new Date()

const credentialsOf = async (house: House) =>
  (await queryDatabase(house.databaseUrl, 'select 1 from credentials')).length

test('K11: suspending a platform stops its key and every key that it provisioned; resuming brings the same ones back', async (t) => {
  const house = await startHouse(t)
  const db = house.database.knex
  const [partner, rival] = [await createPartner(house), await createPartner(house, 'HireFast')]
  const request = { platform: partner.platform.id, by }
  const [one, two] = [
    await provision(house, partner, { organizationId: 'one' }),
    await provision(house, partner, { organizationId: 'two' }),
  ]
  const others = await provision(house, rival)

  const changed = await suspendPlatform(db, request, now())
  assert.deepEqual([...(changed?.stopped ?? [])].sort(), [one.organization.id, two.organization.id].sort())
  assert.equal(await suspendPlatform(db, request, now()), null, 'twice is as once')
  assert.equal((await post(house, partner.secret, customer)).status, 401)
  for (const { apiKey } of [one, two]) assert.equal(await statusOf(house, apiKey), 401)
  assert.equal(await statusOf(house, others.apiKey), 200)

  assert.equal((await resumePlatform(db, request, now()))?.running.length, 2)
  assert.equal(await resumePlatform(db, request, now()), null)
  for (const { apiKey } of [one, two]) assert.equal(await statusOf(house, apiKey), 200)
  await provision(house, partner, { organizationId: 'three' })

  for (const { organization } of [one, two]) {
    const told = await queryDatabase<{ action: string }>(
      house.databaseUrl,
      `select action from audit_events where organization_id = $1 and action like 'platform.%' order by id`,
      [organization.id],
    )
    assert.deepEqual(
      told.map(({ action }) => action),
      ['platform.suspended', 'platform.resumed'],
    )
  }
})

test('an organization that is suspended by itself stays so when its platform goes on, and the other way round', async (t) => {
  const house = await startHouse(t)
  const db = house.database.knex
  const partner = await createPartner(house)
  const platform = { platform: partner.platform.id, by }
  const made = await provision(house, partner)
  assert.ok(isOrganizationId(made.organization.id))
  const organization = { organization: made.organization.id, by }

  await suspendPlatform(db, platform, now())
  await suspendOrganization(db, organization, now())
  await resumePlatform(db, platform, now())
  assert.equal(await statusOf(house, made.apiKey), 401)
  await resumeOrganization(db, organization, now())
  assert.equal(await statusOf(house, made.apiKey), 200)

  await suspendOrganization(db, organization, now())
  await suspendPlatform(db, platform, now())
  await resumeOrganization(db, organization, now())
  assert.equal(await statusOf(house, made.apiKey), 401)
  await resumePlatform(db, platform, now())
  assert.equal(await statusOf(house, made.apiKey), 200)
})

test('a key that a suspended platform is given works once the platform is resumed; the old one never again', async (t) => {
  const house = await startHouse(t)
  const db = house.database.knex
  const partner = await createPartner(house)
  const request = { platform: partner.platform.id, by }
  await suspendPlatform(db, request, now())
  const renewed = await rotatePartnerKey(house, partner)
  assert.equal((await post(house, renewed.secret, customer)).status, 401)
  await resumePlatform(db, request, now())
  assert.equal((await post(house, partner.secret, customer)).status, 401)
  await provision(house, renewed)
})

test('nothing that is provisioned at the same time slips past the suspension of a platform, or of one organization', async (t) => {
  const house = await startHouse(t, { change: withoutLimits })
  const db = house.database.knex
  const partner = await createPartner(house)
  const request = { platform: partner.platform.id, by }
  const first = await provision(house, partner)
  assert.ok(isOrganizationId(first.organization.id))
  const own = { organization: first.organization.id, by }
  for (let round = 0; round < 6; round += 1) {
    const fresh = Array.from({ length: 8 }, (_, index) =>
      post(house, partner.secret, { ...customer, organizationId: `${round} ${index}` }),
    )
    const again = Array.from({ length: 4 }, () =>
      post(house, partner.secret, { ...customer, onExisting: 'add' }),
    )
    await new Promise((resolve) => setTimeout(resolve, round * 8))
    await Promise.all([
      suspendPlatform(db, request, now()),
      suspendOrganization(db, own, now()).then(() => resumeOrganization(db, own, now())),
    ])
    const answers = await Promise.all([...fresh, ...again])
    for (const { status } of answers) assert.ok([201, 401, 403].includes(status), String(status))
    assert.equal(await credentialsOf(house), 0)
    await resumePlatform(db, request, now())
    for (const answer of answers.filter(({ status }) => status === 201)) {
      const { apiKey } = (await answer.json()) as { apiKey: string }
      assert.equal(await statusOf(house, apiKey), 200)
    }
  }
  assert.equal(await statusOf(house, first.apiKey), 200)
})
