// The verifier: every way to falsify the ledger is named, with the first row that it touches. What is falsified
// here was recorded by real operations; whoever falsifies it is PostgreSQL's superuser.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Fault } from '../../src/audit/fault.ts'
import { type Verification, verifyLedger } from '../../src/audit/verify.ts'
import { byServer } from '../../src/core/attribution.ts'
import { revokeKey } from '../../src/keys/change-key.ts'
import { queryDatabase } from '../support/database.ts'
import { type House, startHouse } from '../support/house.ts'

interface Link {
  readonly sequence: number
  readonly event: number
}

interface Scene {
  readonly house: House
  readonly organization: string
  /** The chain of Acme: place 1 is links[0]. */
  readonly links: readonly Link[]
  /** As the superuser. */
  falsify(...statements: readonly string[]): Promise<void>
  verify(): Promise<Verification>
}

/** Acme, with an app and three keys of which one was revoked; and a neighbour whose chain stays whole. */
async function open(t: TestContext): Promise<Scene> {
  const house = await startHouse(t)
  const acme = await house.organization('Acme')
  const neighbour = await house.organization('Neighbour')
  await house.person('ann@acme.example', acme)
  await house.app(acme)
  const { key } = await house.key(acme, 'live', ['read:bookings'])
  for (const organization of [acme, acme, neighbour]) await house.key(organization, 'test', ['read:bookings'])
  const reach = { organization: acme.id, mode: 'any' } as const
  await revokeKey(house.database.knex, { reach, id: key.id, by: byServer, now: new Date() })
  await house.settle()
  const rows = await queryDatabase<{ sequence: string; event_id: string }>(
    house.databaseUrl,
    'select sequence, event_id from audit_seals where organization_id = $1 order by sequence',
    [acme.id],
  )
  const links = rows.map((row) => ({ sequence: Number(row.sequence), event: Number(row.event_id) }))
  assert.equal(links.length, 6, 'created, app, three keys, one revoked')
  return {
    house,
    organization: acme.id,
    links,
    falsify: async (...statements) => {
      for (const statement of statements) await queryDatabase(house.databaseUrl, statement)
    },
    verify: () => verifyLedger(house.database.knex),
  }
}

const eventAt = ({ links }: Scene, sequence: number) => links[sequence - 1]?.event ?? 0

/** There is one fault, it is this one, and the chains of everybody else are whole. */
async function assertFault(
  scene: Scene,
  expected: Partial<Fault> & { kind: Fault['kind'] },
): Promise<Verification> {
  const verified = await scene.verify()
  const [fault, ...others] = verified.faults
  assert.ok(fault, 'a fault is found')
  assert.deepEqual(others, [])
  const { say, ...named } = fault
  assert.deepEqual(named, { organization: scene.organization, ...expected })
  assert.ok(say.length > 20)
  assert.ok(!verified.chains.some((it) => it.organization === scene.organization))
  return verified
}

test('U15 a ledger that nobody touched is whole, while new events come in', async (t) => {
  const scene = await open(t)
  const before = await scene.verify()
  assert.deepEqual(before.faults, [])
  assert.ok(before.chains.some((it) => it.organization === scene.organization && it.rows === 6))
  await scene.house.organization('Newcomer')
  assert.deepEqual((await scene.verify()).faults, [])
})

test('U15 seals that were given to another chain are seals of nothing', async (t) => {
  const scene = await open(t)
  const { house, organization, falsify } = scene
  await falsify(
    `update audit_seals set organization_id = 'org_other' where organization_id = '${organization}'`,
  )
  await assertFault(scene, { kind: 'unsealed', sequence: null, event: eventAt(scene, 1) })
  const { faults } = await verifyLedger(house.database.knex, { organization })
  assert.deepEqual(
    faults.map(({ kind, event }) => ({ kind, event })),
    [{ kind: 'unsealed', event: eventAt(scene, 1) }],
  )
})

const changes = {
  "whose it is (actor's id)": "actor_id = 'person_somebody'",
  'who did it (kind)': "actor_kind = 'command_line'",
  'on whose behalf': "on_behalf_of = 'person_somebody'",
  'what was done': "action = 'key.deleted'",
  'to what': "target = 'key_other'",
  'from where': "address = '192.0.2.1'",
  'in which request': "request_id = 'req_other'",
  'when, by a microsecond': "at = at + interval '1 microsecond'",
  'one value in its details': `details = details || '{"name": "other"}'`,
  'whose ledger it stands in': 'organization_id = null',
}

test('U15 a row that was changed is named, whichever of its columns it was', async (t) => {
  const scene = await open(t)
  const event = eventAt(scene, 3)
  const [before] = await queryDatabase<{ row: string }>(
    scene.house.databaseUrl,
    `select row_to_json(e)::text as row from audit_events e where id = ${event}`,
  )
  for (const [what, change] of Object.entries(changes)) {
    await t.test(what, async () => {
      await scene.falsify(`update audit_events set ${change} where id = ${event}`)
      await assertFault(scene, { kind: 'changed', sequence: 3, event })
      await scene.falsify(
        `update audit_events e set (organization_id, actor_kind, actor_id, on_behalf_of, action, target, address,
           request_id, at, details) = (select organization_id, actor_kind, actor_id, on_behalf_of, action, target,
           address, request_id, at, details from json_populate_record(null::audit_events, '${before?.row}'))
         where id = ${event}`,
      )
      assert.deepEqual((await scene.verify()).faults, [], 'put back, it is whole again')
    })
  }
})

test('U15 of several changed rows the first is named', async (t) => {
  const scene = await open(t)
  const [third, fifth] = [eventAt(scene, 3), eventAt(scene, 5)]
  await scene.falsify(`update audit_events set target = 'key_other' where id in (${fifth}, ${third})`)
  await assertFault(scene, { kind: 'changed', sequence: 3, event: third })
})

