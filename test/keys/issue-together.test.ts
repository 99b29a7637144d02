// Keys that are made many at a time, by several keys of several organizations: each has its own answer, none fails or
// waits for another one's sake, and nothing is ever half done (decision 23).
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { toEvent } from '../../src/audit/record.ts'
import { verifyLedger } from '../../src/audit/verify.ts'
import { type Attribution, byServer } from '../../src/core/attribution.ts'
import type { KeyId } from '../../src/core/ids.ts'
import type { Mode } from '../../src/core/principal.ts'
import { createFormat } from '../../src/credentials/format.ts'
import { deactivateKey, revokeKey } from '../../src/keys/change-key.ts'
import { draftKey, type NewKey, toldOf } from '../../src/keys/issue-key.ts'
import { createIssuing } from '../../src/keys/issue-together.ts'
import { insertKeysTogether } from '../../src/keys/issue-together-store.ts'
import type { ApiKey } from '../../src/keys/key.ts'
import { suspendOrganization } from '../../src/offboarding/suspend-organization.ts'
import type { Organization } from '../../src/organizations/organization-store.ts'
import { type House, startHouse } from '../support/house.ts'
import { meanwhile } from '../support/meanwhile.ts'
import { oneLimit } from '../support/rate-classes.ts'

const scopes = ['keys:read', 'keys:write', 'read:bookings']

interface Maker {
  readonly organization: Organization
  readonly key: ApiKey
  readonly secret: string
}

async function open(t: TestContext) {
  const house = await startHouse(t, {
    change: (profile) => ({ ...profile, rateClasses: oneLimit(1_000_000, 60) }),
  })
  const makerOf = async (
    organization: Organization,
    mode: Mode = 'live',
    expiresAt?: Date,
  ): Promise<Maker> => ({
    organization,
    ...(await house.key(organization, mode, scopes, expiresAt)),
  })
  return { house, makerOf, format: createFormat(house.profile.credentials.prefixes) }
}

interface Made {
  readonly status: number
  readonly code: string | undefined
  readonly id: string
  readonly secret: string
}

/** So many keys, all asked for at once. */
function burst(house: House, { secret }: Maker, count: number): Promise<Made>[] {
  return Array.from({ length: count }, async (_, index) => {
    const response = await house.api('/keys', secret, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: `Key ${index}`, scopes: ['read:bookings'] }),
    })
    const answer = (await response.json()) as {
      id: string
      secret: string
      error?: { code: string }
    }
    return { status: response.status, code: answer.error?.code, id: answer.id, secret: answer.secret }
  })
}

const statuses = (made: readonly Made[]) => [...new Set(made.map(({ status }) => status))]

/** Every key has all that belongs to it, and nothing belongs to none; and the ledger is in order. */
async function requireWhole(house: House): Promise<void> {
  const [row] = await house.asOwner<{ keys: number; wrong: number; loose: number }>(
    `select
       (select count(*)::int from api_keys) as keys,
       (select count(*)::int from api_keys k
        where k.revoked_at is null and k.deactivated_at is null and not exists (
            select from credentials c join organizations o on o.id = c.organization_id
            where c.key_id = k.id and c.hash = k.hash and c.mode = k.mode and c.scopes = k.scopes
              and c.organization_id = k.organization_id)
          and not exists (select from organizations o where o.id = k.organization_id and o.is_stopped)
          or (select count(*) from audit_events e where e.target = k.id and e.action = 'key.created'
              and e.organization_id = k.organization_id and e.details->>'mode' = k.mode) <> 1) as wrong,
       (select count(*)::int from audit_events e where action = 'key.created'
          and not exists (select from api_keys k where k.id = e.target))
       + (select count(*)::int from audit_events e where not exists (
            select from audit_unsealed where event_id = e.id union select from audit_seals where event_id = e.id))
       as loose`,
  )
  assert.deepEqual({ wrong: row?.wrong, loose: row?.loose }, { wrong: 0, loose: 0 })
  await house.settle()
  const verification = await verifyLedger(house.database.knex)
  assert.deepEqual(verification.faults, [])
}

test('a burst of several keys of several organizations: each key is of its maker, whole, and works', async (t) => {
  const { house, makerOf } = await open(t)
  const acme = await house.organization('Acme')
  const rival = await house.organization('Rival')
  const makers = [
    await makerOf(acme),
    await makerOf(acme, 'test'),
    await makerOf(rival),
    await makerOf(rival),
  ]
  const made = await Promise.all(makers.map((maker) => Promise.all(burst(house, maker, 30))))
  assert.deepEqual(statuses(made.flat()), [201])
  for (const [index, maker] of makers.entries()) {
    const rows = await house.asOwner<{ id: string }>(
      `select id from api_keys where created_by = $1 and organization_id = $2 and mode = $3 and scopes = '{read:bookings}'`,
      [maker.key.id, maker.organization.id, maker.key.mode],
    )
    assert.deepEqual(rows.map(({ id }) => id).sort(), made[index]?.map(({ id }) => id).sort())
  }
  for (const [one] of made) assert.equal((await house.api('/me', one?.secret ?? '')).status, 200)
  await requireWhole(house)
})

test('what one turn brings is one statement', async (t) => {
  const { house, makerOf, format } = await open(t)
  const makers = [
    await makerOf(await house.organization('Acme')),
    await makerOf(await house.organization('Rival')),
  ]
  const issue = createIssuing(house.database, format)
  await Promise.all(
    makers.flatMap((maker) => Array.from({ length: 50 }, () => issue(wantedBy(maker), house.now()))),
  )
  const rows = await house.asOwner<{ n: number }>(
    'select count(*)::int as n from api_keys where created_by is not null group by xmin',
  )
  assert.deepEqual(rows, [{ n: 100 }])
  await requireWhole(house)
})

