// Recovery codes: for who has lost the app that makes the codes. Each works once.
import { type Digest, sha256 } from '../lib/digest.ts'
import { randomBase32 } from '../lib/random.ts'

export const recoveryCodeCount = 10
const length = 16 // 80 bits: nobody guesses one, so that a plain SHA-256 may be kept

/** Ten codes as a person writes them down: `4k7d-0x2m-9rqa-tz5c`. */
export function newRecoveryCodes(): readonly string[] {
  return Array.from({ length: recoveryCodeCount }, () => randomBase32(length).replace(/(.{4})(?!$)/g, '$1-'))
}

/** What is kept and compared; null for what is none. Read kindly: case, spaces, dashes, O for 0, I or L for 1. */
export function recoveryCodeHash(typed: string): Digest | null {
  const plain = typed
    .normalize('NFKC')
    .toLowerCase()
    .replace(/[\s\p{Pd}]/gu, '')
    .replaceAll('o', '0')
    .replace(/[il]/g, '1')
  return /^[0-9a-hjkmnp-tv-z]{16}$/.test(plain) ? sha256(plain) : null
}
