import assert from 'node:assert/strict'
import { access } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { borrowEmbedded } from '../../src/db/embedded.ts'
import { createTestDatabase } from '../support/database.ts'
import {
  assertNoDatabase,
  databaseProcesses,
  demoKey,
  makeHome,
  ready,
  type ServerProcess,
  setUpLink,
  spawnServer,
  startServer,
  survivors,
} from '../support/server-process.ts'
import { beginBooking, newBooking } from '../support/slow-request.ts'

/** From the signal to the end of the last process. */
const ctrlCWithinMs = 2000

async function waitFor(isSo: () => Promise<boolean>, withinMs = 30_000): Promise<void> {
  for (const end = Date.now() + withinMs; !(await isSo()); await sleep(5)) {
    assert.ok(Date.now() < end, `not so in ${withinMs} ms`)
  }
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

/** Takes no connection any more. */
async function isDeaf({ port }: ServerProcess): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(true))
    socket.once('connect', () => {
      socket.destroy()
      resolve(false)
    })
  })
}

test('a server on the embedded database stops whole, and keeps what it was given', async (t) => {
  const home = await makeHome(t)
  const first = await startServer(t, { home })
  const key = demoKey(first)

  await t.test(
    'Ctrl-C ends it within 2 s, the request in flight is finished, no PostgreSQL is left',
    async () => {
      const processes = await databaseProcesses(home)
      assert.ok(processes.length > 1, 'no PostgreSQL runs')
      const request = await beginBooking(first, key)
      const stopped = first.stop('SIGINT')
      await waitFor(() => isDeaf(first))
      process.kill(first.pid, 'SIGINT') // the same keystroke once more, as npm passes it on
      assert.equal((await request.finish()).status, 201)
      const { code, ms } = await stopped
      assert.equal(code, 0)
      assert.ok(ms < ctrlCWithinMs, `${Math.round(ms)} ms`)
      await assertNoDatabase(home, processes)
    },
  )

  await t.test('so does Ctrl-C in the terminal of npm start, which reaches every process of it', async () => {
    const server = await startServer(t, { home, byNpm: true })
    const processes = await databaseProcesses(home)
    const request = await beginBooking(server, key)
    const stopped = server.stopGroup('SIGINT')
    await waitFor(() => isDeaf(server))
    assert.equal((await request.finish()).status, 201)
    const { ms } = await stopped
    assert.ok(ms < ctrlCWithinMs, `${Math.round(ms)} ms`)
    await assertNoDatabase(home, processes)
  })

  const killed = await startServer(t, { home })
  const processes = await databaseProcesses(home)
  const init = { method: 'POST', body: newBooking, headers: { 'Content-Type': 'application/json' } }
  const made = await killed.api('/bookings', key, init)
  const { id } = (await made.json()) as { id: string }
  assert.equal((await killed.stop('SIGKILL')).signal, 'SIGKILL')
  const next = await startServer(t, { home })

  await t.test('kill -9 leaves no PostgreSQL to the next start, and loses nothing', async () => {
    assert.equal(made.status, 201)
    assert.deepEqual(survivors(processes), [])
    assert.equal((await next.api(`/bookings/${id}`, key)).status, 200)
  })

  await t.test('Ctrl-C does not wait for a statement that does not end', async () => {
    const { connection } = await borrowEmbedded({ dataDirectory: join(home, 'data') })
    const locker = new pg.Client(connection)
    locker.on('error', () => {}) // PostgreSQL ends it, as it should
    await locker.connect()
    await locker.query('begin; lock table sample_resources in access exclusive mode')
    const waiting = next.api('/bookings', key).catch(() => null)
    await waitFor(async () => {
      const { rows } = await locker.query('select 1 from pg_locks where not granted')
      return rows.length > 0
    })
    const left = await databaseProcesses(home)
    const { ms } = await next.stop('SIGINT')
    assert.ok(ms < ctrlCWithinMs, `${Math.round(ms)} ms`)
    assert.equal(await waiting, null)
    await waitFor(async () => survivors(left).length === 0)
  })
})

test('a first start that was interrupted leaves nothing running, and is begun again', async (t) => {
  const home = await makeHome(t)
  const interrupted = await spawnServer(t, { home })
  // By then it is about to make the database.
  await waitFor(() => isThere(join(home, 'data/postgres/owners')))
  const { ms } = await interrupted.stop('SIGINT')
  assert.ok(ms < ctrlCWithinMs, `${Math.round(ms)} ms`)
  assert.equal(interrupted.stdout(), '')
  assert.equal(interrupted.stderr(), '')
  await waitFor(async () => (await databaseProcesses(home)).length === 0)

  const next = await spawnServer(t, { home })
  await ready(next)
  assert.ok(setUpLink(next))
  assert.equal((await next.api('/me', demoKey(next))).status, 200)
})

test('SIGTERM gives a request in flight longer than Ctrl-C, and its connection no longer than it', async (t) => {
  const server = await startServer(t, {
    home: await makeHome(t),
    env: { DATABASE_URL: await createTestDatabase(t) },
  })
  const request = await beginBooking(server, demoKey(server))
  const stopped = server.stop('SIGTERM')
  await waitFor(() => isDeaf(server))
  await sleep(1600)
  const answeredAt = performance.now()
  assert.equal((await request.finish()).status, 201)
  assert.equal((await stopped).code, 0)
  const ms = performance.now() - answeredAt
  assert.ok(ms < 1000, `${Math.round(ms)} ms after the answer`)
})

test('asked twice it ends at once', async (t) => {
  const server = await startServer(t, {
    home: await makeHome(t),
    env: { DATABASE_URL: await createTestDatabase(t) },
  })
  await beginBooking(server, demoKey(server))
  void server.stop('SIGTERM')
  await waitFor(() => isDeaf(server))
  const { code, ms } = await server.stop('SIGINT')
  assert.equal(code, 130)
  assert.ok(ms < 500, `${Math.round(ms)} ms`)
})
