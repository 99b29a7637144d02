// Live and test, and one organization and another, are walls (decision 7, SECURITY K10, U13): whatever is done in
// whatever order, no credential sees, counts or infers a row of another tenant. And the second wall, row-level
// security, holds where the first is taken away.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { OrganizationId } from '../../src/core/ids.ts'
import { type Mode, modes } from '../../src/core/principal.ts'
import { asTenant, type Tenant } from '../../src/db/tenant.ts'
import { listKeys } from '../../src/keys/key-store.ts'
import { listRows } from '../../src/sample/sample-store.ts'
import { type House, startHouse } from '../support/house.ts'
import { oneLimit } from '../support/rate-classes.ts'

const scopes = ['keys:read', 'keys:write', 'read:bookings', 'write:bookings', 'read:customers']

/** One organization in one mode, the key that acts for it, and what it should be able to see. */
interface Side {
  readonly name: string
  readonly organization: OrganizationId
  readonly mode: Mode
  /** Of the key that acts: another one when it has rotated itself. */
  secret: string
  acting: string
  readonly keys: Set<string>
  readonly bookings: Set<string>
}

type Step =
  | { readonly do: 'create-key' | 'create-booking' | 'list-keys' | 'list-bookings'; readonly by: number }
  | { readonly do: Touch; readonly by: number; readonly target: number }
type Touch =
  | 'read-key'
  | 'rotate-key'
  | 'revoke-key'
  | 'deactivate-key'
  | 'activate-key'
  | 'delete-key'
  | 'read-booking'
const touches: readonly Touch[] = [
  'read-key',
  'rotate-key',
  'revoke-key',
  'deactivate-key',
  'activate-key',
  'delete-key',
  'read-booking',
]

const side = fc.nat({ max: 3 })
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      do: fc.constantFrom('create-key', 'create-booking', 'list-keys', 'list-bookings'),
      by: side,
    }),
    fc.record({ do: fc.constantFrom(...touches), by: side, target: fc.nat({ max: 40 }) }),
  ),
  { minLength: 10, maxLength: 40 },
)

async function openSides(house: House): Promise<Side[]> {
  const sides: Side[] = []
  for (const name of ['acme', 'other']) {
    const organization = await house.organization(`${name}${Math.random().toString(36).slice(2, 8)}`)
    for (const mode of modes) {
      const { secret, key } = await house.key(organization, mode, scopes)
      const customer = {
        id: 'cu_01J00000000000000000000000',
        name: 'Ann',
        email: 'ann@example.com',
        phone: null,
      }
      await house.rows(organization, mode, 'customers', [customer])
      const known = { keys: new Set([key.id]), bookings: new Set<string>() }
      sides.push({
        name: `${name} ${mode}`,
        organization: organization.id,
        mode,
        secret,
        acting: key.id,
        ...known,
      })
    }
  }
  return sides
}

async function ask(house: House, by: Side, method: string, path: string, body?: object) {
  const headers = { 'Content-Type': 'application/json' }
  const init = body ? { body: JSON.stringify(body) } : {}
  const response = await house.api(path, by.secret, { method, headers, ...init })
  const text = await response.text()
  return { status: response.status, text, json: (text ? JSON.parse(text) : {}) as Record<string, unknown> }
}

const idsOf = (json: Record<string, unknown>) => (json['data'] as { id: string }[]).map(({ id }) => id).sort()
const booking = {
  starts_at: '2027-01-01T10:00:00Z',
  ends_at: '2027-01-01T12:00:00Z',
  customer_id: 'cu_01J00000000000000000000000',
  total: { amount: 100, currency: 'GBP' },
}
/** Without what differs in every answer. */
const plain = (text: string) => text.replace(/req_[0-9A-Z]{26}/, '')

