// The sweep: no row that is good for anything is ever taken, and none that is not is left.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import pg from 'pg'
import { createMetrics } from '../../src/core/metrics.ts'
import { loadProfile } from '../../src/core/profile.ts'
import { createLog } from '../../src/core/telemetry.ts'
import { type Database, openDatabase } from '../../src/db/connect.ts'
import { underLock, underLockIfFree } from '../../src/db/lock.ts'
import { expiredRows, type Sweep } from '../../src/db/sweep.ts'
import { packageRoot } from '../../src/lib/package-root.ts'
import { Secret } from '../../src/lib/secret.ts'
import { abandonedAfterSeconds, abandonedGrants } from '../../src/oauth/abandoned-grant-store.ts'
import { interactionSeconds } from '../../src/oauth/configuration.ts'
import { sweepRound } from '../../src/sweeping/sweep.ts'
import { createSweeper, type SweeperParts } from '../../src/sweeping/sweeper.ts'
import { sweepsOf } from '../../src/sweeping/sweeps.ts'
import { createTally } from '../../src/sweeping/tally.ts'
import { errorOf, exchange, obtainCode, obtainTokens, readTokens, refresh } from '../support/authorization.ts'
import { createTestDatabase } from '../support/database.ts'
import { startHouse } from '../support/house.ts'
import { meanwhile } from '../support/meanwhile.ts'
import { makeHome, runCommand, runJson } from '../support/server-process.ts'
import { foundWorld, readWorld, world, writeWorld } from './rows.ts'

/** A database with no server on it: nobody sweeps but the test. */
async function open(t: TestContext) {
  const url = await createTestDatabase(t)
  const secret = new Secret(url)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const opened: Database[] = []
  client.on('error', () => {}) // its database is dropped first
  t.after(() => Promise.all([client.end(), ...opened.map((it) => it.close())]))
  const another = () => {
    const database = openDatabase({ kind: 'url', url: secret, directUrl: secret })
    opened.push(database)
    return database
  }
  return { url, client, another }
}

const sweeps = sweepsOf(loadProfile('boothzen', join(packageRoot, 'profiles')))

/** One round to the end, as the command line does it. What it took, by table. */
async function sweepAll({ knex: db }: Database, which: readonly Sweep[] = sweeps) {
  const tally = createTally()
  const { signal } = new AbortController()
  await sweepRound({ db, sweeps: which, now: new Date(), signal, tell: tally.add }, 'wait')
  return tally.rows
}

const sorted = (rows: readonly { readonly table: string; readonly id: string }[]) =>
  rows.map(({ table, id }) => `${table} ${id}`).sort()

test('whatever there is, two sweeps at once take every dead row and no other', async (t) => {
  const { client, another } = await open(t)
  const [one, two] = [another(), another()]
  await foundWorld(client)
  await fc.assert(
    fc.asyncProperty(world, async (it) => {
      const rows = await writeWorld(client, it)
      const dead = rows.length - rows.filter(({ isAlive }) => isAlive).length
      const taken = await Promise.all([sweepAll(one), sweepAll(two)])
      assert.deepEqual(sorted(await readWorld(client)), sorted(rows.filter(({ isAlive }) => isAlive)))
      // What hung on a grant that was over went with it, and was not counted.
      const counted = taken.flatMap((it) => Object.values(it)).reduce((a, b) => a + b, 0)
      assert.ok(counted <= dead, `${counted} taken, ${dead} dead`)
    }),
    { numRuns: 20 },
  )
})

