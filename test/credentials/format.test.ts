import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadProfile } from '../../src/core/profile.ts'
import { createFormat } from '../../src/credentials/format.ts'
import { packageRoot } from '../../src/lib/package-root.ts'

const { prefixes } = loadProfile('boothzen', join(packageRoot, 'profiles')).credentials
const format = createFormat(prefixes)

test('K1: a secret is a prefix, 30 random characters and 6 of a checksum, and is read back as what it is', () => {
  for (const kind of ['api_key', 'access_token', 'refresh_token', 'authorization_code'] as const) {
    for (const mode of ['live', 'test'] as const) {
      const secret = format.write(kind, mode).reveal()
      const prefix = format.prefix(kind, mode)
      assert.match(secret, new RegExp(`^${prefix}[0-9A-Za-z]{36}$`))
      assert.match(secret, /^\w+$/, 'a double click selects all of it')
      assert.equal(format.read(secret), kind)
    }
  }
})

test('K1: a secret with any character changed, added, left out or swapped is none', () => {
  const secret = format.write('api_key', 'live').reveal()
  for (let at = 0; at < secret.length; at += 1) {
    for (const other of ['A', 'z', '0', '_', ' ', 'é']) {
      if (secret[at] === other) continue
      assert.equal(format.read(secret.slice(0, at) + other + secret.slice(at + 1)), null, `${other} at ${at}`)
    }
    assert.equal(format.read(secret.slice(0, at) + secret.slice(at + 1)), null, `without ${at}`)
    const [here, next] = [secret[at] ?? '', secret[at + 1] ?? '']
    const swapped = secret.slice(0, at) + next + here + secret.slice(at + 2)
    if (swapped !== secret) assert.equal(format.read(swapped), null, `swapped at ${at}`)
  }
  for (const text of [
    '',
    ' ',
    secret + secret,
    `${secret} `,
    `${secret}\n`,
    secret.toUpperCase(),
    secret.replace('live', 'test'),
  ]) {
    assert.equal(format.read(text), null, JSON.stringify(text))
  }
})

test('the checksum is CRC-32 in base 62, so that others can compute it', () => {
  const body = `bz_live_${'0'.repeat(30)}`
  assert.equal(format.read(body + checksumByHand(body)), 'api_key')
})

/** CRC-32 bit by bit, as its definition says (polynomial 0xEDB88320, reflected). */
function checksumByHand(text: string): string {
  let crc = 0xffffffff
  for (const byte of Buffer.from(text)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  let rest = (crc ^ 0xffffffff) >>> 0
  const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  let out = ''
  for (let digit = 0; digit < 6; digit += 1) {
    out = alphabet.charAt(rest % 62) + out
    rest = Math.floor(rest / 62)
  }
  return out
}
