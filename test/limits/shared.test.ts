// Several processes and no Redis: they count together by way of PostgreSQL.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLog } from '../../src/core/telemetry.ts'
import { openDatabase } from '../../src/db/connect.ts'
import { Secret } from '../../src/lib/secret.ts'
import { exchangeCounts, type Told } from '../../src/limits/rate-count-store.ts'
import { createSharedCounts } from '../../src/limits/shared-counts.ts'
import { createTallies } from '../../src/limits/tallies.ts'
import { createTurnstile, type Turnstile, type Verdict } from '../../src/limits/turnstile.ts'
import { createTestDatabase, queryDatabase } from '../support/database.ts'

const classes = {
  few: [{ requests: 10, seconds: 600 }],
  many: [{ requests: 90, seconds: 600 }],
  short: [
    { requests: 30, seconds: 5 },
    { requests: 500, seconds: 600 },
  ],
}

/** So many turnstiles, each as in a process of its own, on one database; `before` stands before the table. */
async function start(
  t: TestContext,
  nodes: () => number,
  turnstiles: number,
  before: (told: readonly Told[]) => void | Promise<void> = () => {},
) {
  const url = await createTestDatabase(t)
  const secret = new Secret(url)
  const lines: string[] = []
  const log = createLog('info', { write: (line: string) => lines.push(line) })
  const open = () => {
    const database = openDatabase({ kind: 'url', url: secret, directUrl: secret })
    const turnstile = createTurnstile(classes, {
      redisUrl: null,
      shared: {
        nodes,
        exchange: async (told) => {
          await before(told)
          return await exchangeCounts(database, told)
        },
      },
      log,
    })
    t.after(async () => {
      await turnstile.close()
      await database.close()
    })
    return turnstile
  }
  return { url, all: Array.from({ length: turnstiles }, open), log: () => lines.join('') }
}

const passes = ({ retryAfter }: Verdict) => retryAfter === null
const countPasses = (verdicts: readonly Verdict[]) => verdicts.filter(passes).length

/** So many requests at once, the turnstiles by turns. */
const burst = (all: readonly Turnstile[], rateClass: keyof typeof classes, who: string, requests: number) =>
  Promise.all(
    Array.from({ length: requests }, async (_, index) => await all[index % all.length]?.take(rateClass, who)),
  ).then((verdicts) => verdicts.filter((verdict) => verdict !== undefined))

/** Requests to each by turns, until none passes; how many did. */
async function untilFull(all: readonly Turnstile[], rateClass: keyof typeof classes, who: string) {
  let passed = 0
  for (let more = 1; more > 0; passed += more) {
    await sleep(150)
    more = countPasses(await burst(all, rateClass, who, 2 * all.length))
  }
  return passed
}

test('a limit of few requests is exact over all processes, also for many at once', async (t) => {
  const { all } = await start(t, () => 3, 3)
  for (const who of ['ann', 'bob', 'https://app.example/client', 'eve'.repeat(3000)]) {
    const verdicts = await burst(all, 'few', who, 30)
    assert.equal(countPasses(verdicts), 10, who.slice(0, 30))
    const left = verdicts.filter(passes).map(({ allowance }) => allowance.remaining)
    assert.equal(Math.min(...left), 0)
    assert.ok(verdicts.every((verdict) => passes(verdict) || verdict.retryAfter === 600))
  }
  // One after the other it is told exactly too.
  const told = []
  for (let time = 0; time < 12; time += 1) told.push(await all[time % 3]?.take('few', 'one by one'))
  assert.deepEqual(
    told.map((verdict) => verdict?.allowance.remaining),
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0, 0, 0],
  )
})

test('what one gives back another may use', async (t) => {
  const { all } = await start(t, () => 2, 2)
  const [one, two] = all
  assert.ok(one && two)
  assert.equal(countPasses(await burst(all, 'few', 'ann', 14)), 10)
  await one.refund('few', 'ann')
  let isHeard = false
  for (let time = 0; time < 40 && !isHeard; time += 1) {
    await sleep(150)
    isHeard = passes(await two.take('few', 'ann'))
  }
  assert.ok(isHeard)
  assert.equal(countPasses(await burst(all, 'few', 'ann', 6)), 0, 'it was one')
})

test('a limit of many requests: one burst may pass less than the limit more than once; then it is known to all', async (t) => {
  const { all } = await start(t, () => 3, 3)
  for (let round = 0; round < 5; round += 1) {
    const who = `burst ${round}`
    const passed = countPasses(await burst(all, 'many', who, 400)) + (await untilFull(all, 'many', who))
    assert.ok(passed >= 90 && passed <= 90 + 60, `${passed} passed`)
  }
})

test('spread over time a limit of many requests is nearly exact, and each hears of the others', async (t) => {
  const { all } = await start(t, () => 3, 3)
  const verdicts: Verdict[] = []
  for (let time = 0; time < 60; time += 1) {
    verdicts.push(...(await burst(all, 'many', 'ann', 3)))
    await sleep(20)
  }
  const passed = countPasses(verdicts) + (await untilFull(all, 'many', 'ann'))
  assert.ok(passed >= 90 && passed <= 150, `${passed} passed`)
  for (const turnstile of all) {
    const { allowance, retryAfter } = await turnstile.take('many', 'ann')
    assert.equal(allowance.remaining, 0)
    assert.ok(retryAfter !== null && retryAfter <= 600)
  }
})