test('a dry run counts what a sweep then takes, and the command line tells it', async (t) => {
  const { url, client } = await open(t)
  await foundWorld(client)
  const hour = 3600
  const dead = { end: -hour, isRetired: true }
  const kept = {
    age: 3 * hour,
    end: hour,
    codes: [],
    refreshTokens: [{ ...dead, end: hour }],
    accessTokens: [],
  }
  await writeWorld(client, {
    plain: (['interactions', 'sign_in_steps', 'dpop_proofs'] as const).map((table) => ({
      table,
      end: -hour,
    })),
    grants: [
      kept,
      { ...kept, refreshTokens: [], codes: [-hour] },
      { ...kept, refreshTokens: [dead] },
      { ...kept, end: -hour, refreshTokens: [dead, dead], accessTokens: [-hour] },
    ],
    keys: [-hour, null],
    refusals: { old: 3, young: 201 },
  })
  const expected = {
    interactions: 1,
    oauth_sessions: 0,
    person_sessions: 0,
    sign_in_steps: 1,
    one_time_links: 0,
    one_time_reveals: 0,
    idempotent_answers: 0,
    dpop_proofs: 1,
    rate_counts: 0,
    registration_tokens: 0,
    authorization_codes: 1,
    credentials: 2,
    refresh_tokens: 3,
    'refresh_tokens.sealed_answer': 0,
    grants: 3,
    app_refusals: 4,
    api_key_calls: 0,
    grant_calls: 0,
    organization_calls: 0,
    oauth_apps: 0,
  }
  const home = await makeHome(t)
  const env = { DATABASE_URL: url }
  const before = await readWorld(client)
  const counted = await runJson<{ rows: object; total: number }>(home, ['sweep', '--dry-run'], env)
  assert.deepEqual([counted.rows, counted.total], [expected, 16])
  assert.deepEqual(sorted(await readWorld(client)), sorted(before), 'nothing was taken')
  const { code, stdout } = await runCommand(home, ['sweep'], env)
  assert.equal(code, 0)
  assert.match(stdout, /^refresh_tokens +3$/m)
  assert.match(stdout, /^Took 16 rows away in [\d.]+ s\.$/m)
  assert.equal((await readWorld(client)).length, before.length - 16)
})

test('the calls of a day are kept for four hundred days', async (t) => {
  const { client, another } = await open(t)
  await foundWorld(client)
  await client.query(
    `with key as (
       insert into api_keys (id, organization_id, mode, name, scopes, prefix, last_four, hash)
       values ('key_1', 'org', 'test', 'key', '{}', 'p', 'last', '\\x00') returning id
     ), allowed as (
       insert into grants (id, client_id, person_id, organization_id, mode, scopes, resource, expires_at)
       values ('grant_1', 'app_a', 'person', 'org', 'test', '{}', 'r', now() + interval '1 day') returning id
     ), days as (select ((now() at time zone 'utc')::date - n) as day from generate_series(396, 1200) n
     ), of_keys as (insert into api_key_calls select id, day, 1, 0 from key, days
     ), of_grants as (insert into grant_calls select id, day, 1, 0 from allowed, days)
     insert into organization_calls select 'org', 'test', day, 1, 0 from days`,
  )
  const taken = await Promise.all([sweepAll(another()), sweepAll(another())])
  for (const table of ['api_key_calls', 'grant_calls', 'organization_calls']) {
    const { rows } = await client.query<{ oldest: number; count: number }>(
      `select (now() at time zone 'utc')::date - min(day) as oldest, count(*)::int as count from ${table}`,
    )
    const { oldest = 0, count = 0 } = rows[0] ?? {}
    // On the day itself it depends on the hour.
    assert.ok(oldest === 399 || oldest === 400, `${table}: ${oldest} days`)
    const counted = taken.reduce((sum, it) => sum + (it[table] ?? 0), 0)
    assert.equal(counted, 805 - count, table)
  }
})

test('a code that is exchanged and a token that is refreshed while all around them is swept are not hurt', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person('ann@acme.example', organization)
  const app = await house.app(organization)
  const { refresh_token: first } = await obtainTokens(house.url, app, 'ann@acme.example', 'read:bookings')
  const stop = new AbortController()
  const dead = `now() - interval '1 hour' - n * interval '1 second'`
  await house.asOwner(
    `with gone as (
       insert into refresh_tokens (hash, grant_id, scopes, expires_at)
       select sha256(n::text::bytea), g.id, '{}', ${dead} from grants g, generate_series(1, 8000) n
     ) insert into authorization_codes (hash, grant_id, payload, expires_at)
       select sha256(n::text::bytea), g.id, '{}', ${dead} from grants g, generate_series(1, 8000) n`,
  )
  const tally = createTally()
  const round = { db: house.database.knex, sweeps, now: house.now(), signal: stop.signal, tell: tally.add }
  const sweeping = sweepRound(round, 'wait')
  let token = first
  for (let count = 0; count < 10; count += 1)
    token = (await readTokens(await refresh(house.url, app, token))).refresh_token
  const code = await obtainCode(house.url, app, 'ann@acme.example', 'read:bookings')
  await readTokens(await exchange(house.url, app, code))
  assert.ok(tally.total > 0, 'it was swept meanwhile')
  await sweeping
  assert.deepEqual(tally.rows, { authorization_codes: 8000, refresh_tokens: 8000 })
  await readTokens(await refresh(house.url, app, token))
})

