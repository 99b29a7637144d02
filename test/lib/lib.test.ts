// Facts about the world: randomness, ids, seals, secrets that do not print.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { deriveKey, equal, sha256 } from '../../src/lib/digest.ts'
import { randomBase62, toBase62 } from '../../src/lib/random.ts'
import { seal, unseal } from '../../src/lib/seal.ts'
import { Secret } from '../../src/lib/secret.ts'
import { ulid } from '../../src/lib/ulid.ts'

test('K2: secrets are drawn evenly from 62 characters, and never twice', () => {
  const draws = Array.from({ length: 20_000 }, () => randomBase62(30))
  assert.equal(new Set(draws).size, draws.length)
  for (const position of [0, 14, 29]) {
    const counts = new Map<string, number>()
    for (const draw of draws) counts.set(draw.charAt(position), (counts.get(draw.charAt(position)) ?? 0) + 1)
    const expected = draws.length / 62
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
    assert.equal(counts.size, 62)
    // 61 degrees of freedom: beyond 130 one time in a million.
    assert.ok(chiSquare < 130, `position ${position}: ${chiSquare}`)
  }
})

test('a number in base 62 has a fixed length and no other writing', () => {
  assert.equal(toBase62(0, 6), '000000')
  assert.equal(toBase62(61, 6), '00000z')
  assert.equal(toBase62(2 ** 32 - 1, 6), '4gfFC3')
})

test('ULIDs are of their shape, in the order of their times, and never the same', () => {
  const ids = Array.from({ length: 5000 }, () => ulid(1_700_000_000_000))
  assert.equal(new Set(ids).size, ids.length)
  for (const id of ids.slice(0, 50)) assert.match(id, /^01HF7YAT00[0-9A-HJKMNP-TV-Z]{16}$/)
  assert.ok(ulid(1) < ulid(2) && ulid(2) < ulid(1_700_000_000_000))
})

test('a seal opens with its key alone, and not when a byte was changed', () => {
  const [key, other] = [deriveKey('one', 'purpose'), deriveKey('two', 'purpose')]
  assert.notDeepEqual(key, deriveKey('one', 'another purpose'))
  const sealed = seal(key, 'the answer')
  assert.notDeepEqual(sealed, seal(key, 'the answer'))
  assert.equal(unseal(key, sealed), 'the answer')
  assert.equal(unseal(other, sealed), null)
  assert.equal(unseal(key, sealed.subarray(0, 20)), null)
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed)
    changed.writeUInt8((changed.readUInt8(at) + 1) % 256, at)
    assert.equal(unseal(key, changed), null, `byte ${at}`)
  }
})

test('a secret prints as [secret], however it is printed', () => {
  const secret = new Secret('hunter2')
  const prints = [
    `${secret}`,
    String(secret),
    JSON.stringify({ secret }),
    inspect(secret),
    inspect({ secret }, { showHidden: true }),
  ]
  for (const print of prints) assert.ok(print.includes('[secret]') && !print.includes('hunter2'), print)
  assert.equal(secret.reveal(), 'hunter2')
})

test('texts of equal and of different length are compared', () => {
  assert.ok(equal('same', 'same'))
  assert.ok(!equal('same', 'sane') && !equal('same', 'longer') && !equal('', 'x'))
  assert.equal(sha256('').toString('hex'), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
})