test('a window ends for all at the same time, and a wider one goes on', async (t) => {
  const { all, url } = await start(t, () => 2, 2)
  const [one, two] = all
  assert.ok(one && two)
  const passed = countPasses(await burst(all, 'short', 'ann', 100))
  assert.ok(passed >= 30 && passed <= 45, `${passed} passed`)
  await sleep(300)
  const [first, second] = [await one.take('short', 'ann'), await two.take('short', 'ann')]
  assert.ok(!passes(first) && !passes(second))
  assert.ok(Math.abs(first.allowance.resetsAt - second.allowance.resetsAt) < 500)
  // What each hears of the rest of a window is as old as the answer was long under way, and says so a little later.
  await sleep(Math.max(first.allowance.resetsAt, second.allowance.resetsAt) - Date.now() + 250)
  const again = countPasses(await burst(all, 'short', 'ann', 100))
  assert.ok(again >= 30 && again <= 45, `${again} passed`)
  await Promise.all(all.map((turnstile) => turnstile.close()))
  const counts = await queryDatabase<{ count: number }>(url, 'select count from rate_counts order by 1')
  assert.deepEqual(counts, [{ count: again }, { count: passed + again }])
})

test('one process alone asks nobody; when another comes it tells it all that counts still', async (t) => {
  let nodes = 1
  let exchanges = 0
  const { all } = await start(
    t,
    () => nodes,
    2,
    () => {
      exchanges += 1
    },
  )
  const [one, two] = all
  assert.ok(one && two)
  for (let time = 0; time < 9; time += 1) {
    assert.ok(!(one.take('few', 'ann') instanceof Promise))
    assert.ok(!(one.take('many', 'ann') instanceof Promise))
  }
  await sleep(250)
  assert.equal(exchanges, 0)
  nodes = 2
  assert.equal(passes(await one.take('few', 'ann')), true)
  assert.equal(passes(await two.take('few', 'ann')), false, 'it is the eleventh')
  assert.equal(passes(await one.take('many', 'ann')), true)
  // One tells within a tenth of a second or, on a busy machine, later.
  for (let taken = 1; ; taken += 1) {
    await sleep(250)
    const { allowance } = await two.take('many', 'ann')
    if (allowance.remaining === 90 - 10 - taken) break
    assert.ok(taken < 40, `it hears of the ten: ${allowance.remaining} after ${taken}`)
  }
})

test('while the table is away each process counts by itself from what it knew; then they tell', async (t) => {
  let isAway = false
  const { all, log } = await start(
    t,
    () => 2,
    2,
    () => {
      if (isAway) throw new Error('the database is away')
    },
  )
  const [one, two] = all
  assert.ok(one && two)
  for (let time = 0; time < 3; time += 1) {
    await one.take('few', 'ann')
    await two.take('few', 'ann')
  }
  isAway = true
  const alone = [
    countPasses(await burst([one], 'few', 'ann', 20)),
    countPasses(await burst([two], 'few', 'ann', 20)),
  ]
  // Of the ten six were known to the second, and five to the first, that was not there when the sixth came.
  assert.deepEqual(alone, [5, 4])
  assert.equal(countPasses(await burst(all, 'few', 'bob', 40)), 20)
  assert.equal(log().match(/counts the rate limits by itself/g)?.length, 2)
  isAway = false
  for (let waited = 0; (log().match(/counted together again/g)?.length ?? 0) < 2; waited += 1) {
    assert.ok(waited < 100, 'they count together again')
    await sleep(100)
  }
  assert.equal(countPasses(await burst(all, 'few', 'ann', 20)), 0)
  assert.equal(countPasses(await burst(all, 'few', 'eve', 20)), 10)
})

test('a table that does not answer keeps nobody waiting for long, and one statement at a time', async (t) => {
  let waiting = 0
  let most = 0
  const gate: { open: () => void } = { open: () => {} }
  const never = new Promise<void>((resolve) => {
    gate.open = resolve
  })
  const { all } = await start(
    t,
    () => 2,
    1,
    async () => {
      waiting += 1
      most = Math.max(most, waiting)
      await never
      waiting -= 1
    },
  )
  assert.equal(countPasses(await burst(all, 'few', 'ann', 15)), 10)
  // The others' answers are there at once: nobody else waits for it.
  assert.ok(!(all[0]?.take('few', 'bob') instanceof Promise))
  await sleep(1500)
  assert.equal(most, 1)
  gate.open()
})

test('a flood of strangers while the table is away is not kept for it; who counts the most is told first', async (t) => {
  const tallies = createTallies(2100)
  t.after(() => tallies.close())
  const rateClass = { name: 'many', windows: classes.many }
  let isAway = true
  const told: (readonly Told[])[] = []
  const exchange = async (lines: readonly Told[]) => {
    if (isAway) throw new Error('the database is away')
    told.push(lines)
    return []
  }
  const counts = createSharedCounts({ nodes: () => 2, exchange }, tallies, createLog('fatal'))
  t.after(() => counts.close())
  await counts.take({ name: 'few', windows: classes.few }, 'ann') // what finds out that the table is away
  for (let stranger = 0; stranger < 20_000; stranger += 1) counts.take(rateClass, `stranger ${stranger}`)
  for (let time = 0; time < 50; time += 1) counts.take(rateClass, 'customer')
  isAway = false
  const all = () => told.flat()
  for (let waited = 0; told.length < 3; waited += 1) {
    assert.ok(waited < 100, 'all is told')
    await sleep(100)
  }
  await sleep(500)
  assert.equal(all()[0]?.delta, 50)
  assert.ok(all().length <= 2100 + 1, String(all().length))
})