test('a token that was retired just before its end keeps its answer for the whole grace window', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person('ann@acme.example', organization)
  const app = await house.app(organization, { refreshGraceSeconds: 1800, refreshIdleSeconds: 60 })
  const { refresh_token: token } = await obtainTokens(house.url, app, 'ann@acme.example', 'read:bookings')
  const answer = await (await refresh(house.url, app, token)).text()
  // A laptop that slept for 29 minutes.
  await house.asOwner(
    `update refresh_tokens set retired_at = retired_at - interval '29 minutes', expires_at = expires_at - interval '29 minutes'
     where retired_at is not null`,
  )
  assert.deepEqual(await sweepAll(house.database), {})
  const again = await refresh(house.url, app, token)
  assert.equal(again.status, 200)
  assert.equal(await again.text(), answer)
})

test('an answer that nobody is given again is emptied, and its token is still known', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person('ann@acme.example', organization)
  const app = await house.app(organization, { refreshGraceSeconds: 1800 })
  const { refresh_token: token } = await obtainTokens(house.url, app, 'ann@acme.example', 'read:bookings')
  const next = await readTokens(await refresh(house.url, app, token))
  const age = (minutes: number) =>
    house.asOwner(
      `update refresh_tokens set retired_at = retired_at - interval '${minutes} minutes' where retired_at is not null`,
    )
  await age(29)
  assert.deepEqual(await sweepAll(house.database), {})
  assert.equal((await refresh(house.url, app, token)).status, 200, 'within the longest grace it is given')
  await age(3)
  assert.deepEqual(await sweepAll(house.database), { 'refresh_tokens.sealed_answer': 1 })
  assert.deepEqual(await sweepAll(house.database), {})
  const rows = await house.asOwner<{ bytes: number }>(
    'select length(sealed_answer) as bytes from refresh_tokens where retired_at is not null',
  )
  assert.deepEqual(rows, [{ bytes: 0 }])
  assert.equal(await errorOf(await refresh(house.url, app, token)), '400 invalid_grant')
  assert.equal(
    await errorOf(await refresh(house.url, app, next.refresh_token)),
    '400 invalid_grant',
    'a reuse',
  )
})

test('a grant that mints at this very moment is no abandoned one, whoever comes first', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person('ann@acme.example', organization)
  const app = await house.app(organization)
  await obtainCode(house.url, app, 'ann@acme.example', 'read:bookings')
  await house.asOwner(`update authorization_codes set expires_at = now() - interval '1 hour'`)
  await house.asOwner(`update grants set created_at = now() - interval '3 hours'`)
  const mint = `insert into refresh_tokens (hash, grant_id, scopes, expires_at)
    select '\\x00', id, '{}', now() + interval '1 day' from grants`

  // While it is minting it is held, and nobody waits for it.
  await house.database.knex.transaction(async (tx) => {
    await tx.raw('select from grants for share')
    assert.deepEqual(await sweepAll(house.database), { authorization_codes: 1 })
  })
  // Minted after the sweep has looked at it and before it has locked it.
  const locked = async (tx: typeof house.database.knex) => {
    await tx.raw('lock table grants in exclusive mode')
    await tx.raw(mint)
  }
  assert.deepEqual(await meanwhile(house, locked, () => sweepAll(house.database, [abandonedGrants])), {})
  assert.deepEqual(await house.asOwner('select count(*)::int as count from grants'), [{ count: 1 }])
  await house.asOwner('delete from refresh_tokens')
  assert.deepEqual(await sweepAll(house.database), { grants: 1 })
  assert.ok(abandonedAfterSeconds >= interactionSeconds, 'no interaction can still ask for a code of it')
})

