// Sealing: nothing is lost and no chain forks, whoever seals, and whenever it is killed.
import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createSealer, sealPending } from '../../src/audit/seal.ts'
import { verifyLedger } from '../../src/audit/verify.ts'
import { createLog } from '../../src/core/telemetry.ts'
import { type Database, openDatabase } from '../../src/db/connect.ts'
import { Secret } from '../../src/lib/secret.ts'
import { createTestDatabase, queryDatabase } from '../support/database.ts'
import { startHouse } from '../support/house.ts'

/** A database with no server on it: nobody seals but the test. */
async function open(t: TestContext): Promise<{ url: string; database: Database; another: () => Database }> {
  const url = await createTestDatabase(t)
  const secret = new Secret(url)
  const opened: Database[] = []
  const another = () => {
    const database = openDatabase({ kind: 'url', url: secret, directUrl: secret })
    opened.push(database)
    return database
  }
  t.after(() => Promise.all(opened.map((it) => it.close())))
  return { url, database: another(), another }
}

/** Events as the server writes them, spread over this many organizations. */
const fill = (url: string, rows: number, organizations: number) =>
  queryDatabase(
    url,
    `with event as (
       insert into audit_events (organization_id, actor_kind, action, target)
       select nullif('org_' || n % $2, 'org_0'), 'server', 'key.created', 'key_' || n from generate_series(1, $1) n
       returning id
     ) insert into audit_unsealed select id from event`,
    [rows, organizations],
  )

const silent = createLog('silent')

test('U15 every event gets the next link of its own chain, more of them than one batch holds', async (t) => {
  const { url, database } = await open(t)
  await fill(url, 12_345, 3)
  assert.equal(await sealPending(database.knex), 12_345)
  assert.equal(await sealPending(database.knex), 0, 'none is sealed twice')
  const chains = await queryDatabase<{ chain: string; rows: string; last: string }>(
    url,
    'select organization_id as chain, count(*) as rows, max(sequence) as last from audit_seals group by 1 order by 1',
  )
  assert.deepEqual(
    chains,
    ['', 'org_1', 'org_2'].map((chain) => ({ chain, rows: '4115', last: '4115' })),
  )
  const verified = await verifyLedger(database.knex)
  assert.deepEqual([verified.faults, verified.rows, verified.pending], [[], 12_345, 0])
})

test('U15 several processes seal at once while events are written: no chain forks, none is left out', async (t) => {
  const { url, database, another } = await open(t)
  const sealers = [database, another(), another()]
  let isWriting = true
  const writing = Promise.all(
    [1, 2].map(async () => {
      for (let round = 0; round < 15; round += 1) await fill(url, 200, 2)
    }),
  ).then(() => {
    isWriting = false
  })
  const sealing = sealers.map(async ({ knex }) => {
    let sealed = 0
    while (isWriting) sealed += await sealPending(knex)
    return sealed + (await sealPending(knex))
  })
  await writing
  const sealed = (await Promise.all(sealing)).reduce((left, right) => left + right)
  assert.equal(sealed, 6000)
  const { faults, rows, pending } = await verifyLedger(database.knex)
  assert.deepEqual([faults, rows, pending], [[], 6000, 0])
})

test('U15 a sealer that dies between its statements loses nothing and leaves nothing half done', async (t) => {
  const { url, database, another } = await open(t)
  await fill(url, 100, 2)
  const dying = another()
  // Where its work is done and not yet committed, the connection is cut: as by a kill -9.
  await queryDatabase(
    url,
    `create function die() returns trigger language plpgsql as $$
     begin
       if current_setting('application_name') = 'latchkey' and exists (select from pg_class where relname = 'fatal')
       then perform pg_terminate_backend(pg_backend_pid()); end if;
       return null;
     end $$`,
  )
  await queryDatabase(url, 'alter function die() security definer')
  await queryDatabase(
    url,
    'create trigger die after delete on audit_unsealed for each statement execute function die()',
  )
  await queryDatabase(url, 'create table fatal ()')
  await assert.rejects(sealPending(dying.knex))
  const [counts] = await queryDatabase(
    url,
    'select (select count(*) from audit_seals) as seals, (select count(*) from audit_unsealed) as waiting',
  )
  assert.deepEqual(counts, { seals: '0', waiting: '100' })
  await queryDatabase(url, 'drop table fatal')
  assert.equal(await sealPending(database.knex), 100)
  assert.deepEqual((await verifyLedger(database.knex)).faults, [])
})

