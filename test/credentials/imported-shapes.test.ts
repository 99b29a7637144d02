// What imported secrets look like, and what a text costs that is none.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createLog } from '../../src/core/telemetry.ts'
import {
  createImportedShapes,
  createShapeSet,
  type KeyShape,
  refreshEveryMs,
  shapeOf,
} from '../../src/credentials/imported-shapes.ts'
import { randomBase62 } from '../../src/lib/random.ts'

test('the shape of a secret: words in front of it, and its length; never a part of what is random', () => {
  const body = randomBase62(24)
  for (const prefix of ['sk_live_', 'ghp_', 'acme_v2_test_', 'ACME_LIVE_'])
    assert.deepEqual(shapeOf(prefix + body), { prefix, length: prefix.length + 24 })
  for (const secret of [body, `AbCd_${body}`, `x_${body}`, 'sk_live_abc_defghijklmnop', `0a_${body}`])
    assert.equal(shapeOf(secret).prefix.length <= 'sk_live_'.length, true, secret)
  assert.equal(shapeOf(`AbCd_${body}`).prefix, '')
  assert.equal(shapeOf('sk_live_short1234').prefix, '', 'what is left has to be secret by itself')
  for (let n = 0; n < 2000; n += 1) {
    const { prefix, length } = shapeOf(randomBytes(24).toString('base64url'))
    assert.ok(length - prefix.length >= 16)
  }
})

test('many prefixes of one length are none', () => {
  const shapes = createShapeSet([])
  const letters = 'abcdefghijklmnopqrstuvwxyz'
  for (let n = 0; n < 400; n += 1)
    shapes.add({ prefix: `${letters.charAt(n % 26)}${letters.charAt(n / 26)}_`, length: 40 })
  const noted = shapes.takeNew()
  assert.equal(noted.length, 51)
  assert.deepEqual(noted.at(-1), { prefix: '', length: 40 })
  assert.deepEqual(shapes.takeNew(), [])
  assert.ok(shapes.matches('x'.repeat(40)))
  assert.ok(!shapes.matches('x'.repeat(41)))
})

test('what comes in asks nobody: the shapes are read by the clock, and those of before stay while they can not be', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  let known: KeyShape[] | null = [{ prefix: 'sk_', length: 20 }]
  let loads = 0
  const load = async () => {
    loads += 1
    if (!known) throw new Error('away')
    return known
  }
  const shapes = createImportedShapes(load, createLog('silent'))
  t.after(shapes.close)
  await shapes.reload()
  for (let n = 0; n < 50; n += 1) assert.equal(await shapes.match('x'.repeat(20)), false)
  assert.equal(await shapes.match(`sk_${'x'.repeat(17)}`), true)
  for (const length of [0, 15, 513]) assert.equal(await shapes.match('x'.repeat(length)), false)
  assert.equal(loads, 1)

  known = null
  t.mock.timers.tick(refreshEveryMs)
  await shapes.reload()
  assert.equal(await shapes.match(`sk_${'x'.repeat(17)}`), true, 'what is known stays')
  known = [{ prefix: '', length: 0 }]
  t.mock.timers.tick(refreshEveryMs)
  await shapes.reload()
  assert.equal(await shapes.match('y'.repeat(512)), true, 'a server learns of an import')
  assert.equal(await shapes.match('y'.repeat(513)), false)
  const asked = loads
  shapes.close()
  t.mock.timers.tick(10 * refreshEveryMs)
  assert.equal(loads, asked)
})

test('what comes in before the shapes are known waits for them, and is not refused for want of them', async (t) => {
  const secret = `sk_${'x'.repeat(17)}`
  let loads = 0
  const answers: (() => Promise<KeyShape[]>)[] = [
    () => Promise.reject(new Error('away')),
    async () => [{ prefix: 'sk_', length: 20 }],
  ]
  const load = () => {
    loads += 1
    return answers.shift()?.() ?? Promise.reject(new Error('asked too often'))
  }
  const shapes = createImportedShapes(load, createLog('silent'))
  t.after(shapes.close)
  await assert.rejects(async () => shapes.match(secret), /away/)
  assert.deepEqual(await Promise.all([secret, secret, 'x'.repeat(20)].map((text) => shapes.match(text))), [
    true,
    true,
    false,
  ])
  assert.equal(loads, 2, 'however many wait')
})
