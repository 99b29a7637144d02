// How PostgreSQL carries out the named statements: by the keys of the rows, however small a table was at the first use.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { findPrincipals } from '../../src/credentials/credential-store.ts'
import { type Database, openDatabase } from '../../src/db/connect.ts'
import { type Digest, textOf } from '../../src/lib/digest.ts'
import { Secret } from '../../src/lib/secret.ts'
import { findCodes } from '../../src/oauth/code-store.ts'
import { findRefreshTokens } from '../../src/oauth/refresh-token-store.ts'
import { startCuttableProxy } from '../support/cuttable-proxy.ts'
import { createTestDatabase, queryDatabase } from '../support/database.ts'

function open(t: TestContext, url: string): Database {
  const secret = new Secret(url)
  const database = openDatabase({ kind: 'url', url: secret, directUrl: secret })
  t.after(() => database.close())
  return database
}

test('a plan that was made while the table was small finds rows by their key when it is full', async (t) => {
  const url = await createTestDatabase(t)
  const database = open(t, url)
  await queryDatabase(url, 'create table probe (id text primary key, count int)')
  await queryDatabase(url, 'grant all on probe to latchkey_app')
  await queryDatabase(url, "insert into probe values ('0', 0)")
  await queryDatabase(url, 'analyze probe')
  // As what spends secrets does: an update joined with what is wanted.
  const probe = {
    name: 'probe',
    text: `update probe set count = wanted.count from unnest($1::text[], $2::int[]) as wanted (id, count)
           where probe.id = any($1) and probe.id = wanted.id returning probe.id`,
  }
  const ids = ['1', '2', '3']
  // Of what it plans anew each time PostgreSQL keeps a plan after five.
  for (let time = 0; time < 7; time += 1) assert.deepEqual(await database.run(probe, [ids, [1, 2, 3]]), [])
  await queryDatabase(url, 'insert into probe select it, 0 from generate_series(1, 5000) as it')
  assert.equal((await database.run(probe, [ids, [1, 2, 3]])).length, 3)
  const explain = { name: 'explain', text: `explain execute probe ('{1,2,3}', '{1,2,3}')` }
  const plan = await database.run<{ 'QUERY PLAN': string }>(explain, [])
  const lines = plan.map((line) => line['QUERY PLAN']).join('\n')
  assert.doesNotMatch(lines, /Seq Scan/)
  assert.match(lines, /Index Cond: .*\bid\b/)
})

test('tokens, codes, their grants and apps are found by their keys, each', async (t) => {
  const url = await createTestDatabase(t)
  const database = open(t, url)
  const hashes = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)] as Buffer[] as Digest[] // of no secret
  // As in a fresh installation that was analyzed: tables of one page.
  await queryDatabase(url, 'analyze')
  const sought = hashes.map((hash) => ({ hash, elapsedMs: () => 0 }))
  for (let time = 0; time < 7; time += 1) {
    assert.deepEqual(await findRefreshTokens(database, sought), [null, null])
    assert.deepEqual(await findCodes(database, sought), [null, null])
    assert.deepEqual(await findPrincipals(database, hashes.map(textOf)), [null, null])
  }
  for (const name of ['refresh-tokens-by-hash', 'codes-by-hash']) {
    const text = `explain execute "${name}" (null, null)`
    const plan = await database.run<{ 'QUERY PLAN': string }>({ name: `explain ${name}`, text }, [])
    const lines = plan
      .map((line) => line['QUERY PLAN'])
      .filter((line) => /Scan/.test(line) && !/Function|Subquery/.test(line))
    assert.equal(lines.length, 3, lines.join('\n'))
    const conditions = plan.filter((line) => line['QUERY PLAN'].includes('Index Cond'))
    assert.equal(conditions.length, 3, plan.map((line) => line['QUERY PLAN']).join('\n'))
  }
})

test('the settings that see to it are those of these connections alone', async (t) => {
  const url = await createTestDatabase(t)
  const database = open(t, url)
  const text = `select concat_ws(' ', current_setting('plan_cache_mode'), current_setting('enable_seqscan'),
                  current_setting('jit'), current_user) as settings`
  const named = { name: 'settings', text }
  const planned = 'force_generic_plan off off latchkey_app'
  assert.deepEqual(await database.run(named, []), [{ settings: planned }])
  assert.equal(await database.lookUp(named, []), planned)
  const { rows } = await database.knex.raw<{ rows: { settings: string }[] }>(text)
  assert.match(rows[0]?.settings ?? '', /^auto on \w+ latchkey_app$/)
})

test('a connection that breaks under a statement costs that statement, and not the process', async (t) => {
  const databaseUrl = await createTestDatabase(t)
  const line = await startCuttableProxy(t, databaseUrl)
  const database = open(t, line.url)
  const slow = { name: 'slow', text: "select pg_sleep(5), 'one' as one" }
  for (const values of [[], () => []]) {
    const answer = database.run(slow, values)
    answer.catch(() => {}) // looked at below
    await sleep(300)
    line.cut()
    await assert.rejects(answer)
    const one = { name: 'one', text: "select 'one' as one" }
    assert.deepEqual(await database.run(one, values), [{ one: 'one' }])
  }
})