/** A sweeper of a server's own, every 20 ms, and what it logs and counts. */
function startSweeper(t: TestContext, database: Database, some: Partial<SweeperParts> = {}) {
  const lines: string[] = []
  const destination = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk))
      done()
    },
  })
  const metrics = createMetrics()
  const log = createLog('info', destination)
  const clock = () => new Date()
  const sweeper = createSweeper({ db: database.knex, sweeps, clock, log, metrics, everyMs: 20, ...some })
  t.after(() => sweeper.close())
  return { sweeper, log: () => lines.join(''), metrics: async () => (await metrics.read()).text }
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + 20_000; !(await isSo()); await sleep(10))
    assert.ok(Date.now() < end, 'it did not come to that')
}

const fill = (client: pg.Client, rows: number) =>
  client.query(
    `insert into interactions (hash, payload, expires_at)
     select sha256(n::text::bytea), '{}', now() - interval '1 hour' - n * interval '1 second' from generate_series(1, $1::int) n`,
    [rows],
  )
const left = async (client: pg.Client) =>
  (await client.query<{ count: number }>('select count(*)::int as count from interactions')).rows[0]?.count

test('the server sweeps by itself: one line in the log, counts in the metrics', async (t) => {
  const { client, another } = await open(t)
  await fill(client, 1234)
  const { log, metrics } = startSweeper(t, another())
  await until(() => /swept expired rows/.test(log()))
  assert.match(log(), /"rows":\{"interactions":1234\}/)
  assert.match(await metrics(), /^latchkey_swept_rows_total\{table="interactions"\} 1234$/m)
  assert.equal(await left(client), 0)
  await sleep(100)
  assert.equal(log().match(/swept expired rows/g)?.length, 1, 'a round that takes nothing is not told')
})

test('while another process sweeps this one leaves it to that; it stops at once when told to', async (t) => {
  const { client, another } = await open(t)
  await fill(client, 50_000)
  const [database, other] = [another(), another()]
  await underLock(other.knex, 'sweeping', async () => {
    const { sweeper } = startSweeper(t, database)
    await sleep(200)
    assert.equal(await left(client), 50_000)
    await sweeper.close()
  })
  const { sweeper, log } = startSweeper(t, database)
  await until(async () => Number(await left(client)) < 50_000)
  const began = performance.now()
  await sweeper.close()
  assert.ok(performance.now() - began < 2000)
  const rest = Number(await left(client))
  assert.ok(rest > 0, 'it did not finish first')
  assert.match(log(), new RegExp(`"rows":\\{"interactions":${50_000 - rest}\\}`))
})

test('whoever holds the lock keeps no vacuum from its work', async (t) => {
  const { client, another } = await open(t)
  const snapshots = async () => {
    const sql = `select backend_xmin, backend_xid from pg_stat_activity
      where datname = current_database() and state = 'idle in transaction'`
    return (await client.query(sql)).rows
  }
  const none = [{ backend_xmin: null, backend_xid: null }]
  assert.deepEqual(await underLock(another().knex, 'sweeping', snapshots), none)
  assert.deepEqual(await underLockIfFree(another().knex, 'sweeping', snapshots), none)
})

test('a database that fails is told of once, and swept when it is back', async (t) => {
  const { client, another } = await open(t)
  await client.query('alter table interactions rename to elsewhere')
  const { log } = startSweeper(t, another(), { sweeps: [expiredRows('interactions')] })
  await until(() => /could not be swept/.test(log()))
  await sleep(200)
  assert.equal(log().match(/could not be swept/g)?.length, 1)
  await client.query('alter table elsewhere rename to interactions')
  await until(() => /are swept again/.test(log()))
})

test('a node whose clock runs ahead sweeps nothing that is good on the others', async (t) => {
  const { client, another } = await open(t)
  await client.query(`insert into interactions values ('\\x00', '{}', now() + interval '1 minute')`)
  const tally = createTally()
  const now = new Date(Date.now() + 86_400_000)
  const { signal } = new AbortController()
  await sweepRound({ db: another().knex, sweeps, now, signal, tell: tally.add }, 'wait')
  assert.deepEqual([tally.rows, await left(client)], [{}, 1])
})
