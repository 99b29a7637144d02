// Keys and platform keys that end while a request of theirs is under way: what it makes must not outlive them.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { byServer } from '../../src/core/attribution.ts'
import { createFormat } from '../../src/credentials/format.ts'
import type { Db } from '../../src/db/connect.ts'
import { deactivateKey, type KeyChangeRequest, revokeKey } from '../../src/keys/change-key.ts'
import { rotatePlatformKey } from '../../src/organizations/create-platform.ts'
import { type House, startHouse } from '../support/house.ts'
import { meanwhile } from '../support/meanwhile.ts'
import { createPartner, customer, post, rotatePartnerKey } from '../support/platform.ts'

async function open(t: TestContext) {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  const { secret, key } = await house.key(organization, 'live', ['keys:read', 'keys:write'])
  const other = await house.key(organization, 'live', ['keys:read'])
  const change: KeyChangeRequest = {
    reach: { organization: organization.id, mode: 'any' },
    id: key.id,
    by: byServer,
    now: new Date(),
  }
  return { house, secret, key, other: other.key, change }
}

const newKey = { name: 'Late', scopes: ['keys:read'] }

/** The server has the head of it and has begun to read the body, which is sent when the rest is asked for. */
async function begin(
  house: House,
  secret: string,
  path: string,
  body: object,
): Promise<() => Promise<number>> {
  const text = JSON.stringify(body)
  const begun = request(`${house.url}/api/v1${path}`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${secret}`,
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(text),
    },
  })
  const answered = once(begun, 'response') as Promise<[IncomingMessage]>
  begun.write(text.slice(0, 1))
  // Time enough to look the credential up; were it not, it would be refused all the same.
  await sleep(200)
  return async () => {
    begun.end(text.slice(1))
    const [response] = await answered
    response.resume()
    return response.statusCode ?? 0
  }
}

async function ask(house: House, secret: string, path: string, body: object): Promise<number> {
  const headers = { 'Content-Type': 'application/json' }
  const response = await house.api(path, secret, { method: 'POST', headers, body: JSON.stringify(body) })
  await response.text()
  return response.status
}

const countKeys = async ({ database }: House) =>
  Number((await database.knex('api_keys').count())[0]?.['count'])

test('K12: a key that is revoked while the body of its request is still coming makes nothing', async (t) => {
  const { house, secret, other, change } = await open(t)
  const create = await begin(house, secret, '/keys', newKey)
  const rotate = await begin(house, secret, `/keys/${other.id}/rotate`, { overlap_seconds: 0 })
  await revokeKey(house.database.knex, change)
  assert.deepEqual([await create(), await rotate()], [401, 401])
  assert.equal(await countKeys(house), 2)
})

const endings: Readonly<Record<string, (db: Db, request: KeyChangeRequest) => Promise<unknown>>> = {
  revoked: revokeKey,
  deactivated: deactivateKey,
}
for (const [words, end] of Object.entries(endings)) {
  for (const verb of ['makes', 'rotates']) {
    test(`K12: a key that is ${words} in the moment in which it ${verb} another makes nothing`, async (t) => {
      const { house, secret, other, change } = await open(t)
      const [path, body] = verb === 'makes' ? ['/keys', newKey] : [`/keys/${other.id}/rotate`, {}]
      const status = await meanwhile(
        house,
        (tx) => end(tx, change),
        () => ask(house, secret, path, body),
      )
      assert.equal(status, 401)
      assert.equal(await countKeys(house), 2)
    })
  }
}

test('keys that rotate each other and themselves at once: nobody waits in a circle', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  for (let round = 0; round < 5; round += 1) {
    const one = await house.key(organization, 'live', ['keys:write'])
    const two = await house.key(organization, 'live', ['keys:write'])
    const statuses = await Promise.all(
      [one, two].flatMap(({ secret }) =>
        [one, two].map(({ key }) => ask(house, secret, `/keys/${key.id}/rotate`, {})),
      ),
    )
    assert.ok(
      statuses.every((status) => [201, 401, 409].includes(status)),
      statuses.join(),
    )
    const { rows } = await house.database.knex.raw<{ rows: { n: number }[] }>(
      'select count(*)::int as n from credentials join api_keys on api_keys.id = key_id where retires_at is not null',
    )
    assert.equal(rows[0]?.n, 0, 'no key that was rotated is good')
  }
})

test('a platform key that was replaced meanwhile provisions nothing: neither by a slow body nor in a race', async (t) => {
  const house = await startHouse(t)
  const partner = await createPartner(house)
  const finish = await begin(house, partner.secret, '/organizations/api-key', customer)
  const replaced = await rotatePartnerKey(house, partner)
  assert.equal(await finish(), 401)

  const format = createFormat(house.profile.credentials.prefixes)
  const { id } = replaced.platform
  const response = await meanwhile(
    house,
    (tx) => rotatePlatformKey(tx, format, { id, by: byServer }),
    () => post(house, replaced.secret, customer),
  )
  assert.equal(response.status, 401)
  assert.equal(await countKeys(house), 0)
})
