// Limits of three processes with one Redis, which is killed, comes back, and stands still.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createLog } from '../../src/core/telemetry.ts'
import { Secret } from '../../src/lib/secret.ts'
import { createTurnstile } from '../../src/limits/turnstile.ts'
import { ask, askAtOnce, countPassed, type LimitedServers, startLimited } from '../support/limited-servers.ts'
import { freePort } from '../support/port.ts'
import type { ServerProcess } from '../support/server-process.ts'

const limit = 40
const seconds = 600
const over = 20

async function startRedis(t: TestContext, port: number): Promise<ChildProcess> {
  const child = spawn('redis-server', ['--port', String(port), '--save', '', '--bind', '127.0.0.1'], {
    stdio: 'ignore',
  })
  t.after(() => child.kill('SIGKILL'))
  const client = new Redis(port, '127.0.0.1', { retryStrategy: () => 50, maxRetriesPerRequest: null })
  client.on('error', () => {}) // until it listens
  await client.ping()
  client.disconnect()
  return child
}

const awayWords = 'Redis does not answer'
const backWords = 'Redis counts the rate limits again'
const timesTold = (servers: readonly ServerProcess[], words: string) =>
  servers.map(({ stdout }) => stdout().split(words).length - 1)

/** Waits until each has told it once more than `before`: what is printed comes a moment later. */
async function untilTold(
  servers: readonly ServerProcess[],
  words: string,
  before: readonly number[],
): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end; await sleep(50))
    if (timesTold(servers, words).every((times, index) => times > (before[index] ?? 0))) return
  assert.fail(`they do not tell: ${words}`)
}

/** Waits until what one counts is counted for the others too. */
async function untilCommon({ servers, key }: LimitedServers): Promise<void> {
  for (const end = Date.now() + 20_000; Date.now() < end; await sleep(100)) {
    const one = await key()
    const remaining = []
    for (const server of servers) remaining.push((await ask(server, one)).remaining)
    if (remaining.at(-1) === limit - servers.length) return
  }
  assert.fail('the servers do not count together')
}

