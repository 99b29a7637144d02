// The client and the real server.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import {
  BoothZenClient,
  createOrganizationApiKey,
  LatchkeyClient,
  LatchkeyError,
} from '../../src/client/entry.ts'
import { startHouse } from '../support/house.ts'
import { createPartner, customer, withoutLimits } from '../support/platform.ts'

const idOf = (number: number) => `bk_${String(number).padStart(26, '0')}`
const booking = {
  starts_at: '2027-01-01T10:00:00Z',
  ends_at: '2027-01-01T12:00:00Z',
  customer_id: `cu_${'1'.repeat(26)}`,
  total: { amount: 45_000, currency: 'GBP' },
}

test('the client and the server', async (t) => {
  const house = await startHouse(t, { change: withoutLimits })
  const organization = await house.organization('Acme')
  const scopes = ['read:bookings', 'write:bookings', 'keys:read', 'keys:write']
  const { key, secret: apiKey } = await house.key(organization, 'live', scopes)
  const client = new BoothZenClient({ apiKey, baseUrl: house.url })

  await t.test('what the credential is', async () => {
    assert.deepEqual(await client.me(), {
      kind: 'api_key',
      organization_id: organization.id,
      mode: 'live',
      scopes: [...scopes].sort(),
      expires_at: null,
      key_id: key.id,
    })
  })

  await t.test('the key alone says which API it is', async () => {
    const any = new LatchkeyClient<'boothzen'>({ apiKey, baseUrl: `${house.url}/api/v1` })
    assert.equal((await any.me()).key_id, key.id)
  })

  await t.test('bookings: create, get, list page by page and all of them', async () => {
    const made = await client.bookings.create(booking)
    assert.equal(made.total.amount, 45_000)
    assert.deepEqual(await client.bookings.get(made.id), made)
    const rows = [1, 2, 3, 4].map((number) => ({ ...booking, id: idOf(number), status: 'confirmed' }))
    await house.rows(organization, 'live', 'bookings', rows)
    const page = await client.bookings.list({ limit: 2 })
    assert.equal(page.data.length, 2)
    assert.ok(page.nextCursor)
    const again = await client.bookings.list({ limit: 2, cursor: page.nextCursor })
    assert.deepEqual((await page.next())?.data, again.data)
    const all: string[] = []
    for await (const { id } of client.bookings.list({ limit: 2 })) all.push(id)
    assert.deepEqual(all.sort(), [...rows.map(({ id }) => id), made.id].sort())
  })

  await t.test('keys: create, list, rotate, deactivate, activate, revoke, delete', async () => {
    const made = await client.keys.create({ name: 'Robot', scopes: ['read:bookings'] })
    assert.match(made.secret, /^bz_live_/)
    assert.ok(!inspect(made).includes(made.secret), 'console.log does not show it')
    const robot = new BoothZenClient({ apiKey: made.secret, baseUrl: house.url })
    assert.equal((await robot.me()).key_id, made.id)
    const listed: string[] = []
    for await (const { id } of client.keys.list({ limit: 1 })) listed.push(id)
    assert.deepEqual(listed, [made.id, key.id])

    const rotated = await client.keys.rotate(made.id, { overlap_seconds: 60 })
    assert.equal(rotated.rotated_from, made.id)
    assert.equal((await client.keys.endOverlap(made.id)).status, 'retired')
    assert.equal((await client.keys.deactivate(rotated.id)).status, 'deactivated')
    assert.equal((await client.keys.activate(rotated.id)).status, 'active')
    assert.equal((await client.keys.revoke(rotated.id)).status, 'revoked')
    assert.equal(await client.keys.delete(rotated.id), undefined)
    const gone = client.keys.get(rotated.id)
    await assert.rejects(gone, (error) => error instanceof LatchkeyError && error.status === 404)
  })

  await t.test('apps, grants and the audit log', async () => {
    const all = ['apps:read', 'apps:write', 'grants:read', 'grants:write', 'audit:read']
    const { secret } = await house.key(organization, 'live', all)
    const { apps, grants, audit } = new LatchkeyClient<'boothzen'>({ apiKey: secret, baseUrl: house.url })
    const wanted = { name: 'Sync', redirect_uris: ['https://a.example/cb'], scopes: ['read:bookings'] }
    const made = await apps.create(wanted, { idempotencyKey: 'app-1' })
    const { client_id: id } = made
    assert.deepEqual(await apps.create(wanted, { idempotencyKey: 'app-1' }), made)
    assert.equal((await apps.update(id, { name: 'Syncer' })).name, 'Syncer')
    assert.equal((await apps.suspend(id)).suspended, true)
    assert.equal((await apps.resume(id)).suspended, false)
    assert.deepEqual((await apps.get(id)).redirect_uris, wanted.redirect_uris)
    assert.deepEqual(
      (await apps.list()).data.map((it) => it.client_id),
      [id],
    )
    assert.equal(await apps.delete(id), undefined)
    assert.deepEqual((await grants.list()).data, [])
    for (const unknown of [grants.get('grant_x'), grants.revoke('grant_x')])
      await assert.rejects(unknown, (error) => error instanceof LatchkeyError && error.status === 404)
    const seen: string[] = []
    for await (const event of audit.list({ limit: 2 })) seen.push(event.action)
    assert.ok(seen.length > 4)
    assert.ok(seen.some((action) => /app/.test(action)))
  })

  await t.test('the same Idempotency-Key makes one key', async () => {
    const wanted = { name: 'Once', scopes: ['read:bookings'] }
    const first = await client.keys.create(wanted, { idempotencyKey: 'once' })
    const second = await client.keys.create(wanted, { idempotencyKey: 'once' })
    assert.deepEqual(second, first)
    assert.notEqual((await client.keys.create(wanted)).id, first.id)
  })

  await t.test('errors say what the server said', async () => {
    const wrong = client.bookings.create({ ...booking, total: { amount: -1, currency: 'GBP' } })
    await assert.rejects(wrong, (error) => {
      assert.ok(error instanceof LatchkeyError)
      assert.match(error.message, /^BoothZen API 422: total\.amount: must be >= 0\.$/)
      assert.deepEqual([error.status, error.code, error.param], [422, 'invalid_parameter', 'total.amount'])
      assert.equal(error.requestId, error.response?.headers['x-request-id'])
      assert.match(error.requestId ?? '', /^req_/)
      return true
    })
    const { secret } = await house.key(organization, 'live', ['read:bookings'])
    const reader = new BoothZenClient({ apiKey: secret, baseUrl: house.url })
    const refused = reader.bookings.create(booking)
    await assert.rejects(
      refused,
      (error) => error instanceof LatchkeyError && error.code === 'insufficient_scope',
    )
    await assert.rejects(client.customers.list(), /^LatchkeyError: BoothZen API 403: /)
    const stranger = new BoothZenClient({ apiKey: `${apiKey.slice(0, -1)}_`, baseUrl: house.url })
    await assert.rejects(stranger.me(), /^LatchkeyError: BoothZen API 401: /)
  })

  await t.test('createOrganizationApiKey: an organization, its people and a key', async () => {
    const partner = await createPartner(house)
    const config = { baseUrl: house.url, platformKey: partner.secret }
    const made = await BoothZenClient.createOrganizationApiKey(config, {
      ...customer,
      userName: 'Jane Admin',
      organizationName: 'Acme Corporation',
      teamMembers: [{ email: 'carol@acme.example', name: 'Carol', role: 'MEMBER' }],
    })
    assert.equal(made.created, true)
    assert.equal(made.organizationId, customer.organizationId)
    const theirs = new LatchkeyClient<'boothzen'>({ apiKey: made.apiKey, baseUrl: house.url })
    assert.equal((await theirs.me()).organization_id, made.organization.id)

    const again = createOrganizationApiKey(config, customer)
    await assert.rejects(
      again,
      (error) => error instanceof LatchkeyError && error.code === 'organization_key_exists',
    )
    const another = await LatchkeyClient.createOrganizationApiKey(config, { ...customer, onExisting: 'add' })
    assert.equal(another.created, false)
    const kept = { ...config, idempotencyKey: 'connect-7' }
    const other = { ...customer, organizationId: 'org_7' }
    const [one, two] = await Promise.all([
      createOrganizationApiKey(kept, other),
      createOrganizationApiKey(kept, other),
    ])
    assert.deepEqual(two, one)
  })
})
