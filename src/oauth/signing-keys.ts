// The authorization server's signing keys (RFC 7517), common to all nodes: in the database, sealed under
// the cookie keys, so that a dump of the database signs nothing.
import { generateKeyPairSync } from 'node:crypto'
import type { Tx } from '../db/connect.ts'
import { deriveKey } from '../lib/digest.ts'
import { randomToken } from '../lib/random.ts'
import { seal, unseal } from '../lib/seal.ts'
import type { Secret } from '../lib/secret.ts'
import type { JWKS } from './engine.ts'

const sealPurpose = 'latchkey signing key v1'

/**
 * The keys that one of `cookieKeys` (newest first) opens; one is made when there is none.
 * @param tx in a transaction that other starting processes wait for
 */
export async function loadSigningKeys(
  tx: Tx,
  cookieKeys: readonly Secret[],
): Promise<{ readonly keys: JWKS; readonly created: boolean }> {
  const openers = cookieKeys.map((key) => deriveKey(key.reveal(), sealPurpose))
  const [newest] = openers
  if (!newest) throw new Error('no cookie keys')
  const rows: { sealed: Buffer }[] = await tx('signing_keys').orderBy('created_at', 'desc').select('sealed')
  const opened = rows.flatMap(
    ({ sealed }) => openers.map((key) => unseal(key, sealed)).find((text) => text !== null) ?? [],
  )
  if (opened.length > 0) return { keys: { keys: opened.map((text) => JSON.parse(text)) }, created: false }

  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = {
    ...privateKey.export({ format: 'jwk' }),
    kid: randomToken().slice(0, 16),
    use: 'sig',
    alg: 'ES256',
  }
  await tx('signing_keys').insert({ id: jwk.kid, sealed: seal(newest, JSON.stringify(jwk)) })
  // What export() makes of an elliptic-curve key is a JWK; its type in node is wider than the engine's.
  return { keys: { keys: [jwk] } as JWKS, created: true }
}
