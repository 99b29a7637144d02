// DPoP proofs (RFC 9449 section 4.2) with a key that lives as long as one try.
import { generateKeyPairSync, sign } from 'node:crypto'
import { sha256 } from '../lib/digest.ts'
import { randomToken } from '../lib/random.ts'
import { epochSeconds } from '../lib/time.ts'

export interface Proven {
  readonly method: string
  readonly url: string
  /** The access token that comes with the request; undefined for none. */
  readonly token: string | undefined
}

/** Makes a key; gives what makes a proof with it for each request. */
export function createProver(): (request: Proven) => string {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' })
  const head = encode({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } })
  return ({ method, url, token }) => {
    const claims = {
      jti: randomToken(),
      htm: method,
      htu: url,
      iat: epochSeconds(new Date()),
      ...(token === undefined ? {} : { ath: sha256(token).toString('base64url') }),
    }
    const signed = `${head}.${encode(claims)}`
    const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' })
    return `${signed}.${signature.toString('base64url')}`
  }
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