test('U15 an event that commits late is sealed late, after those with a higher id', async (t) => {
  const { url, database } = await open(t)
  const late = await database.knex.transaction()
  await late.raw(
    `with event as (
       insert into audit_events (organization_id, actor_kind, action) values ('org_1', 'server', 'app.deleted')
       returning id
     ) insert into audit_unsealed select id from event`,
  )
  await fill(url, 10, 2)
  assert.equal(await sealPending(database.knex), 10)
  await late.commit()
  assert.equal(await sealPending(database.knex), 1)
  const { faults, rows } = await verifyLedger(database.knex)
  assert.deepEqual([faults, rows], [[], 11])
})

test('an event that is noted once more after it was sealed is not sealed again, and holds nobody up', async (t) => {
  const { url, database } = await open(t)
  await fill(url, 3, 1)
  await sealPending(database.knex)
  await queryDatabase(url, 'insert into audit_unsealed select id from audit_events')
  await fill(url, 2, 1)
  assert.equal(await sealPending(database.knex), 2)
  const { faults, rows, pending } = await verifyLedger(database.knex)
  assert.deepEqual([faults, rows, pending], [[], 5, 0])
})

test('a running server seals by itself; closing seals the rest', async (t) => {
  const { url, database } = await open(t)
  const sealer = createSealer(database.knex, silent)
  await fill(url, 10, 2)
  const waiting = async () =>
    Number((await queryDatabase<{ count: string }>(url, 'select count(*) from audit_unsealed'))[0]?.count)
  while ((await waiting()) > 0) await sleep(20)
  await fill(url, 10, 2)
  await sealer.close()
  assert.equal(await waiting(), 0)
})

test('a database that fails is told of once, asked again, and told of when it is back', async (t) => {
  const { url, database } = await open(t)
  const lines: string[] = []
  const log = createLog(
    'info',
    new Writable({
      write: (chunk, _encoding, done) => {
        lines.push(JSON.parse(String(chunk)).msg)
        done()
      },
    }),
  )
  await queryDatabase(url, 'alter table audit_unsealed rename to away')
  const sealer = createSealer(database.knex, log)
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await sleep(20)
  }
  await until(() => lines.length > 0)
  // Two polls more.
  await sleep(1100)
  await queryDatabase(url, 'alter table away rename to audit_unsealed')
  await until(() => lines.length > 1)
  await sealer.close()
  assert.deepEqual(lines, ['the ledger could not be sealed; it is tried again', 'the ledger is sealed again'])
})

test("U15 what the server runs as can add to the ledger, and can't change, remove or empty it", async (t) => {
  const house = await startHouse(t)
  await house.organization('Acme')
  await house.settle()
  const { knex, run } = house.database
  for (const table of ['audit_events', 'audit_seals']) {
    for (const statement of [
      `update ${table} set organization_id = 'org_x'`,
      `delete from ${table}`,
      `truncate ${table}`,
      `drop table ${table}`,
      `alter table ${table} disable trigger all`,
    ]) {
      const refused = /permission denied|must be owner/
      await assert.rejects(knex.raw(statement), refused, statement)
      await assert.rejects(run({ name: statement, text: statement }, []), refused, statement)
    }
  }
  await assert.rejects(knex.raw('update audit_unsealed set event_id = event_id + 1'), /permission denied/)
  assert.deepEqual((await verifyLedger(knex)).faults, [])
})
