// The bound: whatever breaks, no credential is let in later than so long after it was revoked. What counts is when a
// request came, and when the revocation had been committed; how fast this machine is does not matter.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ApiKey } from '../../src/keys/key.ts'
import type { Organization } from '../../src/organizations/organization-store.ts'
import type { ResourceServer } from '../../src/resource-server/entry.ts'
import { type House, startHouse } from '../support/house.ts'
import { resourceServer } from '../support/introspection.ts'
import {
  bearing,
  type Protected,
  protectBy,
  questionsBy,
  revoke,
  untilKept,
} from '../support/protected-api.ts'
import { startTcpProxy } from '../support/tcp-proxy.ts'

const boundMs = 1000

interface Made {
  readonly key: ApiKey
  readonly secret: string
}

async function makeKeys(house: House, organization: Organization, count: number): Promise<Made[]> {
  const made: Made[] = []
  for (let n = 0; n < count; n += 1) made.push(await house.key(organization, 'live', ['read:bookings']))
  return made
}

/** Presents all of them over and over, and notes for each when it was let in last. */
function present(latchkey: ResourceServer, keys: readonly Made[]) {
  const lastLetIn = new Map<string, number>()
  let goesOn = true
  const presenting = (async () => {
    while (goesOn) {
      for (const { key, secret } of keys) {
        const at = performance.now()
        if ((await latchkey.verify(bearing(secret))).ok) lastLetIn.set(key.id, at)
      }
      await sleep(2)
    }
  })()
  return {
    lastLetIn,
    stop: async () => {
      goesOn = false
      await presenting
    },
  }
}

/** Revokes one after the other; gives when each had been committed. */
async function revokeAll(house: House, keys: readonly Made[], pauseMs: number): Promise<Map<string, number>> {
  const committed = new Map<string, number>()
  for (const { key } of keys) {
    await revoke(house, key)
    committed.set(key.id, performance.now())
    await sleep(pauseMs)
  }
  return committed
}

function assertBound(committed: ReadonlyMap<string, number>, lastLetIn: ReadonlyMap<string, number>) {
  const late = [...committed].filter(([id, at]) => (lastLetIn.get(id) ?? 0) > at + boundMs)
  assert.deepEqual(late, [], 'let in after the bound')
}

interface Scene {
  readonly house: House
  readonly organization: Organization
}

/** Keys that a resource server keeps, which reaches the house by a proxy. */
async function open(t: TestContext, { house, organization }: Scene, count: number) {
  const keys = await makeKeys(house, organization, count)
  const proxy = await startTcpProxy(t, house.url)
  const reports = await protectBy(t, house, { url: proxy.url, boundMs })
  for (const { secret } of keys) await untilKept(reports, secret)
  return { keys, proxy, ...reports, reports }
}

async function staysFaultless(t: TestContext, scene: Scene) {
  const { keys, latchkey, questions } = await open(t, scene, 15)
  const presenting = present(latchkey, keys)
  const before = questions().credentials
  const committed = await revokeAll(scene.house, keys.slice(0, 12), 10)
  await sleep(boundMs)
  await presenting.stop()
  assertBound(committed, presenting.lastLetIn)
  for (const { secret } of keys.slice(12)) assert.ok((await latchkey.verify(bearing(secret))).ok)
  assert.ok(questions().credentials > before, 'those that were revoked were asked about again')
}

const losesStream = (fault: 'cut' | 'hold') => async (t: TestContext, scene: Scene) => {
  const { keys, proxy, latchkey, reports } = await open(t, scene, 16)
  const presenting = present(latchkey, keys)
  proxy[fault]('stream')
  const committed = await revokeAll(scene.house, keys.slice(0, 10), 60)
  await sleep(boundMs)
  const good = keys[15]?.secret ?? ''
  assert.ok((await latchkey.verify(bearing(good))).ok, 'a good one is let in by asking')
  proxy.mend()
  for (const [id, at] of await revokeAll(scene.house, keys.slice(10, 15), 60)) committed.set(id, at)
  await sleep(boundMs)
  await presenting.stop()
  assert.equal(committed.size, 15)
  assertBound(committed, presenting.lastLetIn)
  await untilKept(reports, good)
}

