// Time-based one-time passwords (RFC 6238) as every authenticator app makes them: SHA-1, 6 digits, 30 seconds.
import { TOTP, Secret as TotpKey } from 'otpauth'
import { Secret } from '../lib/secret.ts'

const form = { algorithm: 'SHA1', digits: 6, period: 30 } as const
/** Codes of the step before and after are taken too: clocks differ, and typing takes time (section 5.2). */
const window = 1
const keyBytes = 20 // RFC 4226 section 4, R6

/** A new shared secret, in base32 as apps take it when it is typed. */
export function newTotpSecret(): Secret {
  return new Secret(new TotpKey({ size: keyBytes }).base32)
}

/** The time step whose code this is; null for a wrong code. */
export function stepOfCode(secret: Secret, code: string, now: Date): number | null {
  if (!/^\d{6}$/.test(code)) return null
  const timestamp = now.getTime()
  const key = TotpKey.fromBase32(secret.reveal())
  const delta = TOTP.validate({ ...form, token: code, secret: key, timestamp, window })
  return delta === null ? null : TOTP.counter({ period: form.period, timestamp }) + delta
}

/** What an app reads from a QR code, or opens as a link: as secret as the secret. */
export function totpLink(secret: Secret, issuer: string, account: string): Secret {
  const totp = new TOTP({ ...form, secret: secret.reveal(), issuer, label: account })
  return new Secret(totp.toString())
}
