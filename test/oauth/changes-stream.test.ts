// GET /verify/changes as a resource server reads it.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { byServer } from '../../src/core/attribution.ts'
import { loadProfile } from '../../src/core/profile.ts'
import { createLog, RequestLine } from '../../src/core/telemetry.ts'
import type { Change } from '../../src/db/changes.ts'
import { sha256, sha256Text } from '../../src/lib/digest.ts'
import { packageRoot } from '../../src/lib/package-root.ts'
import { createTurnstile } from '../../src/limits/turnstile.ts'
import { changesStream } from '../../src/oauth/changes-stream.ts'
import { removeResourceServer, rotateSecret } from '../../src/oauth/register-resource-server.ts'
import type { ResourceServer } from '../../src/oauth/resource-server.ts'
import { type ChangesReader, type Line, openChanges } from '../support/batch.ts'
import { basicOf, resourceServer } from '../support/introspection.ts'
import { oneHouse } from '../support/one-house.ts'
import { freePort } from '../support/port.ts'
import { revoke } from '../support/protected-api.ts'
import { makeHome, startServer } from '../support/server-process.ts'

const shared = oneHouse()
const isOf = (kind: string) => (line: Line) => line['kind'] === kind
const asOf = ({ lines }: ChangesReader) => Number(lines.findLast(isOf('as_of'))?.['as_of'])

test('the stream tells of each change, by its hash, before it says that it has told everything', async () => {
  const house = shared()
  const organization = await house.organization('Acme')
  const server = await resourceServer(house)
  const before = performance.now() // the house is in this process: its clock is ours
  const stream = await openChanges(house.url, server)
  assert.equal(stream.response.headers['content-type'], 'application/x-ndjson')
  assert.equal(stream.response.headers['cache-control'], 'no-store')
  const hello = await stream.next(isOf('hello'))
  assert.equal(stream.lines.indexOf(hello), 0)
  assert.ok(Number(hello['now']) >= before, 'no earlier than the request')
  assert.deepEqual(hello['credentials'], {
    header: house.profile.credentials.header,
    takes_bearers: true,
    refused_query_parameters: house.profile.credentials.refusedQueryParameters,
  })

  const secrets: string[] = []
  for (let round = 0; round < 5; round += 1) {
    const { key, secret } = await house.key(organization, 'live', ['read:bookings'])
    await revoke(house, key)
    const committed = performance.now()
    const from = stream.lines.length
    await stream.next((line) => line['kind'] === 'as_of' && Number(line['as_of']) >= committed, 0)
    const told = stream.lines.slice(
      0,
      stream.lines.findIndex((line) => Number(line['as_of']) >= committed),
    )
    const hash = sha256(secret).toString('base64url')
    const isTold = told.some(
      (line) => line['kind'] === 'changed' && (line['hashes'] as string[]).includes(hash),
    )
    assert.ok(isTold, `round ${round}, after line ${from}`)
    secrets.push(secret)
  }
  const text = JSON.stringify(stream.lines)
  for (const secret of secrets) assert.ok(!text.includes(secret.slice(8)), 'a hash opens nothing')
})

