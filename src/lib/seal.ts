// Texts kept where others may read: AES-256-GCM, a fresh nonce each time.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const nonceBytes = 12
const tagBytes = 16

/** nonce (12 bytes), tag (16 bytes), ciphertext. `key` is 32 bytes. */
export function seal(key: Buffer, text: string): Buffer {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), body])
}

/** The text that was sealed; null when the key is another or a byte was changed. */
export function unseal(key: Buffer, sealed: Buffer): string | null {
  if (sealed.length < nonceBytes + tagBytes) return null
  const opener = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes))
  opener.setAuthTag(sealed.subarray(nonceBytes, nonceBytes + tagBytes))
  try {
    return opener.update(sealed.subarray(nonceBytes + tagBytes), undefined, 'utf8') + opener.final('utf8')
  } catch {
    return null // the one way in which GCM says that key or text is not the sealed one
  }
}
