// Idempotency-Key: one change and one answer for a request that comes twice, whatever happened to the first.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { canonicalJson } from '../../src/keys/idempotent-answer.ts'
import { queryDatabase } from '../support/database.ts'
import { type House, startHouse } from '../support/house.ts'
import {
  createPartner,
  customer,
  type Partner,
  post,
  refusalOf,
  rotatePartnerKey,
  withoutLimits,
} from '../support/platform.ts'

async function open(t: TestContext): Promise<{ house: House; partner: Partner }> {
  const house = await startHouse(t, { change: withoutLimits })
  return { house, partner: await createPartner(house) }
}

/** What a call was answered, as bytes. */
async function answerOf(response: Promise<Response>): Promise<string> {
  const { status } = await response
  return `${status} ${await (await response).text()}`
}

const keysOf = async (house: House) =>
  (await queryDatabase(house.databaseUrl, 'select 1 from api_keys')).length

test('the same call under the same Idempotency-Key is answered the same, byte for byte, for 24 hours', async (t) => {
  const { house, partner } = await open(t)
  const first = await answerOf(post(house, partner.secret, customer, 'connect-1'))
  assert.match(first, /^201 .*"apiKey":"bz_live_/)
  // Whoever retries may well write the members in another order.
  const reordered = Object.fromEntries(Object.entries(customer).reverse())
  house.travel(86_390)
  assert.equal(await answerOf(post(house, partner.secret, reordered, 'connect-1')), first)
  assert.equal(await keysOf(house), 1)
  house.travel(20)
  const after = await refusalOf(await post(house, partner.secret, customer, 'connect-1'))
  assert.equal(after.code, 'organization_key_exists', 'after that it is a new call')
})

test('another request under the same Idempotency-Key is a 409, and changes nothing', async (t) => {
  const { house, partner } = await open(t)
  const first = await answerOf(post(house, partner.secret, customer, 'connect-1'))
  for (const change of [{ userId: '2' }, { teamMembers: [] }, { mode: 'test' }]) {
    const refused = await refusalOf(
      await post(house, partner.secret, { ...customer, ...change }, 'connect-1'),
    )
    assert.deepEqual([refused.status, refused.code], [409, 'idempotency_key_reused'])
  }
  assert.equal(await keysOf(house), 1)
  assert.equal(await answerOf(post(house, partner.secret, customer, 'connect-1')), first)
})

test('of calls that come at once under one Idempotency-Key one is run, and all are answered alike', async (t) => {
  const { house, partner } = await open(t)
  for (let round = 0; round < 5; round += 1) {
    const body = { ...customer, organizationId: `round ${round}` }
    const calls = Array.from({ length: 20 }, () =>
      answerOf(post(house, partner.secret, body, `key-${round}`)),
    )
    const answers = new Set(await Promise.all(calls))
    assert.equal(answers.size, 1, [...answers].join('\n'))
    assert.match([...answers].join(), /^201 /)
  }
  assert.equal(await keysOf(house), 5)
})

test('an error is not kept: the same call, once it can be done, is done', async (t) => {
  const { house, partner } = await open(t)
  const held = await answerOf(post(house, partner.secret, customer))
  assert.match(held, /^201/)
  const again = await refusalOf(await post(house, partner.secret, customer, 'connect-2'))
  assert.equal(again.code, 'organization_key_exists')
  await queryDatabase(house.databaseUrl, 'delete from api_keys')
  assert.match(await answerOf(post(house, partner.secret, customer, 'connect-2')), /^201/)
})

test('Idempotency-Keys of two platforms have nothing to do with each other', async (t) => {
  const { house, partner } = await open(t)
  const rival = await createPartner(house, 'HireFast')
  const ours = await answerOf(post(house, partner.secret, customer, 'connect-1'))
  const theirs = await answerOf(post(house, rival.secret, customer, 'connect-1'))
  assert.match(theirs, /^201/)
  assert.notEqual(ours, theirs)
})

test('what is kept opens nothing: no secret, no Idempotency-Key and no other key of the platform unseals it', async (t) => {
  const { house, partner } = await open(t)
  const first = await answerOf(post(house, partner.secret, customer, 'connect-1'))
  const { apiKey } = JSON.parse(first.slice(4)) as { apiKey: string }
  const [row] = await queryDatabase<{ text: string; sealed: Buffer }>(
    house.databaseUrl,
    'select row_to_json(a)::text as text, sealed from idempotent_answers a',
  )
  assert.ok(row)
  for (const secret of [apiKey, partner.secret, 'connect-1']) {
    assert.ok(!row.text.includes(secret))
    assert.ok(!row.sealed.includes(secret))
  }
  const renewed = await rotatePartnerKey(house, partner)
  const refused = await refusalOf(await post(house, renewed.secret, customer, 'connect-1'))
  assert.deepEqual([refused.status, refused.code], [409, 'idempotency_key_reused'])
  assert.equal(await keysOf(house), 1)
})

test('answers that have expired do not pile up', async (t) => {
  const { house, partner } = await open(t)
  for (const index of [1, 2, 3]) {
    const body = { ...customer, organizationId: `customer ${index}` }
    assert.match(await answerOf(post(house, partner.secret, body, `key-${index}`)), /^201/)
  }
  house.travel(86_401)
  assert.match(
    await answerOf(post(house, partner.secret, { ...customer, organizationId: 'last' }, 'last')),
    /^201/,
  )
  assert.equal((await queryDatabase(house.databaseUrl, 'select 1 from idempotent_answers')).length, 1)
})

test('equal requests have one canonical form, whatever the order of their members; of lists the order counts', () => {
  assert.equal(canonicalJson({ b: [{ d: 1, c: null }], a: 'x' }), '{"a":"x","b":[{"c":null,"d":1}]}')
  assert.notEqual(canonicalJson({ a: [1, 2] }), canonicalJson({ a: [2, 1] }))
})

test('a thing of the sample is made once for one Idempotency-Key, also when 10 ask at once', async (t) => {
  const house = await startHouse(t, { change: withoutLimits })
  const organization = await house.organization('Acme')
  const { secret } = await house.key(organization, 'live', ['read:bookings', 'write:bookings'])
  const booking = (more: object = {}) => ({
    starts_at: '2027-03-01T10:00:00Z',
    ends_at: '2027-03-01T14:00:00Z',
    customer_id: 'cu_01HZXK5M3N8P4Q6R7S9T0V1W2X',
    total: { amount: 45_000, currency: 'GBP' },
    ...more,
  })
  const create = (body: object) =>
    house.api('/bookings', secret, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': 'booking-1' },
      body: JSON.stringify(body),
    })
  const answers = await Promise.all(Array.from({ length: 10 }, () => answerOf(create(booking()))))
  assert.match(answers[0] ?? '', /^201 /)
  assert.equal(new Set(answers).size, 1)
  const list = (await (await house.api('/bookings', secret)).json()) as { data: object[] }
  assert.equal(list.data.length, 1)
  const other = await refusalOf(await create(booking({ ends_at: '2027-03-01T15:00:00Z' })))
  assert.deepEqual([other.status, other.code], [409, 'idempotency_key_reused'])
})
