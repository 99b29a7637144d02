// How PostgreSQL carries out the named statements: by the keys of the rows, however small a table was at the first use.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDatabase } from '../../src/db/connect.ts'
import { Secret } from '../../src/lib/secret.ts'
import { createTestDatabase, queryDatabase } from '../support/database.ts'

test('a plan that was made while the table was small finds rows by their key when it is full', async (t) => {
  const url = await createTestDatabase(t)
  const secret = new Secret(url)
  const database = openDatabase({ kind: 'url', url: secret, directUrl: secret })
  t.after(() => database.close())
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
  assert.match(lines, /probe_pkey/)
})