test('K10, U13: no sequence of operations lets a credential see, count or infer a row of another tenant', async (t) => {
  const house = await startHouse(t, {
    change: (profile) => ({ ...profile, rateClasses: oneLimit(1_000_000, 60) }),
  })
  const absentKey = `key_${'0'.repeat(24)}`
  const absentBooking = 'bk_01J00000000000000000000000'
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      const sides = await openSides(house)
      const everyKey = () => sides.flatMap((it) => [...it.keys])
      const everyBooking = () => sides.flatMap((it) => [...it.bookings])
      for (const step of sequence) {
        const by = sides[step.by]
        assert.ok(by)
        if (!('target' in step)) await make(house, by, step.do)
        else if (step.do === 'read-booking') {
          const id = everyBooking()[step.target % Math.max(1, everyBooking().length)] ?? absentBooking
          const { status, text } = await ask(house, by, 'GET', `/bookings/${id}`)
          const absent = await ask(house, by, 'GET', `/bookings/${absentBooking}`)
          if (status === 401) continue // it has ended itself
          const owner = sides.find((it) => it.bookings.has(id))
          if (owner === by) assert.equal(status, 200)
          else if (owner?.organization === by.organization)
            assert.deepEqual([status, /"code":"(\w+)"/.exec(text)?.[1]], [403, 'wrong_mode'], by.name)
          else assert.deepEqual([status, plain(text)], [404, plain(absent.text)], by.name)
        } else await touch(house, by, step.do, everyKey()[step.target % everyKey().length] ?? absentKey)
      }
      for (const it of sides) {
        if ((await ask(house, it, 'GET', '/me')).status === 401) continue // it has ended itself
        assert.deepEqual(await allIds(house, it, '/keys'), [...it.keys].sort(), it.name)
        assert.deepEqual(await allIds(house, it, '/bookings'), [...it.bookings].sort(), it.name)
      }
    }),
    { numRuns: 25 },
  )

  /** Each page of a list, to its end: nothing more is behind it. */
  async function allIds(house: House, by: Side, path: string): Promise<string[]> {
    const ids: string[] = []
    for (let cursor: unknown = ''; cursor !== null; ) {
      const { json } = await ask(house, by, 'GET', `${path}?limit=3${cursor ? `&cursor=${cursor}` : ''}`)
      ids.push(...idsOf(json))
      cursor = json['next_cursor']
    }
    return ids.sort()
  }

  async function make(house: House, by: Side, what: string): Promise<void> {
    if (what === 'list-keys' || what === 'list-bookings') {
      const { status, json } = await ask(house, by, 'GET', `/${what.slice(5)}?limit=100`)
      if (status === 401) return
      assert.deepEqual(idsOf(json), [...(what === 'list-keys' ? by.keys : by.bookings)].sort(), by.name)
      return
    }
    const body = what === 'create-key' ? { name: 'x', scopes: ['read:bookings'] } : booking
    const { status, json, text } = await ask(
      house,
      by,
      'POST',
      what === 'create-key' ? '/keys' : '/bookings',
      body,
    )
    if (status === 401) return
    assert.equal(status, 201, text)
    ;(what === 'create-key' ? by.keys : by.bookings).add(String(json['id']))
  }

  async function touch(house: House, by: Side, what: Touch, id: string): Promise<void> {
    const verb = what.replace('-key', '')
    const send = (key: string) => {
      if (verb === 'read') return ask(house, by, 'GET', `/keys/${key}`)
      if (verb === 'delete') return ask(house, by, 'DELETE', `/keys/${key}`)
      return ask(house, by, 'POST', `/keys/${key}/${verb}`)
    }
    const { status, text, json } = await send(id)
    if (status === 401) return
    if (!by.keys.has(id)) {
      const absent = await send(absentKey)
      assert.deepEqual([status, plain(text)], [404, plain(absent.text)], `${by.name} ${verb}`)
      return
    }
    assert.ok([200, 201, 204, 409].includes(status), `${verb}: ${text}`)
    if (verb === 'rotate' && status === 201) {
      by.keys.add(String(json['id']))
      if (id === by.acting) [by.acting, by.secret] = [String(json['id']), String(json['secret'])]
    }
    if (verb === 'delete') by.keys.delete(id)
  }
})