async function losesServer(t: TestContext, { house, organization }: Scene) {
  const [one, two] = await makeKeys(house, organization, 2)
  assert.ok(one && two)
  const proxy = await startTcpProxy(t, house.url)
  const options = { url: proxy.url, boundMs }
  const shut = await protectBy(t, house, options)
  const reads = { whenAway: 'allow-known-reads', allowKnownReadsForMs: boundMs + 2000 } as const
  const open = await protectBy(t, house, { ...options, ...reads })
  for (const reports of [shut, open]) await untilKept(reports, one.secret)
  const codeOf = async ({ latchkey }: Protected, secret: string, method = 'GET') => {
    const verdict = await latchkey.verify(bearing(secret, method))
    return verdict.ok ? (verdict.isStale ? 'stale' : 'ok') : verdict.code
  }
  const away = performance.now()
  proxy.cut('all')
  const seen = new Set<string>()
  while (performance.now() < away + boundMs) {
    seen.add(await codeOf(shut, one.secret))
    await sleep(20)
  }
  assert.ok(seen.has('ok'), 'for the bound it is not needed')
  assert.equal(await codeOf(shut, one.secret), 'unavailable')
  assert.equal(await codeOf(open, one.secret), 'stale')
  assert.equal(await codeOf(open, one.secret, 'HEAD'), 'stale')
  assert.equal(await codeOf(open, one.secret, 'POST'), 'unavailable', 'a write')
  assert.equal(await codeOf(open, two.secret), 'unavailable', 'never seen')
  const lacking = await open.latchkey.verify(bearing(one.secret), { scopes: ['read:customers'] })
  assert.ok(!lacking.ok && lacking.code === 'insufficient_scope', 'known is what it may do, too')
  await sleep(Math.max(0, away + reads.allowKnownReadsForMs + 100 - performance.now()))
  assert.equal(await codeOf(open, one.secret), 'unavailable', 'not for ever')
  assert.ok(shut.errors.length > 0)
  await revoke(house, one.key)
  proxy.mend()
  while ((await codeOf(shut, two.secret)) !== 'ok') await sleep(20)
  assert.equal(await codeOf(shut, one.secret), 'invalid_credential')
  await untilKept(open, two.secret)
}

/** It wakes with old lines in its connection, and must take none of them for new. */
async function isStopped(t: TestContext, { house, organization }: Scene) {
  const keys = await makeKeys(house, organization, 4)
  const { id, secret } = await resourceServer(house)
  const proxy = await startTcpProxy(t, house.url)
  const args = ['--import', 'tsx', 'test/support/verifier.mjs', proxy.url, id, secret, String(boundMs)]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const seen: { index: number; at: number; ok: boolean }[] = []
  createInterface({ input: child.stdout }).on('line', (line) => seen.push(JSON.parse(line)))
  child.stdin.write(keys.map((it) => `${it.secret}\n`).join(''))
  const until = async (isSo: () => boolean) => {
    while (!isSo()) await sleep(10)
  }
  const asked = () => questionsBy(house, id).credentials
  const committed = new Map<number, number>()
  for (const indexes of [[0, 1], [2]]) {
    for (let before = -1; before !== asked(); ) {
      before = asked()
      const from = seen.length
      await until(() => seen.slice(from).filter(({ index, ok }) => ok && index === 3).length > 20)
      if (committed.size > 0) break // those that are revoked by now are asked about each time
    }
    child.kill('SIGSTOP')
    for (const index of indexes) {
      const made = keys[index]
      assert.ok(made)
      // One at once, the others when lines have come that it has not read; and of the last no line tells.
      await sleep(index === 0 ? 0 : 700)
      if (index === 2) proxy.cut('stream')
      await revoke(house, made.key)
      committed.set(index, Date.now())
    }
    await sleep(boundMs + 300)
    const stopped = seen.length
    child.kill('SIGCONT')
    await until(() => seen.length > stopped + 40)
  }
  child.stdin.end()
  await once(child, 'exit')
  const late = seen.filter(({ index, at, ok }) => ok && at > (committed.get(index) ?? Infinity) + boundMs)
  assert.deepEqual(late, [])
}

async function losesListener(t: TestContext, scene: Scene) {
  const { keys, latchkey, reports } = await open(t, scene, 12)
  const presenting = present(latchkey, keys)
  let goesOn = true
  const cutting = (async () => {
    while (goesOn) {
      await scene.house.asOwner(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'latchkey node' and datname = current_database()`,
      )
      await sleep(40)
    }
  })()
  const committed = await revokeAll(scene.house, keys.slice(0, 10), 50)
  await sleep(boundMs)
  goesOn = false
  await cutting
  await presenting.stop()
  assertBound(committed, presenting.lastLetIn)
  await untilKept(reports, keys[11]?.secret ?? '')
}

test('no credential is let in later than the bound after it was revoked', {
  concurrency: true,
}, async (t) => {
  const house = await startHouse(t)
  const scene = { house, organization: await house.organization('Acme') }
  // They wait more than they work.
  await Promise.all([
    t.test('without a fault, as soon as the stream says so', (t) => staysFaultless(t, scene)),
    t.test('with the stream cut, and again when that is over', (t) => losesStream('cut')(t, scene)),
    t.test('with the stream held up, and again when that is over', (t) => losesStream('hold')(t, scene)),
    t.test('with the server away; known reads go on where the owner said so', (t) => losesServer(t, scene)),
    t.test('in a process that was stopped', (t) => isStopped(t, scene)),
  ])
  await t.test('with a node whose own connection is cut again and again', (t) => losesListener(t, scene))
})
