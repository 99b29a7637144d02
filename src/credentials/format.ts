// How a secret is written: <prefix><30 base62><6 base62 of CRC-32>, so that leak scanners find it and a
// slip of the hand is refused without a query (decision 3). It knows the text, never the database.
import { crc32 } from 'node:zlib'
import type { Mode } from '../core/principal.ts'
import type { Profile } from '../core/profile.ts'
import { randomBase62, toBase62 } from '../lib/random.ts'
import { Secret } from '../lib/secret.ts'

const randomLength = 30 // 178 bits
const checksumLength = 6 // 62^6 is more than 2^32
/** How many characters come after the prefix. */
export const tailLength = randomLength + checksumLength
const tail = new RegExp(`^[0-9A-Za-z]{${tailLength}}$`)

const secretKinds = [
  'api_key',
  'access_token',
  'refresh_token',
  'authorization_code',
  'platform_key',
  /** With which an app may register (RFC 7591 section 3). */
  'registration_token',
  /** With which a registration is managed (RFC 7592). */
  'registration_access_token',
] as const

/** What a secret claims to be, by its prefix; only a look-up makes it true. */
export type SecretKind = (typeof secretKinds)[number]

export interface SecretFormat {
  /** A new secret of 178 random bits. Some kinds have one prefix for both modes. */
  write(kind: SecretKind, mode: Mode): Secret
  /** The kind of a well-formed secret of ours with a right checksum; null for any other text. */
  read(text: string): SecretKind | null
  prefix(kind: SecretKind, mode: Mode): string
}

/** The format under a profile's prefixes. */
export function createFormat(prefixes: Profile['credentials']['prefixes']): SecretFormat {
  const known = secretKinds.flatMap((kind) => {
    const written = prefixes[kind]
    const each =
      typeof written === 'string' ? [written] : [written.live, ...(written.test ? [written.test] : [])]
    return each.map((start) => [start, kind] as const)
  })
  const prefix = (kind: SecretKind, mode: Mode): string => {
    const written = prefixes[kind]
    const found = typeof written === 'string' ? written : written[mode]
    if (found === undefined) throw new Error(`the profile has no ${mode} mode`)
    return found
  }
  return {
    prefix,
    write: (kind, mode) => {
      const body = prefix(kind, mode) + randomBase62(randomLength)
      return new Secret(body + checksum(body))
    },
    read: (text) => {
      const row = known.find(([start]) => text.startsWith(start) && tail.test(text.slice(start.length)))
      if (!row) return null
      const body = text.slice(0, -checksumLength)
      // The checksum is no secret: it is computed from what the caller sent, so plain comparison will do.
      return checksum(body) === text.slice(-checksumLength) ? row[1] : null
    },
  }
}

function checksum(body: string): string {
  return toBase62(crc32(body), checksumLength)
}
