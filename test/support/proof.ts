// A client's key, and the proofs that it signs by hand (RFC 9449): for those that no library would make.
import {
  calculateJwkThumbprint,
  exportJWK,
  type GenerateKeyPairResult,
  generateKeyPair,
  type JWK,
  SignJWT,
} from 'jose'
import { sha256 } from '../../src/lib/digest.ts'

export interface ClientKey {
  readonly privateKey: GenerateKeyPairResult['privateKey']
  readonly publicJwk: JWK
  readonly privateJwk: JWK
  readonly algorithm: string
  readonly thumbprint: string
}

export async function makeKey(algorithm = 'ES256'): Promise<ClientKey> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  const publicJwk = await exportJWK(publicKey)
  return {
    privateKey,
    publicJwk,
    privateJwk: await exportJWK(privateKey),
    algorithm,
    thumbprint: await calculateJwkThumbprint(publicJwk),
  }
}

export interface Signing {
  readonly method?: string
  readonly url: string
  readonly accessToken?: string
  /** Claims, and parts of the header, in place of the right ones; undefined leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
}

let last = 0

/** A proof as it should be, but for what is asked to be otherwise. */
export function signProof(
  key: ClientKey,
  { method = 'POST', url, accessToken, claims = {}, header = {} }: Signing,
): Promise<string> {
  last += 1
  const payload = {
    jti: `proof ${last}`,
    htm: method,
    htu: url,
    iat: Math.floor(Date.now() / 1000),
    ...(accessToken === undefined ? {} : { ath: sha256(accessToken).toString('base64url') }),
    ...claims,
  }
  return new SignJWT(payload)
    .setProtectedHeader({ alg: key.algorithm, typ: 'dpop+jwt', jwk: key.publicJwk, ...header })
    .sign(key.privateKey)
}