test('U13: the second wall: a statement that forgets to say whose rows it means sees those of its tenant alone', async (t) => {
  const house = await startHouse(t)
  const db = house.database.knex
  const sides = await openSides(house)
  for (const it of sides) await house.api('/me', it.secret)
  await house.settle()
  const [acmeLive, acmeTest] = sides
  assert.ok(acmeLive && acmeTest)
  const inMode = ['api_keys', 'api_key_uses', 'credentials', 'sample_resources', 'organization_calls']
  const inOrganization = ['memberships', 'invitations', 'audit_events']
  await house.person('ann@acme.example', await organizationOf(acmeLive))
  await house.person('bo@other.example', await organizationOf(sides[3] ?? acmeLive))

  async function organizationOf(it: Side) {
    const row = await db('organizations').where({ id: it.organization }).first()
    return {
      id: row.id,
      name: row.name,
      slug: row.slug,
      createdAt: row.created_at,
      suspendedAt: null,
      isStopped: false,
      platform: null,
    }
  }
  const seen = (tenant: Tenant, table: string) =>
    asTenant(db, tenant, (tx) => tx(table).select<{ organization_id: string; mode: Mode }[]>('*'))

  for (const it of sides) {
    for (const table of inMode) {
      const rows = await seen(it, table)
      assert.ok(rows.length > 0, `${table} has rows to be seen`)
      assert.ok(
        rows.every((row) => row.organization_id === it.organization && row.mode === it.mode),
        table,
      )
    }
    for (const table of inOrganization) {
      const rows = await seen(it, table)
      assert.ok(
        rows.every((row) => row.organization_id === it.organization),
        table,
      )
    }
    const called = await asTenant(db, it, (tx) => tx('api_key_calls').distinct('key_id'))
    const own = await asTenant(db, it, (tx) => tx('api_keys').select('id'))
    assert.deepEqual(
      called.map(({ key_id }) => key_id),
      own.map(({ id }) => id),
    )
    const organizations = await asTenant(db, it, (tx) => tx('organizations').select('id'))
    assert.deepEqual(organizations, [{ id: it.organization }])
    const people = await asTenant(db, it, (tx) => tx('persons').select('email'))
    assert.ok(people.length <= 1, 'members of its own')
    await assert.rejects(
      asTenant(db, it, (tx) => tx('persons').select('password_hash')),
      /permission denied/,
    )
  }

  // The first wall taken away: the same queries of the house, asked for somebody else's rows.
  const { organization, mode } = acmeTest
  const foreign = await asTenant(db, acmeLive, (tx) =>
    listKeys(tx, { organization, mode: 'any', after: null, limit: 100 }),
  )
  assert.deepEqual(
    foreign.map(({ key }) => key.mode),
    ['live'],
    'not even those of the other mode',
  )
  const other = sides[2]
  assert.ok(other)
  const others = await asTenant(db, acmeLive, (tx) =>
    listKeys(tx, { organization: other.organization, mode: 'any', after: null, limit: 100 }),
  )
  assert.deepEqual(others, [])
  assert.equal((await listRows(db, { organization, mode }, { kind: 'customers' }, null, 10)).length, 1)

  // Nor can it write there.
  const denied = /row-level security/
  const row = { organization_id: other.organization, mode: 'live', kind: 'customers', id: 'cu_x', body: '{}' }
  await assert.rejects(
    asTenant(db, acmeLive, (tx) => tx('sample_resources').insert(row)),
    denied,
  )
  await assert.rejects(
    asTenant(db, acmeLive, (tx) => tx('api_keys').update({ mode: 'test' })),
    denied,
  )
  const changed = await asTenant(db, acmeLive, (tx) => tx('api_keys').update({ name: 'mine' }))
  assert.equal(changed, 1, 'of four keys one')
  const deleted = await asTenant(db, acmeLive, (tx) => tx('credentials').delete())
  assert.equal(deleted, 1)
  for (const it of sides.slice(1)) assert.equal((await house.api('/me', it.secret)).status, 200, it.name)
})