test('an organization that is being suspended: its keys wait and are refused, those of others are made meanwhile', async (t) => {
  const { house, makerOf } = await open(t)
  const acme = await house.organization('Acme')
  const stopped = await makerOf(acme)
  const other = await makerOf(await house.organization('Rival'))
  let wellMade: Made[] = []
  const refused = await meanwhile(
    house,
    (tx) => suspendOrganization(tx, { organization: acme.id, by: byServer }, house.now()),
    () => Promise.all(burst(house, stopped, 4)),
    async () => {
      // The suspension is not committed yet: whoever waited for it would wait for ever.
      wellMade = await Promise.all(burst(house, other, 20))
    },
  )
  assert.deepEqual(statuses(wellMade), [201])
  assert.deepEqual(new Set(refused.map(({ code }) => code)), new Set(['organization_suspended']))
  const [row] = await house.asOwner<{ n: number }>(
    'select count(*)::int as n from api_keys where organization_id = $1',
    [acme.id],
  )
  assert.equal(row?.n, 1)
  await requireWhole(house)
})

test('a key that is being revoked: what it makes is refused, what its neighbour makes is made meanwhile', async (t) => {
  const { house, makerOf } = await open(t)
  const acme = await house.organization('Acme')
  const [ending, other] = [await makerOf(acme), await makerOf(acme)]
  let wellMade: Made[] = []
  const reach = { organization: acme.id, mode: 'any' } as const
  const refused = await meanwhile(
    house,
    (tx) => revokeKey(tx, { reach, id: ending.key.id, by: byServer, now: house.now() }),
    () => Promise.all(burst(house, ending, 4)),
    async () => {
      wellMade = await Promise.all(burst(house, other, 20))
    },
  )
  assert.deepEqual(statuses(wellMade), [201])
  assert.deepEqual(statuses(refused), [401])
  const rows = await house.asOwner('select 1 from api_keys where created_by = $1', [ending.key.id])
  assert.equal(rows.length, 0)
  await requireWhole(house)
})

const attribution = (id: KeyId): Attribution => ({
  actor: { kind: 'api_key', id },
  address: '127.0.0.1',
  requestId: null,
})

function wantedBy({ organization, key }: Maker): NewKey {
  return {
    organization: organization.id,
    mode: key.mode,
    name: 'Made',
    scopes: ['read:bookings'],
    expiresAt: null,
    allowedAddresses: null,
    by: attribution(key.id),
  }
}

test('one statement for many tenants makes what is right, and leaves out each that is not, for its own reason', async (t) => {
  const { house, makerOf, format } = await open(t)
  const db = house.database.knex
  const acme = await house.organization('Acme')
  const good = await makerOf(acme)
  const rival = await makerOf(await house.organization('Rival'))
  const stopped = await makerOf(await house.organization('Stopped'))
  await suspendOrganization(db, { organization: stopped.organization.id, by: byServer }, house.now())
  const reach = { organization: acme.id, mode: 'any' } as const
  const [revoked, deactivated] = [await makerOf(acme), await makerOf(acme)]
  await revokeKey(db, { reach, id: revoked.key.id, by: byServer, now: house.now() })
  await deactivateKey(db, { reach, id: deactivated.key.id, by: byServer, now: house.now() })
  const expired = await makerOf(acme, 'live', new Date(house.now().getTime() - 1))
  const unknown: Maker = { ...good, key: { ...good.key, id: `key_${'0'.repeat(24)}` } }

  const draft = (maker: Maker, change: Partial<NewKey> = {}) => {
    const wanted = { ...wantedBy(maker), ...change }
    const { key } = draftKey(format, wanted, null, house.now())
    return { key, maker: maker.key.id, event: toEvent(toldOf(key, wanted.by)) }
  }
  const left = [
    ...[stopped, revoked, deactivated, expired, unknown].map((maker) => draft(maker)),
    // Said to be of another tenant than its maker: the wall that stands here in place of row-level security.
    draft(good, { organization: rival.organization.id }),
    draft(good, { mode: 'test' }),
  ]
  const right = [draft(good), draft(rival)]
  const made = await insertKeysTogether(
    house.database,
    [right[0], ...left, right[1]].filter((it) => it !== undefined),
  )
  assert.deepEqual([...made].sort(), right.map(({ key }) => key.id).sort())
  const rows = await house.asOwner<{ id: string }>('select id from api_keys where created_by is not null')
  // By itself such a key is stopped by the wall.
  const issue = createIssuing(house.database, format)
  for (const change of [{ organization: rival.organization.id }, { mode: 'test' }] as const)
    await assert.rejects(issue({ ...wantedBy(good), ...change }, house.now()), { code: 'invalid_credential' })
  assert.deepEqual(rows.map(({ id }) => id).sort(), [...made].sort())
  await requireWhole(house)
})

test('one that the database can not keep does not fail its neighbours, and is the only one to fail', async (t) => {
  const { house, makerOf, format } = await open(t)
  const maker = await makerOf(await house.organization('Acme'))
  const issue = createIssuing(house.database, format)
  const names = ['one', 'two', 'with\0zero', 'three']
  const made = await Promise.allSettled(names.map((name) => issue({ ...wantedBy(maker), name }, house.now())))
  assert.deepEqual(
    made.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
  )
  const rows = await house.asOwner<{ name: string }>(
    'select name from api_keys where created_by is not null order by name',
  )
  assert.deepEqual(
    rows.map(({ name }) => name),
    ['one', 'three', 'two'],
  )
  await requireWhole(house)
})
