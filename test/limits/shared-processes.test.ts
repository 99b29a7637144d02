// Limits of three server processes without Redis, on one PostgreSQL.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { ask, askAtOnce, countPassed, startLimited } from '../support/limited-servers.ts'
import type { ServerProcess } from '../support/server-process.ts'

const limit = 90
const seconds = 600
/** A process lets pass by itself at most its part of the limit: what the two others have not told of. */
const most = limit + (2 * limit) / 3

/** A request to each by turns, until each tells that so many are used at least. */
async function untilHeard(servers: readonly ServerProcess[], key: string, used: number): Promise<void> {
  for (let round = 0; round < 12; round += 1) {
    await sleep(250)
    const told = await askAtOnce(servers, key, servers.length)
    if (told.every(({ remaining }) => remaining <= limit - used)) return
  }
  assert.fail('what one counts is not heard by the others')
}

test('three processes without Redis', async (t) => {
  const { servers, key } = await startLimited(t, 3, { requests: limit, seconds })
  await sleep(1000) // each has seen the others

  await t.test('at once they let pass less than twice the limit, and then nothing', async () => {
    for (let round = 0; round < 3; round += 1) {
      const one = await key()
      let passed = countPassed(await askAtOnce(servers, one, 2 * limit))
      for (let more = 1; more > 0; passed += more) {
        await sleep(250)
        more = countPassed(await askAtOnce(servers, one, 12))
      }
      assert.ok(passed >= limit && passed <= most, `${passed} passed`)
      for (const server of servers) {
        const { remaining, reset, retryAfter } = await ask(server, one)
        assert.deepEqual([remaining, retryAfter], [0, String(reset)])
        assert.ok(reset > seconds - 60 && reset <= seconds, `${reset} s`)
      }
    }
  })

  await t.test('each hears what the others let pass, and it outlives them', async () => {
    const one = await key()
    for (let time = 0; time < 50; time += 1) await ask(servers[2], one)
    await untilHeard(servers, one, 50)
    await servers[2]?.stop('SIGKILL')
    const passed = countPassed(await askAtOnce(servers.slice(0, 2), one, 2 * limit))
    assert.ok(passed < (limit - 50) * 2, `${passed} passed`)
  })
})
