// Randomness from the operating system's generator, in the shapes that we print.
// It knows alphabets and lengths, and nothing of what the text is for.
import { randomBytes, randomFillSync } from 'node:crypto'

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const base36 = '0123456789abcdefghijklmnopqrstuvwxyz'
/** Douglas Crockford's: without letters that are read as digits, or as one another. */
const base32 = '0123456789abcdefghjkmnpqrstvwxyz'

/** `length` characters of 0-9A-Za-z, each equally likely (5.95 bits a character). */
export function randomBase62(length: number): string {
  return randomText(base62, length)
}

/** `length` characters of 0-9a-z, each equally likely (5.17 bits a character). */
export function randomBase36(length: number): string {
  return randomText(base36, length)
}

/** `length` characters that are easily told apart and typed, each equally likely (5 bits a character). */
export function randomBase32(length: number): string {
  return randomText(base32, length)
}

/** 32 bytes as 43 characters of base64url: a cookie value, a link token. */
export function randomToken(): string {
  return randomBytes(32).toString('base64url')
}

/** A number written in base 62, padded with zeros on the left to `length` characters. */
export function toBase62(value: number, length: number): string {
  let text = ''
  for (let rest = value; rest > 0; rest = Math.floor(rest / 62)) text = base62.charAt(rest % 62) + text
  return text.padStart(length, '0')
}

function randomText(alphabet: string, length: number): string {
  // Bytes at or above the largest multiple of the alphabet's size are thrown away: a plain modulo would
  // make the alphabet's first characters likelier.
  const limit = 256 - (256 % alphabet.length)
  let text = ''
  while (text.length < length) {
    const byte = randomByte()
    if (byte < limit) text += alphabet.charAt(byte % alphabet.length)
  }
  return text
}

// Drawn in blocks: asking the generator for each text would cost more than all the rest of making it.
const block = Buffer.alloc(4096)
let used = block.length

function randomByte(): number {
  if (used === block.length) {
    randomFillSync(block)
    used = 0
  }
  const byte = block.readUInt8(used)
  // What a secret was made of stays nowhere.
  block.writeUInt8(0, used)
  used += 1
  return byte
}
