// ULIDs (26 characters of Crockford's base 32: 48 bits of time, 80 of chance), the shape that our
// contracts give to request ids and to resources.
import { randomFillSync } from 'node:crypto'

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
// One request needs one id: drawing 10 bytes at a time would cost more than the rest of the id.
const pool = Buffer.allocUnsafe(10 * 256)
let used = pool.length
let lastTime = -1
let lastTimeText = ''

/** A new ULID for the time `now` (ms since 1970); ids of one millisecond are in no order. */
export function ulid(now: number = Date.now()): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  if (now !== lastTime) {
    lastTime = now
    lastTimeText = timeText(now)
  }
  let text = lastTimeText
  for (let at = used; at < used + 10; at += 5) text += forty(at)
  used += 10
  return text
}

function timeText(now: number): string {
  let text = ''
  for (let rest = now, digit = 0; digit < 10; digit += 1, rest = Math.floor(rest / 32))
    text = alphabet.charAt(rest % 32) + text
  return text
}

/** Five bytes are eight characters of five bits. */
function forty(at: number): string {
  const bits = pool.readUIntBE(at, 5)
  const [high, low] = [Math.floor(bits / 0x100000), bits % 0x100000]
  return pair(high >>> 10) + pair(high & 1023) + pair(low >>> 10) + pair(low & 1023)
}

/** Two characters at a time: most of an id's cost is in putting it together. */
const pairs = Array.from(
  { length: 1024 },
  (_, bits) => alphabet.charAt(bits >>> 5) + alphabet.charAt(bits & 31),
)

const pair = (bits: number): string => pairs[bits] ?? ''