test('three processes and one Redis', async (t) => {
  if (spawnSync('redis-server', ['--version']).error) {
    t.skip('no redis-server on this machine')
    return
  }
  const port = await freePort()
  const first = await startRedis(t, port)
  const env = { REDIS_URL: `redis://127.0.0.1:${port}` }
  const limited = await startLimited(t, 3, { requests: limit, seconds }, env)
  const { servers, key } = limited
  await untilCommon(limited)

  await t.test(
    'of so many and twenty more at once exactly so many pass, each told what it left',
    async () => {
      const before = timesTold(servers, awayWords)
      const answers = await askAtOnce(servers, await key(), limit + over)
      assert.deepEqual(timesTold(servers, awayWords), before, 'Redis was there all the time')
      assert.equal(countPassed(answers), limit)
      const passed = answers.filter(({ status }) => status === 200)
      assert.deepEqual(
        passed.map(({ remaining }) => remaining).sort((a, b) => a - b),
        Array.from({ length: limit }, (_, index) => index),
      )
      for (const { status, limit: told, remaining, reset, retryAfter } of answers) {
        assert.equal(told, limit)
        assert.ok(reset > seconds - 60 && reset <= seconds, `${reset} s`)
        if (status === 429) assert.deepEqual([remaining, retryAfter], [0, String(reset)])
      }
    },
  )

  await t.test('what one refuses counts in no window, and what one gives back another may use', async () => {
    const windows = [
      { requests: 5, seconds: 600 },
      { requests: 2, seconds: 60 },
    ]
    const parts = { redisUrl: new Secret(env.REDIS_URL), shared: null, log: createLog('silent') }
    const pair = [
      createTurnstile({ both: windows }, parts),
      createTurnstile({ both: windows }, parts),
    ] as const
    t.after(() => Promise.all(pair.map((turnstile) => turnstile.close())))
    const [one, two] = pair
    for (let time = 0; ; time += 1) {
      await one.take('both', `probe ${time}`)
      if ((await two.take('both', `probe ${time}`)).allowance.remaining === 3) break
      assert.ok(time < 100, 'both are connected')
      await sleep(50)
    }
    const told = []
    for (const turnstile of [one, two, one, two, one]) {
      const { allowance, retryAfter } = await turnstile.take('both', 'ann')
      told.push([allowance.limit, allowance.remaining, retryAfter === null])
    }
    assert.deepEqual(told, [
      [5, 4, true],
      [5, 3, true],
      [2, 0, false],
      [2, 0, false],
      [2, 0, false],
    ])
    await one.refund('both', 'ann')
    const { allowance } = await two.take('both', 'ann')
    assert.deepEqual([allowance.limit, allowance.remaining], [5, 3])
    assert.notEqual((await one.take('both', 'ann')).retryAfter, null)
  })

  await t.test(
    'killed under load: 200 and 429 alone, and each process goes on from what it knew',
    async () => {
      const known = await key()
      // By the first alone: no other process knows of it.
      for (let time = 0; time < limit - 5; time += 1) await ask(servers[0], known)
      const before = timesTold(servers, awayWords)
      const loaded = await key()
      let isLoaded = true
      const load = Promise.all(
        servers.map(async (server) => {
          while (isLoaded) countPassed([await ask(server, loaded)])
        }),
      )
      await sleep(100)
      first.kill('SIGKILL')
      await once(first, 'exit')
      await untilTold(servers, awayWords, before)
      isLoaded = false
      await load
      const alone = await Promise.all(servers.map((server) => askAtOnce([server], known, limit + over)))
      assert.deepEqual(alone.map(countPassed), [5, limit, limit])
    },
  )

  await t.test(
    'back, and empty: it counts for all again; standing still it keeps nobody waiting',
    async () => {
      const second = await startRedis(t, port)
      await untilCommon(limited)
      await untilTold(servers, backWords, [0, 0, 0])
      assert.equal(countPassed(await askAtOnce(servers, await key(), limit + over)), limit)

      const before = timesTold(servers, awayWords)
      second.kill('SIGSTOP')
      // No connection is closed and none refused: only the time tells.
      assert.equal(countPassed(await askAtOnce(servers, await key(), 30)), 30)
      await untilTold(servers, awayWords, before)
      second.kill('SIGCONT')
      await untilCommon(limited)
    },
  )

  await t.test(
    'a connection on which nothing is said is told of, and given up for another one',
    async (t) => {
      let isMute = true
      const proxy = createServer((near) => {
        near.on('error', () => {})
        if (isMute) return
        const far = connect(port, '127.0.0.1').on('error', () => {})
        near.pipe(far).pipe(near)
      }).listen(0, '127.0.0.1')
      await once(proxy, 'listening')
      t.after(() => proxy.close())
      const address = proxy.address()
      assert.ok(address !== null && typeof address !== 'string')
      const lines: string[] = []
      const log = createLog('info', { write: (line: string) => lines.push(line) })
      const redisUrl = new Secret(`redis://127.0.0.1:${address.port}`)
      const turnstile = createTurnstile(
        { mute: [{ requests: 5, seconds } as const] },
        { redisUrl, shared: null, log },
      )
      t.after(() => turnstile.close())
      const untilTold = async (words: string) => {
        for (const end = Date.now() + 20_000; !lines.join('').includes(words); await sleep(50)) {
          await turnstile.take('mute', String(Date.now()))
          assert.ok(Date.now() < end, `it does not tell: ${words}`)
        }
      }
      await untilTold(awayWords)
      isMute = false
      await untilTold(backWords)
    },
  )
  for (const server of servers) assert.doesNotMatch(server.stdout(), /"level":"(error|fatal)"/)
})
