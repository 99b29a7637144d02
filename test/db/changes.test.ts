import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLog } from '../../src/core/telemetry.ts'
import type { Change, Changes } from '../../src/db/changes.ts'
import { openDatabase } from '../../src/db/connect.ts'
import { bytesOf, sha256Text } from '../../src/lib/digest.ts'
import { Secret } from '../../src/lib/secret.ts'
import { placeOf, startCuttableProxy } from '../support/cuttable-proxy.ts'
import { createTestDatabase, queryDatabase } from '../support/database.ts'

async function open(t: TestContext, databaseUrl: string, directUrl = databaseUrl) {
  const database = openDatabase({
    kind: 'url',
    url: new Secret(databaseUrl),
    directUrl: new Secret(directUrl),
  })
  const changes = database.listen(createLog('silent'))
  const heard: Change[] = []
  changes.onChange((change) => heard.push(change))
  t.after(async () => {
    await changes.close()
    await database.close()
  })
  await until(changes.isFresh)
  heard.length = 0
  return { database, changes, heard }
}

async function until(isSo: () => boolean): Promise<void> {
  for (let waited = 0; !isSo(); waited += 10) {
    assert.ok(waited < 20_000, 'it did not happen')
    await sleep(10)
  }
}

/** Platform keys need no other row but their platform's. */
async function insertCredentials(databaseUrl: string, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, (_, at) => `secret ${at}`)
  await queryDatabase(
    databaseUrl,
    `insert into platforms (id, name, scopes, hash, prefix, last_four)
     values ('platform_x', 'X', '{}', 'x', 'x', 'x') on conflict do nothing`,
  )
  await queryDatabase(
    databaseUrl,
    `insert into credentials (hash, kind, scopes, platform_id, expires_at)
     select unnest($1::bytea[]), 'platform_key', '{}', 'platform_x', null`,
    [names.map((name) => bytesOf(sha256Text(name)))],
  )
  return names
}

const hashesOf = (heard: readonly Change[]) =>
  heard.flatMap((change) => (change.kind === 'credentials' ? [...change.hashes] : [])).sort()

test('every credential that is deleted or changed is told of, whoever did it, however many in one statement', async (t) => {
  const databaseUrl = await createTestDatabase(t)
  const { changes, heard } = await open(t, databaseUrl)
  const names = await insertCredentials(databaseUrl, 400)
  await changes.catchUp()
  assert.deepEqual(heard, [], 'a new one changes nothing that anybody knows')
  const [first = ''] = names
  await queryDatabase(databaseUrl, "update credentials set scopes = '{}' where hash = $1", [
    bytesOf(sha256Text(first)),
  ])
  await changes.catchUp()
  assert.deepEqual(hashesOf(heard), [sha256Text(first)])
  heard.length = 0
  await queryDatabase(databaseUrl, 'delete from credentials')
  await changes.catchUp()
  assert.deepEqual(hashesOf(heard), names.map(sha256Text).sort())
})

test('what had expired is not told of; a table that was emptied, and who may ask, is', async (t) => {
  const databaseUrl = await createTestDatabase(t)
  const { changes, heard } = await open(t, databaseUrl)
  await insertCredentials(databaseUrl, 3)
  await queryDatabase(databaseUrl, "update credentials set expires_at = now() - interval '1 hour'")
  await changes.catchUp()
  heard.length = 0
  await queryDatabase(databaseUrl, 'delete from credentials')
  await changes.catchUp()
  assert.deepEqual(heard, [])
  await queryDatabase(databaseUrl, 'truncate credentials')
  await queryDatabase(databaseUrl, 'delete from resource_servers')
  await changes.catchUp()
  assert.deepEqual(heard, [{ kind: 'gap' }, { kind: 'resource_servers' }])
})