test('while its node hears of nothing it says no moment, and then that something may have been missed', async () => {
  const house = shared()
  const stream = await openChanges(house.url, await resourceServer(house))
  await stream.next(isOf('as_of'))
  const from = stream.lines.length
  const cut = performance.now()
  await house.asOwner(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'latchkey node' and datname = current_database()`,
  )
  await stream.next(isOf('reset'), from)
  await stream.next((line) => isOf('as_of')(line) && Number(line['as_of']) > cut, from)
  const lines = stream.lines.slice(from)
  const reset = lines.findIndex(isOf('reset'))
  const after = lines.findIndex((line) => isOf('as_of')(line) && Number(line['as_of']) > cut)
  assert.ok(reset < after, 'it is told before any moment of the time that was missed')
})

test('who may not ask is told nothing, and a stream ends with the secret that opened it', async () => {
  const house = shared()
  const [one, two] = [await resourceServer(house), await resourceServer(house)]
  const refused = await fetch(`${house.url}/verify/changes`, {
    headers: { Authorization: basicOf({ ...one, secret: 'wrong' }) },
  })
  assert.equal(refused.status, 401)
  assert.equal((await fetch(`${house.url}/verify/changes`)).status, 401)
  const posted = await fetch(`${house.url}/verify/changes`, { method: 'POST' })
  assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'GET'])

  const streams = [await openChanges(house.url, one), await openChanges(house.url, two)] as const
  await rotateSecret(house.database.knex, one.id as `rs_${string}`, byServer)
  await streams[0].ended
  const then = asOf(streams[1])
  await streams[1].next((line) => Number(line['as_of']) > then)
  await removeResourceServer(house.database.knex, two.id as `rs_${string}`, byServer)
  await streams[1].ended
})

test('of one resource server there are so many streams, and one that ends makes room', async () => {
  const house = shared()
  const [server, other] = [await resourceServer(house), await resourceServer(house)]
  const streams = await Promise.all(Array.from({ length: 128 }, () => openChanges(house.url, server)))
  const headers = { Authorization: basicOf(server) }
  const refused = await fetch(`${house.url}/verify/changes`, { headers })
  assert.equal(refused.status, 503)
  assert.ok(refused.headers.get('retry-after'))
  await (await openChanges(house.url, other)).next(isOf('hello'))
  streams[0]?.response.destroy()
  for (let status = 503; status !== 200; await sleep(10)) {
    const again = await fetch(`${house.url}/verify/changes`, { headers })
    status = again.status
    await again.body?.cancel()
  }
})

test('a server that is told to stop ends its streams, and waits for none of them', async (t) => {
  const house = shared()
  const port = await freePort()
  const env = {
    ...{ DATABASE_URL: house.databaseUrl, COOKIE_KEYS: 'k'.repeat(40) },
    ...{ PORT: String(port), PUBLIC_URL: `http://localhost:${port}` },
  }
  const server = await startServer(t, { home: await makeHome(t), env })
  const stream = await openChanges(server.url, await resourceServer(house))
  await stream.next(isOf('as_of'))
  const stopped = server.stop('SIGTERM')
  await stream.ended
  assert.ok(stream.response.complete, 'ended, not cut when its time was over')
  assert.equal((await stopped).code, 0)
})

test('who does not read is cut, and costs no memory beyond a bound', async (t) => {
  let tell: (change: Change) => void = () => {}
  const asking = {
    id: 'rs_1',
    name: 'Reports',
    audience: 'https://x.example',
    scopes: null,
    createdAt: new Date(),
  }
  const log = createLog('silent')
  const streams = changesStream({
    changes: {
      isFresh: () => true,
      asOf: () => performance.now(),
      onChange: (listener) => {
        tell = listener
        return () => {}
      },
    },
    profile: loadProfile('boothzen', join(packageRoot, 'profiles')),
    isStopping: () => false,
    resourceServers: { authenticate: () => asking as ResourceServer },
    turnstile: createTurnstile({}, { redisUrl: null, shared: null, log }),
    log,
    trustedProxies: 0,
  })
  const server = createServer(
    (req, res) => void streams.answer({ req, res, id: 'req_1', line: new RequestLine() }),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    streams.close()
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const who = { id: asking.id, secret: 'x' }
  const reader = await openChanges(`http://127.0.0.1:${port}`, who)
  const idle = await openChanges(`http://127.0.0.1:${port}`, who)
  idle.response.pause()
  // More than the operating system keeps for both ends of a connection.
  const hashes = Array.from({ length: 2000 }, (_, n) => sha256Text(String(n)))
  for (let round = 0; round < 400; round += 1) {
    tell({ kind: 'credentials', hashes })
    if (round % 4 === 0) await sleep(1) // for who reads to read
  }
  const from = reader.lines.length
  await reader.next(isOf('as_of'), from)
  idle.response.resume() // what was under way comes still
  await idle.ended
  assert.ok(idle.lines.length < 400, 'not all was kept for it')
  assert.equal(reader.lines.filter(isOf('changed')).length, 400)
})
