// When an app last did something: noted for its grant in batches, never at the price of a request or of others.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type GrantId, newGrantId } from '../../src/core/ids.ts'
import type { AccessTokenPrincipal } from '../../src/core/principal.ts'
import type { Db } from '../../src/db/connect.ts'
import { insertGrant } from '../../src/oauth/grant-store.ts'
import { findGrantUses, writeGrantUses } from '../../src/oauth/grant-use-store.ts'
import { exchange, obtainCode, readTokens, refresh } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'
import { meanwhile } from '../support/meanwhile.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const email = 'ann@acme.example'
const scope = 'read:bookings'

async function open(t: TestContext) {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  const person = await house.person(email, organization)
  const app = await house.app(organization)
  const grant = async (): Promise<GrantId> => {
    const id = newGrantId()
    await insertGrant(house.database.knex, {
      id,
      client: app.clientId,
      person,
      organization: organization.id,
      mode: 'test',
      scopes: [scope],
      resource: `${house.url}/api/v1`,
      createdAt: house.now(),
      expiresAt: new Date(house.now().getTime() + 86_400_000),
    })
    return id
  }
  return { house, app, grant }
}

const usesIn = (house: House) => house.database.knex('grant_uses').orderBy('grant_id')

/** As the validator makes one of an access token. */
const holderOf = (grant: GrantId): AccessTokenPrincipal => ({
  kind: 'access_token',
  organization: 'org_000000000000000000000000',
  mode: 'test',
  scopes: new Set([scope]),
  expiresAt: null,
  client: 'app_000000000000000000000000',
  person: 'person_000000000000000000000000',
  grant,
  audience: 'https://api.example',
  dpopThumbprint: null,
  issuedAt: 1_700_000_000,
})

const use = (grant: GrantId, at: Date, client = 'sync/1') => ({
  who: holderOf(grant),
  calls: 2,
  limited: 1,
  last: { at, address: '192.0.2.1', client, operation: 'GET /bookings' },
})

const write = (db: Db, uses: readonly ReturnType<typeof use>[]) =>
  db.transaction((tx) => writeGrantUses(tx, { day: '2026-11-26', uses }))

test('K14: the last use of an access token is written for its grant, in batches', async (t) => {
  const { house, app } = await open(t)
  const browser = new PersonBrowser(house.url)
  const obtain = async () =>
    readTokens(await exchange(house.url, app, await obtainCode(house.url, app, email, scope, browser)))
  const [one, two] = [await obtain(), await obtain()]
  const headers = { 'User-Agent': 'calendar-sync/2.1 (+https://sync.example)' }
  assert.deepEqual(await usesIn(house), [], 'an exchange is no use')
  for (let time = 0; time < 20; time += 1) await house.api('/bookings', one.access_token, { headers })
  const next = await readTokens(await refresh(house.url, app, one.refresh_token))
  await house.api('/me', next.access_token, { headers })
  await house.settle()
  const [used, ...others] = await usesIn(house)
  assert.deepEqual(others, [], 'one grant has been used, whichever of its tokens it was by')
  assert.deepEqual(
    [used.address, used.client, used.operation],
    ['127.0.0.1', headers['User-Agent'], 'GET /me'],
  )
  assert.ok(Math.abs(used.used_at.getTime() - house.now().getTime()) < 60_000)
  const writes = await house.asOwner<{ count: number }>(
    `select pg_stat_force_next_flush(), (n_tup_ins + n_tup_upd)::int as count
     from pg_stat_user_tables where relname = 'grant_uses'`,
  )
  assert.ok((writes[0]?.count ?? 99) <= 3, `${writes[0]?.count} rows written for 21 requests`)

  await house.api('/nowhere', two.access_token, { headers })
  await house.api('/bookings', 'bz_oat_test_unknown', { headers })
  await house.settle()
  const all = await usesIn(house)
  assert.equal(all.length, 2)
  assert.ok(
    all.some(({ operation }) => operation === null),
    'an address that the contract lacks is a use',
  )
})

test('a grant that is gone, or goes while a batch is written, costs the others of the batch nothing', async (t) => {
  const { house, grant } = await open(t)
  const { knex } = house.database
  const [gone, going, staying] = [newGrantId(), await grant(), await grant()]
  const at = house.now()
  await meanwhile(
    house,
    (tx) => tx('grants').where({ id: going }).delete(),
    () => write(knex, [use(gone, at), use(going, at), use(staying, at)]),
  )
  assert.deepEqual(
    (await usesIn(house)).map(({ grant_id }) => grant_id),
    [staying],
  )
  const uses = await findGrantUses(knex, [gone, going, staying])
  assert.deepEqual([...uses.keys()], [staying])
  assert.equal(uses.get(staying)?.client, 'sync/1')
})

test('of several nodes the latest use counts, whichever writes last; and none waits for the other for ever', async (t) => {
  const { house, grant } = await open(t)
  const { knex } = house.database
  const grants = await Promise.all(Array.from({ length: 20 }, grant))
  const early = house.now()
  const late = new Date(early.getTime() + 1000)
  for (let round = 0; round < 5; round += 1) {
    await Promise.all([
      write(
        knex,
        grants.map((id) => use(id, late, 'late')),
      ),
      write(
        knex,
        grants.toReversed().map((id) => use(id, early, 'early')),
      ),
    ])
  }
  await write(
    knex,
    grants.map((id) => use(id, early, 'early')),
  )
  const clients = (await usesIn(house)).map(({ client }) => client)
  assert.deepEqual(
    clients,
    grants.map(() => 'late'),
  )
  const counts = await knex('grant_calls').select('calls', 'limited')
  assert.deepEqual(
    counts,
    grants.map(() => ({ calls: '22', limited: '11' })),
    'eleven batches, and none is lost',
  )
})

test('what the database could not take is written the next time', async (t) => {
  const { house, app } = await open(t)
  const code = await obtainCode(house.url, app, email, scope)
  const tokens = await readTokens(await exchange(house.url, app, code))
  await house.asOwner('alter table grant_uses rename to grant_uses_away')
  assert.equal((await house.api('/me', tokens.access_token)).status, 200, 'no request pays for it')
  await house.settle()
  assert.match(house.log(), /last use could not be written/)
  await house.asOwner('alter table grant_uses_away rename to grant_uses')
  await house.settle()
  assert.equal((await usesIn(house)).length, 1)
})