test('a line that falls silent is relied on no longer, is given up, and comes back with a gap', async (t) => {
  const databaseUrl = await createTestDatabase(t)
  const line = await startCuttableProxy(t, databaseUrl)
  const { changes, heard } = await open(t, databaseUrl, line.url)
  line.silence(true)
  await until(() => !changes.isFresh())
  await changes.catchUp()
  assert.equal(changes.isFresh(), false, 'nothing was heard')
  line.silence(false)
  await until(changes.isFresh)
  assert.ok(heard.length > 0 && heard.every(({ kind }) => kind === 'gap'))
  await insertCredentials(databaseUrl, 1)
  await queryDatabase(databaseUrl, 'delete from credentials')
  await changes.catchUp()
  assert.deepEqual(hashesOf(heard), [sha256Text('secret 0')])
})

test('those who listen are counted', async (t) => {
  const databaseUrl = await createTestDatabase(t)
  const first = await open(t, databaseUrl)
  const second = await open(t, databaseUrl)
  await until(() => first.changes.nodes() === 2 && second.changes.nodes() === 2)
  await second.changes.close()
  await until(() => first.changes.nodes() === 1)
})

test('what was committed before it is heard when catching up, each time', async (t) => {
  const databaseUrl = await createTestDatabase(t)
  const { database, changes, heard } = await open(t, databaseUrl)
  const missed: number[] = []
  const one = async (changed: Changes, time: number) => {
    await insertCredentials(databaseUrl, 1)
    heard.length = 0
    await database.knex('credentials').delete()
    await changed.catchUp()
    if (heard.length !== 1) missed.push(time)
  }
  for (let time = 0; time < 50; time += 1) await one(changes, time)
  assert.deepEqual(missed, [])
})

/** As a pooler does that gives each statement another connection: questions are answered, and what is told is lost. */
async function startDeafProxy(t: TestContext, databaseUrl: string): Promise<string> {
  const url = new URL(databaseUrl)
  const proxy = createServer((near) => {
    const far = connect(placeOf(databaseUrl))
    let waiting = Buffer.alloc(0)
    near.on('data', (chunk) => far.write(chunk))
    far.on('data', (chunk) => {
      waiting = Buffer.concat([waiting, chunk])
      // A letter, and a length that counts itself.
      while (waiting.length >= 5 && waiting.length > waiting.readUInt32BE(1)) {
        const message = waiting.subarray(0, waiting.readUInt32BE(1) + 1)
        waiting = waiting.subarray(message.length)
        if (message[0] !== 'A'.charCodeAt(0)) near.write(message)
      }
    })
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.on('error', () => {}).on('close', () => other.destroy())
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.after(() => proxy.close())
  const address = proxy.address()
  assert.ok(typeof address === 'object' && address)
  url.hostname = '127.0.0.1'
  url.port = String(address.port)
  url.searchParams.delete('host')
  return url.href
}

test('a line by which nothing is heard is never relied on, though it answers, and that is said', async (t) => {
  const databaseUrl = await createTestDatabase(t)
  const lines: string[] = []
  const database = openDatabase({
    kind: 'url',
    url: new Secret(databaseUrl),
    directUrl: new Secret(await startDeafProxy(t, databaseUrl)),
  })
  const changes = database.listen(createLog('error', { write: (line) => void lines.push(line) }))
  t.after(async () => {
    await changes.close()
    await database.close()
  })
  await until(() => lines.length > 0)
  assert.match(lines.join(''), /pooler/)
  assert.equal(changes.isFresh(), false)
})

test('look-ups of a database that has fallen silent end long before other statements would', {
  timeout: 14_000,
}, async (t) => {
  const databaseUrl = await createTestDatabase(t)
  const line = await startCuttableProxy(t, databaseUrl)
  const database = openDatabase({
    kind: 'url',
    url: new Secret(line.url),
    directUrl: new Secret(databaseUrl),
  })
  t.after(() => database.close())
  const one = { name: 'one', text: "select 'one'" }
  assert.equal(await database.lookUp(one, []), 'one')
  line.silence(true)
  await assert.rejects(database.lookUp(one, []))
  line.silence(false)
  assert.equal(await database.lookUp(one, []), 'one')
})
