// The turnstile of one process, which counts in its memory.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createLog } from '../../src/core/telemetry.ts'
import { createTallies } from '../../src/limits/tallies.ts'
import { createTurnstile, type Verdict } from '../../src/limits/turnstile.ts'
import { stopClock } from '../support/stopped-clock.ts'

const classes = {
  both: [
    { requests: 5, seconds: 60 },
    { requests: 2, seconds: 1 },
  ],
  one: [{ requests: 3, seconds: 60 }],
}

function start(t: TestContext) {
  const log = createLog('silent')
  const turnstile = createTurnstile(classes, { redisUrl: null, shared: null, log })
  t.after(() => turnstile.close())
  return {
    ...turnstile,
    take: (rateClass: keyof typeof classes, who = 'ann'): Verdict => {
      const verdict = turnstile.take(rateClass, who)
      assert.ok(!(verdict instanceof Promise), 'nobody waits for what memory decides')
      return verdict
    },
  }
}

const passes = ({ retryAfter }: Verdict) => retryAfter === null

test('whoever has an IPv6 network has all its addresses, and is counted once', (t) => {
  const turnstile = start(t)
  const one = ['2001:db8:1:2::1', '2001:0DB8:0001:2:ffff::9', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::7']
  assert.deepEqual(
    one.map((who) => passes(turnstile.take('one', who))),
    [true, true, true, false],
  )
  for (const other of ['2001:db8:1:3::1', '::1', '192.0.2.1', '192.0.2.2', 'ann', 'https://app.example'])
    assert.equal(turnstile.take('one', other).allowance.remaining, 2, other)
})

test('every window of a class must have room; the one that refuses is told, and counts nothing in the others', (t) => {
  stopClock(t)
  const turnstile = start(t)
  const now = Date.now()
  assert.deepEqual(turnstile.take('both'), {
    allowance: { limit: 5, remaining: 4, resetSeconds: 60, resetsAt: now + 60_000 },
    retryAfter: null,
  })
  t.mock.timers.tick(400)
  assert.equal(passes(turnstile.take('both')), true)
  for (let time = 0; time < 3; time += 1)
    assert.deepEqual(turnstile.take('both'), {
      allowance: { limit: 2, remaining: 0, resetSeconds: 1, resetsAt: now + 1000 },
      retryAfter: 1,
    })
  assert.equal(passes(turnstile.take('both', 'bob')), true, 'each for himself')
  t.mock.timers.tick(600)
  const { allowance } = turnstile.take('both')
  assert.deepEqual([allowance.limit, allowance.remaining, allowance.resetSeconds], [5, 2, 59])
})

test('a window is over at its end, not before, and a clock that was set back makes none longer', (t) => {
  stopClock(t)
  const turnstile = start(t)
  for (let time = 0; time < 3; time += 1) assert.equal(passes(turnstile.take('one')), true)
  t.mock.timers.tick(59_999)
  assert.equal(turnstile.take('one').retryAfter, 1)
  t.mock.timers.tick(1)
  assert.deepEqual(turnstile.take('one').allowance.remaining, 2)
  t.mock.timers.setTime(Date.now() - 3_600_000)
  const { allowance } = turnstile.take('one')
  assert.deepEqual([allowance.remaining, allowance.resetSeconds], [2, 60])
})

test('a refused request is a problem for those who ask for one, and the allowance is told before', async (t) => {
  const turnstile = start(t)
  const told: number[] = []
  const pass = () => turnstile.pass('one', 'ann', ({ remaining }) => told.push(remaining))
  for (let time = 0; time < 3; time += 1) await pass()
  await assert.rejects(pass(), { code: 'rate_limit_exceeded', details: { retryAfter: 60 } })
  assert.deepEqual(told, [2, 1, 0, 0])
})

test('a request can be taken back, and what was refused was never counted', async (t) => {
  const turnstile = start(t)
  for (let time = 0; time < 10; time += 1) {
    assert.equal(passes(turnstile.take('one')), true)
    await turnstile.refund('one', 'ann')
  }
  for (let time = 0; time < 6; time += 1) turnstile.take('one')
  await turnstile.refund('one', 'ann')
  assert.deepEqual([passes(turnstile.take('one')), passes(turnstile.take('one'))], [true, false])
  await turnstile.refund('one', 'nobody')
  assert.equal(turnstile.take('one', 'nobody').allowance.remaining, 2)
})

test('a flood of strangers fills no memory and takes no count of others; their own oldest go', (t) => {
  const tallies = createTallies(1000)
  t.after(() => tallies.close())
  const customers = { name: 'api', windows: [{ requests: 9, seconds: 60 }] }
  const strangers = { name: 'refused', windows: [{ requests: 9, seconds: 60 }] }
  for (let one = 0; one < 400; one += 1) tallies.take(customers, `key ${one}`)
  for (let one = 0; one < 50_000; one += 1) tallies.take(strangers, `address ${one}`)
  assert.equal(tallies.size(), 1000)
  for (let one = 0; one < 400; one += 1)
    assert.equal(tallies.take(customers, `key ${one}`).allowance.remaining, 7)
  assert.equal(tallies.take(strangers, 'address 49999').allowance.remaining, 7, 'the newest are known')
  assert.equal(tallies.take(strangers, 'address 0').allowance.remaining, 8)
})

test('what is over is forgotten by itself, and what is not is kept', (t) => {
  t.mock.timers.enable({ apis: ['Date', 'setInterval'], now: Date.now() })
  const tallies = createTallies()
  t.after(() => tallies.close())
  const short = { name: 'short', windows: [{ requests: 9, seconds: 10 }] }
  const long = { name: 'long', windows: [{ requests: 9, seconds: 600 }] }
  for (let one = 0; one < 5000; one += 1) tallies.take(short, `${one}`)
  for (let one = 0; one < 50; one += 1) tallies.take(long, `${one}`)
  t.mock.timers.tick(9000)
  assert.equal(tallies.size(), 5050)
  for (let second = 0; second < 120; second += 1) t.mock.timers.tick(1000)
  assert.equal(tallies.size(), 50)
  assert.equal(tallies.take(long, '7').allowance.remaining, 7)
})
