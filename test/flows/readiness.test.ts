import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { createTestDatabase, queryDatabase, serverUrl } from '../support/database.ts'
import { makeHome, type ServerProcess, startServer } from '../support/server-process.ts'

async function ask({ url }: ServerProcess, path: '/healthz' | '/readyz'): Promise<[number, unknown]> {
  const response = await fetch(url + path)
  return [response.status, await response.json()]
}

const alive = [200, { status: 'ok' }]
const isReady = [200, { status: 'ready' }]
const notReady = (reason: string) => [503, { status: 'not ready', reason }]

test('/healthz says that the process answers, /readyz that it can do its work', async (t) => {
  const databaseUrl = await createTestDatabase(t)
  const name = new URL(databaseUrl).pathname.slice(1)
  const server = await startServer(t, { home: await makeHome(t), env: { DATABASE_URL: databaseUrl } })

  await t.test('both say so once the server is there', async () => {
    assert.deepEqual(await ask(server, '/healthz'), alive)
    assert.deepEqual(await ask(server, '/readyz'), isReady)
  })

  await t.test('it is not ready while a migration is missing', async () => {
    const [gone] = await queryDatabase<{ name: string }>(
      databaseUrl,
      'delete from latchkey_migrations where id = (select max(id) from latchkey_migrations) returning name',
    )
    assert.deepEqual(await ask(server, '/readyz'), notReady('the database lacks migrations'))
    assert.deepEqual(await ask(server, '/healthz'), alive)
    const insert = 'insert into latchkey_migrations (name, batch, migration_time) values ($1, 1, now())'
    await queryDatabase(databaseUrl, insert, [gone?.name])
    assert.deepEqual(await ask(server, '/readyz'), isReady)
  })

  await t.test('it is not ready while the database is gone, and ready again when it is back', async () => {
    await queryDatabase(serverUrl(), `drop database ${name} with (force)`)
    assert.deepEqual(await ask(server, '/readyz'), notReady('the database does not answer'))
    assert.deepEqual(await ask(server, '/healthz'), alive)
    await queryDatabase(
      serverUrl(),
      `create database ${name} template ${process.env['TEST_DATABASE_TEMPLATE']}`,
    )
    assert.deepEqual(await ask(server, '/readyz'), isReady)
  })

  await t.test('it is not ready while it stops', async () => {
    const socket = connect(server.port, '127.0.0.1')
    await once(socket, 'connect')
    // A request half sent: its connection is not an idle one.
    socket.write(`GET /readyz HTTP/1.1\r\nHost: localhost:${server.port}\r\n`)
    const health = await fetch(`${server.url}/healthz`)
    assert.equal(health.status, 200)
    const stopped = server.stop('SIGTERM')
    while (await fetch(`${server.url}/healthz`).catch(() => null));
    socket.write('Connection: close\r\n\r\n')
    const answer = await text(socket)
    assert.match(answer, /^HTTP\/1\.1 503 /)
    assert.ok(
      answer.endsWith(JSON.stringify({ status: 'not ready', reason: 'the server is stopping' })),
      answer,
    )
    assert.equal((await stopped).code, 0)
  })
})
