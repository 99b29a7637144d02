// What the library makes of things that come in an order in which a real server sends them once in a million times: a
// node here that says what the test wants, when it wants.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createCoverage } from '../../src/resource-server/coverage.ts'
import { createResourceServer } from '../../src/resource-server/entry.ts'
import { createMemory } from '../../src/resource-server/memory.ts'
import { later, now } from '../../src/resource-server/moment.ts'
import { createTranslation } from '../../src/resource-server/translation.ts'
import { createWire } from '../../src/resource-server/wire.ts'
import { bearing } from '../support/protected-api.ts'

const hashOf = (credential: string) => createHash('sha256').update(credential).digest('base64url')

/** Far more than anything here takes, on any machine: what does not come by then does not come. */
const patienceMs = 20_000

const active = {
  ...{ active: true, scope: 'read:bookings', client_id: 'key_1', sub: 'key_1', key_id: 'key_1' },
  ...{ aud: 'https://x.example', iat: 1, org_id: 'org_1', mode: 'live', credential_type: 'api_key' },
}

/** A node whose clock is an hour behind ours. Streams begin by themselves; what else is told the test says. */
async function startNode(t: TestContext, { speaks = true } = {}) {
  const behind = 3_600_000
  const streams: ServerResponse[] = []
  const questions: {
    credentials: { credential: string }[]
    answer: (results: object[], ageMs?: number) => void
  }[] = []
  const server = createServer(async (req, res) => {
    if (req.url === '/verify/changes') {
      streams.push(res)
      res.writeHead(200)
      if (speaks) res.write(`${JSON.stringify({ kind: 'hello', now: performance.now() - behind })}\n`)
      return
    }
    const { credentials } = (await json(req)) as { credentials: { credential: string }[] }
    questions.push({
      credentials,
      answer: (results, ageMs = 0) => res.end(JSON.stringify({ results, now: Date.now(), age_ms: ageMs })),
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const until = async <T>(give: () => T | undefined): Promise<T> => {
    for (const end = performance.now() + patienceMs; performance.now() < end; await sleep(2)) {
      const it = give()
      if (it !== undefined) return it
    }
    throw new Error('what was waited for did not come')
  }
  const tell = (stream: number, line: object) => streams[stream]?.write(`${JSON.stringify(line)}\n`)
  return {
    url,
    streams,
    questions,
    until,
    tell,
    /** All that was committed so many ms ago has been told. */
    tellMoment: (stream = 0, agoMs = 0) =>
      tell(stream, { kind: 'as_of', as_of: performance.now() - behind - agoMs }),
    changed: (stream: number, credential: string) =>
      tell(stream, { kind: 'changed', hashes: [hashOf(credential)] }),
    question: (index: number) => until(() => questions[index]),
    /** Time for what was written to be read. */
    heard: () => sleep(60),
  }
}

async function open(t: TestContext) {
  const node = await startNode(t)
  const options = { url: node.url, clientId: 'a', clientSecret: 'b', boundMs: 1500, onError: () => {} }
  const latchkey = createResourceServer(options)
  t.after(() => latchkey.close())
  await node.until(() => node.streams[0])
  await node.heard()
  const verify = (credential: string) => latchkey.verify(bearing(credential)).then(({ ok }) => ok)
  return { ...node, verify }
}

test('an answer that was under way when a change of it was heard is asked for again', async (t) => {
  const { verify, question, changed, tellMoment, heard, questions } = await open(t)
  const asked = verify('one')
  const first = await question(0)
  changed(0, 'one')
  await heard()
  first.answer([active]) // from before the change, perhaps
  ;(await question(1)).answer([{ active: false }])
  assert.equal(await asked, false)

  // Of another credential nothing was heard: one question does.
  tellMoment()
  const other = verify('two')
  ;(await question(2)).answer([active])
  assert.equal(await other, true)
  assert.equal(await verify('two'), true)
  assert.equal(questions.length, 3, 'it is kept')
})

test('who is closed asks nobody any more, and lets nobody in by a question that was under way', async (t) => {
  const node = await startNode(t)
  const latchkey = createResourceServer({
    url: node.url,
    clientId: 'a',
    clientSecret: 'b',
    onError: () => {},
  })
  const asked = latchkey.verify(bearing('one'))
  await node.question(0)
  latchkey.close()
  const verdict = await asked
  assert.equal(verdict.ok || verdict.code, 'unavailable')
  await node.heard()
  assert.equal(node.questions.length, 1)
})

test('an answer that may be older than a change, or than the stream, is used once and not kept', async (t) => {
  const { verify, question, changed, tellMoment, heard, questions, tell } = await open(t)
  tellMoment()
  changed(0, 'one')
  await heard()
  const stale = verify('one')
  ;(await question(0)).answer([active], 500) // another node, that is half a second behind
  assert.equal(await stale, true)
  const again = verify('one')
  ;(await question(1)).answer([{ active: false }])
  assert.equal(await again, false)

  tell(0, { kind: 'reset' })
  tellMoment()
  await heard()
  const early = verify('two')
  ;(await question(2)).answer([active], 500)
  assert.equal(await early, true)
  const kept = verify('two')
  ;(await question(3)).answer([active])
  assert.equal(await kept, true)
  assert.equal(await verify('two'), true)
  assert.equal(questions.length, 4)
  tell(0, { kind: 'reset' })
  await heard()
  const forgotten = verify('two')
  ;(await question(4)).answer([active])
  assert.equal(await forgotten, true)
})

test('an answer that says too old a truth, or is none, lets nobody in', async (t) => {
  const { verify, question } = await open(t)
  for (const [index, spoil] of [
    (it: Awaited<ReturnType<typeof question>>) => it.answer([active], 2000),
    (it: Awaited<ReturnType<typeof question>>) => it.answer([]),
    (it: Awaited<ReturnType<typeof question>>) => it.answer([{ active: true }]),
    (it: Awaited<ReturnType<typeof question>>) => it.answer([{ ...active, mode: 'all' }]),
    (it: Awaited<ReturnType<typeof question>>) => it.answer([{ ...active, exp: 1 }]),
  ].entries()) {
    const asked = verify(`number-${index}`)
    spoil(await question(index))
    assert.equal(await asked, false, String(index))
  }
})

test('without a moment that is recent nothing is kept in use, and a moment is never taken for a later one', async (t) => {
  const { verify, question, tellMoment, heard } = await open(t)
  let index = 0
  const isAsked = async () => {
    const asked = verify('one')
    const answered = await Promise.race([asked, sleep(150, 'asked' as const)])
    if (answered !== 'asked') return false
    ;(await question(index)).answer([active])
    index += 1
    return await asked
  }
  assert.equal(await isAsked(), true)
  assert.equal(await isAsked(), true, 'no moment was told')
  tellMoment(0, 1600)
  await heard()
  assert.equal(await isAsked(), true, 'one that is too long ago')
  tellMoment(0, 200)
  await heard()
  assert.equal(await isAsked(), false)
  await sleep(1400)
  assert.equal(await isAsked(), true, 'it runs out')

  const sentAt = now()
  const translate = createTranslation(sentAt, 5000)
  const soon = later(sentAt, 1000)
  const moment = translate(5500, soon)
  assert.ok(moment !== null && moment <= sentAt.monotonic + 500 && moment > sentAt.monotonic + 490)
  const afterHour = translate(5000 + 3_600_000, later(sentAt, 3_600_000))
  assert.ok(afterHour !== null && afterHour <= sentAt.monotonic + 3_600_000 - 3_600, 'clocks drift')
  const slept = { monotonic: soon.monotonic, wall: soon.wall + 60_000 }
  assert.equal(translate(5500, slept), null, 'the machine slept')
})

test('one stream takes the place of another without a gap', async (t) => {
  const node = await startNode(t)
  const wire = createWire({ url: node.url, clientId: 'a', clientSecret: 'b' })
  const memory = createMemory(100, 1500)
  const coverage = createCoverage({ wire, memory, boundMs: 1500, onError: () => {}, renewMs: 300 })
  t.after(() => {
    coverage.close()
    wire.close()
  })
  const allowed = {
    ok: true as const,
    kind: 'api_key' as const,
    keyId: 'key_1',
    organization: 'org_1',
    mode: 'live' as const,
  }
  const known = {
    allowed: {
      ...allowed,
      scopes: new Set<string>(),
      audience: 'x',
      issuedAt: new Date(),
      expiresAt: null,
      isStale: false,
    },
    isBound: false,
    isForOneAddress: false,
    lifeMs: Infinity,
  }
  const keep = (name: string) => {
    const kept = { known, address: null, endsAt: later(now(), 60_000), askAgainAt: Infinity, wasUsed: false }
    memory.put(hashOf(name), kept, performance.now())
  }
  await node.until(() => node.streams[0])
  await node.heard()
  for (const name of ['one', 'two', 'three']) keep(name)
  assert.equal(memory.size, 3)
  node.tellMoment(0)
  await node.until(() => node.streams[1])
  await node.heard()
  assert.equal(memory.size, 3, 'what is known outlives it')
  // The new one has begun. What was committed before that, the old one alone may have to tell.
  node.tellMoment(1)
  node.tellMoment(0, 1000)
  node.changed(0, 'one')
  await node.heard()
  assert.equal(memory.size, 2)
  assert.ok(!node.streams[0]?.destroyed, 'the old one is heard until it has told all of that')
  node.changed(1, 'two')
  node.tellMoment(0)
  await node.until(() => (node.streams[0]?.destroyed ? true : undefined))
  assert.equal(memory.size, 1, 'both are heard')
  assert.ok(coverage.isCurrent(now()))
  // And one that is lost with none beside it: what comes after it knows of no change in between.
  node.streams[1]?.destroy()
  await node.heard()
  assert.equal(memory.size, 1)
  await node.until(() => node.streams[2])
  await node.heard()
  assert.equal(memory.size, 0)
})
