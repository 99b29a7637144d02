import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Problem } from '../../src/core/problems.ts'
import { Secret } from '../../src/lib/secret.ts'
import { type Allowance, createTurnstile, type Turnstile } from '../../src/limits/turnstile.ts'
import { freePort } from '../support/port.ts'

const classes = {
  both: [
    { requests: 5, seconds: 60 },
    { requests: 2, seconds: 1 },
  ],
  one: [{ requests: 3, seconds: 60 }],
}

async function pass(turnstile: Turnstile, rateClass: keyof typeof classes, who = 'ann') {
  let allowance: Allowance | undefined
  try {
    await turnstile.pass(rateClass, who, (told) => {
      allowance = told
    })
    return { passed: true, allowance }
  } catch (thrown) {
    assert.ok(thrown instanceof Problem && thrown.code === 'rate_limit_exceeded')
    return { passed: false, allowance }
  }
}

test('whoever has an IPv6 network has all its addresses, and is counted once', async (t) => {
  const turnstile = createTurnstile(classes, null)
  t.after(() => turnstile.close())
  const one = ['2001:db8:1:2::1', '2001:0DB8:0001:2:ffff::9', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::7']
  const passed: boolean[] = []
  for (const who of one) passed.push((await pass(turnstile, 'one', who)).passed)
  assert.deepEqual(passed, [true, true, true, false])
  for (const other of ['2001:db8:1:3::1', '::1', '192.0.2.1', '192.0.2.2', 'ann'])
    assert.equal((await pass(turnstile, 'one', other)).allowance?.remaining, 2, other)
})

test('every window of a class must have room; the one that refuses is told', async () => {
  const turnstile = createTurnstile(classes, null)
  const { resetsAt, ...told } = (await pass(turnstile, 'both')).allowance ?? {}
  assert.deepEqual(told, { limit: 5, remaining: 4, resetSeconds: 60 })
  assert.ok(Math.abs((resetsAt ?? 0) - Date.now() - 60_000) < 5000, 'it is when the window is over')
  assert.equal((await pass(turnstile, 'both')).passed, true)
  const refused = await pass(turnstile, 'both')
  assert.equal(refused.passed, false)
  assert.deepEqual([refused.allowance?.limit, refused.allowance?.remaining], [2, 0])
  assert.equal((await pass(turnstile, 'both', 'bob')).passed, true, 'each for himself')
  await sleep(1100)
  const next = await pass(turnstile, 'both')
  assert.deepEqual(
    [next.passed, next.allowance?.remaining],
    [true, 2],
    'what the narrow window refused does not count',
  )
})

test('a request can be taken back', async () => {
  const turnstile = createTurnstile(classes, null)
  for (let time = 0; time < 10; time += 1) {
    assert.equal((await pass(turnstile, 'one')).passed, true)
    await turnstile.refund('one', 'ann')
  }
})

/** A Redis of the test's own; null where none is installed. */
async function startRedis(t: TestContext): Promise<{ url: Secret; child: ChildProcess } | null> {
  if (spawnSync('redis-server', ['--version']).error) return null
  const port = await freePort()
  const child = spawn('redis-server', ['--port', String(port), '--save', '', '--bind', '127.0.0.1'], {
    stdio: 'ignore',
  })
  t.after(() => child.kill('SIGKILL'))
  return { url: new Secret(`redis://127.0.0.1:${port}`), child }
}

test('with Redis the count is common to all nodes, and while it is away each counts by itself', async (t) => {
  const redis = await startRedis(t)
  if (!redis) {
    t.skip('no redis-server on this machine')
    return
  }
  const [one, two] = [createTurnstile(classes, redis.url), createTurnstile(classes, redis.url)]
  t.after(() => Promise.all([one.close(), two.close()]))
  await untilCommon(one, two)
  const common = [
    await pass(one, 'one'),
    await pass(two, 'one'),
    await pass(one, 'one'),
    await pass(two, 'one'),
  ]
  assert.deepEqual(
    common.map(({ passed }) => passed),
    [true, true, true, false],
  )

  redis.child.kill('SIGKILL')
  await once(redis.child, 'exit')
  const alone = []
  for (let time = 0; time < 4; time += 1) alone.push((await pass(one, 'one', 'bob')).passed)
  assert.deepEqual(alone, [true, true, true, false], 'no request fails for it, and the limit holds')
})

/** Both nodes are connected once one hears of what the other counted. */
async function untilCommon(one: Turnstile, two: Turnstile): Promise<void> {
  for (let time = 0; time < 100; time += 1) {
    await pass(one, 'both', `probe ${time}`)
    const { allowance } = await pass(two, 'both', `probe ${time}`)
    if (allowance?.remaining === 3) return
    await sleep(50)
  }
  assert.fail('Redis did not come up')
}