test('U15 a row that was removed is named: the first, one in the middle, the last', async (t) => {
  for (const sequence of [1, 4, 6]) {
    const scene = await open(t)
    const event = eventAt(scene, sequence)
    await scene.falsify(`delete from audit_events where id = ${event}`)
    await assertFault(scene, { kind: 'removed', sequence, event })
  }
})

test('U15 two rows that changed places are named as reordered, however that was done', async (t) => {
  const ways: Record<string, (left: Link, right: Link) => readonly string[]> = {
    'what the rows say': ({ event: left }, { event: right }) => [
      `update audit_events set id = -1 where id = ${left}`,
      `update audit_events set id = ${left} where id = ${right}`,
      `update audit_events set id = ${right} where id = -1`,
    ],
    'which events the seals name': ({ event: left }, { event: right }) => [
      `update audit_seals set event_id = -1 where event_id = ${left}`,
      `update audit_seals set event_id = ${left} where event_id = ${right}`,
      `update audit_seals set event_id = ${right} where event_id = -1`,
    ],
    'the places of the seals': ({ event: left, sequence: place }, { event: right, sequence: other }) => [
      `update audit_seals set sequence = 999 where event_id = ${left}`,
      `update audit_seals set sequence = ${place} where event_id = ${right}`,
      `update audit_seals set sequence = ${other} where event_id = ${left}`,
    ],
  }
  for (const [way, statements] of Object.entries(ways)) {
    await t.test(way, async () => {
      const scene = await open(t)
      const [left, right] = [scene.links[1], scene.links[4]]
      assert.ok(left && right)
      await scene.falsify(
        'alter table audit_events alter column id drop identity',
        ...statements(left, right),
      )
      const event = way === 'what the rows say' ? left.event : right.event
      await assertFault(scene, { kind: 'reordered', sequence: 2, event })
    })
  }
})

test('U15 a seal that was removed is named with its event; one at the end as an event without a seal', async (t) => {
  const middle = await open(t)
  await middle.falsify(`delete from audit_seals where event_id = ${eventAt(middle, 4)}`)
  await assertFault(middle, { kind: 'seal_missing', sequence: 4, event: eventAt(middle, 4) })

  const end = await open(t)
  await end.falsify(`delete from audit_seals where event_id = ${eventAt(end, 6)}`)
  await assertFault(end, { kind: 'unsealed', sequence: null, event: eventAt(end, 6) })

  const both = await open(t)
  const event = eventAt(both, 4)
  await both.falsify(
    `delete from audit_seals where event_id = ${event}`,
    `delete from audit_events where id = ${event}`,
  )
  await assertFault(both, { kind: 'seal_missing', sequence: 4, event: null })
})

test('U15 a seal that was changed is told from a changed event', async (t) => {
  const scene = await open(t)
  await scene.falsify(`update audit_seals set hash = sha256('x') where event_id = ${eventAt(scene, 4)}`)
  await assertFault(scene, { kind: 'seal_changed', sequence: 4, event: eventAt(scene, 4) })
})

test("U15 an event that was added behind the ledger's back is named", async (t) => {
  const scene = await open(t)
  await scene.falsify(
    `insert into audit_events (organization_id, actor_kind, action, target)
     values ('${scene.organization}', 'person', 'key.revoked', 'key_x')`,
  )
  const [row] = await queryDatabase<{ id: string }>(
    scene.house.databaseUrl,
    'select max(id) as id from audit_events',
  )
  await scene.house.settle()
  await assertFault(scene, { kind: 'unsealed', sequence: null, event: Number(row?.id) })
})

test('U15 an event that was removed before its seal leaves a note that tells of it', async (t) => {
  const scene = await open(t)
  await scene.falsify(
    `with event as (
       insert into audit_events (organization_id, actor_kind, action) values ('${scene.organization}', 'server', 'app.deleted')
       returning id
     ) insert into audit_unsealed select id + 1000 from event`,
    `delete from audit_events where id = (select max(id) from audit_events)`,
  )
  await scene.house.settle()
  const { faults } = await scene.verify()
  assert.deepEqual(
    faults.map(({ kind, organization, sequence }) => ({ kind, organization, sequence })),
    [{ kind: 'removed', organization: null, sequence: null }],
  )
})

test('U15 a head that was kept elsewhere proves that the end was not cut off', async (t) => {
  const scene = await open(t)
  const { knex } = scene.house.database
  const { organization } = scene
  const kept = (await verifyLedger(knex, { organization })).chains[0]?.head ?? ''
  await scene.house.key(await scene.house.organization('Other'), 'test', ['read:bookings'])
  const grown = await verifyLedger(knex, { organization, expectHead: kept })
  assert.deepEqual(grown.faults, [])
  await scene.falsify(
    `delete from audit_seals where event_id = ${eventAt(scene, 6)}`,
    `delete from audit_events where id = ${eventAt(scene, 6)}`,
  )
  assert.deepEqual(
    (await verifyLedger(knex, { organization })).faults,
    [],
    'the chain by itself does not tell',
  )
  const { faults } = await verifyLedger(knex, { organization, expectHead: kept })
  assert.deepEqual(
    faults.map(({ kind }) => kind),
    ['cut'],
  )
})

test('U15 what is recorded and sealed while the verifier walks is no fault', async (t) => {
  const { house, verify } = await open(t)
  let isWriting = true
  const writing = (async () => {
    for (let name = 1; name <= 30; name += 1) {
      await house.organization(`Meanwhile ${name}`)
      await house.settle()
    }
    isWriting = false
  })()
  while (isWriting) assert.deepEqual((await verify()).faults, [])
  await writing
})
