// An organization with ten thousand keys is listed as one with ten: by an index, whatever is asked.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newKeyId } from '../../src/core/ids.ts'
import { findListing, type KeyQuery, listKeys } from '../../src/keys/key-store.ts'
import { startHouse } from '../support/house.ts'

test('no list of keys reads the whole table', async (t) => {
  const house = await startHouse(t)
  const db = house.database.knex
  const { id: organization } = await house.organization('Large')
  const other = await house.organization('Other')
  const insert = (owner: string, from: number, to: number) =>
    house.asOwner(
      `insert into api_keys (id, organization_id, mode, name, scopes, prefix, last_four, hash, created_at)
       select 'key_' || lpad(n::text, 24, '0'), '${owner}', case n % 2 when 0 then 'live' else 'test' end, 'Key ' || n,
         '{read:bookings}', 'bz_live_', '0000', sha256(n::text::bytea),
         date_trunc('milliseconds', now() - n * interval '1 minute')
       from generate_series(${from}, ${to}) n`,
    )
  await insert(organization, 1, 10_000)
  await insert(other.id, 10_001, 12_000)
  await house.asOwner('analyze api_keys')

  const planOf = async (work: () => Promise<unknown>): Promise<string> => {
    const asked: { sql: string; bindings: unknown[] }[] = []
    const listen = (query: { sql: string; bindings: unknown[] }) => asked.push(query)
    db.on('query', listen)
    await work()
    db.removeListener('query', listen)
    const [query] = asked
    assert.ok(query)
    const plan = await house.asOwner<{ 'QUERY PLAN': string }>(
      `explain (analyze) ${query.sql}`,
      query.bindings,
    )
    return plan.map((line) => line['QUERY PLAN']).join('\n')
  }
  /** The most rows of keys that any step of the plan looked at. */
  const mostRows = (plan: string) =>
    Math.max(...[...plan.matchAll(/actual time=\S+ rows=([\d.]+)/g)].map(([, rows]) => Number(rows)))

  const after = { createdAt: new Date(Date.now() - 5_000 * 60_000), id: newKeyId() }
  const queries: Record<string, KeyQuery> = {
    'the first page': { organization, mode: 'any', after: null, limit: 26 },
    'a page in the middle': { organization, mode: 'any', after, limit: 26 },
    'the first page of a mode': { organization, mode: 'test', after: null, limit: 26 },
    'a page of a mode in the middle': { organization, mode: 'live', after, limit: 26 },
  }
  for (const [name, query] of Object.entries(queries)) {
    const plan = await planOf(() => listKeys(db, query))
    assert.doesNotMatch(plan, /Seq Scan on api_keys/, `${name}\n${plan}`)
    assert.ok(mostRows(plan) <= 52, `${name} looks at ${mostRows(plan)} rows\n${plan}`)
  }
  const one = await planOf(() =>
    findListing(db, { organization, mode: 'any' }, `key_${'1'.padStart(24, '0')}`),
  )
  assert.doesNotMatch(one, /Seq Scan on api_keys/, one)
  const found = await listKeys(db, { organization, mode: 'any', after: null, limit: 5, search: 'Key 777' })
  assert.equal(found[0]?.key.name, 'Key 777')
  assert.deepEqual(
    await listKeys(db, { organization, mode: 'any', after: null, limit: 5, search: '100%' }),
    [],
  )
})
