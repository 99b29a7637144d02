// Hashes and comparisons of secrets. It knows bytes, and nothing of what they open.
import { createHmac, hash, hkdfSync, timingSafeEqual } from 'node:crypto'

declare const digested: unique symbol
/** SHA-256 of a secret: what is stored and looked up, never the secret. */
export type Digest = Buffer & { readonly [digested]: true }

/** The 32 bytes of SHA-256 over the UTF-8 text, or over bytes. */
export function sha256(text: string | Buffer): Digest {
  // The brand is minted here alone.
  return hash('sha256', text, 'buffer') as Digest
}

declare const digestedText: unique symbol
/** The same bytes as a text of 32 characters (latin1), to find things by in memory. */
export type DigestText = string & { readonly [digestedText]: true }

/** SHA-256 over the UTF-8 text, at a third of what `sha256` costs. */
export function sha256Text(text: string): DigestText {
  return hash('sha256', text, 'binary') as DigestText // minted here and below alone
}

export function textOf(digest: Digest): DigestText {
  return digest.toString('latin1') as DigestText
}

export function bytesOf(text: DigestText): Digest {
  return Buffer.from(text, 'latin1') as Digest
}

/** HMAC-SHA-256 as base64url, for tokens that we recompute rather than store. */
export function hmac(key: string | Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('base64url')
}

/** Equality in constant time for equal lengths; unequal lengths are unequal at once. */
export function equal(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)]
  return a.length === b.length && timingSafeEqual(a, b)
}

/** 32 bytes of key for one purpose, by HKDF-SHA-256 (RFC 5869). */
export function deriveKey(secret: string, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret, '', purpose, 32))
}

/** A SHA-256 as others have written it: 64 hexadecimal digits, or base64 with or without its padding; else null. */
export function readDigest(text: string): Digest | null {
  const isHex = /^[0-9a-f]{64}$/i.test(text)
  if (!isHex && !/^[0-9A-Za-z+/_-]{43}=?$/.test(text)) return null
  // 32 bytes that somebody says are a hash are as good as one: nothing is opened but by what hashes to it.
  return Buffer.from(text, isHex ? 'hex' : 'base64') as Digest
}
