// Who is calling, as a JWT (RFC 7519, RFC 7515) that a server verifies by /oauth/jwks: for those that trust no header.
import { createPrivateKey, type KeyObject, sign } from 'node:crypto'
import type { Operation } from '../core/contract.ts'
import type { Principal } from '../core/principal.ts'
import { printedScopes } from '../core/scopes.ts'
import type { Soon } from '../lib/soon.ts'
import { type Clock, epochSeconds } from '../lib/time.ts'
import type { SigningJwk } from './signing-keys.ts'

export interface AssertionParts {
  /** The key to sign with at this moment; asked every few seconds, so that a rotation is seen without a restart. */
  readonly readKey: () => Promise<SigningJwk>
  /** `iss`: PUBLIC_URL. */
  readonly issuer: string
  /** `aud`: the resource that our API is. */
  readonly audience: string
  readonly clock: Clock
}

/** The type in its header (RFC 8725 section 3.11): it can be taken for no other JWT. */
export const assertionType = 'latchkey-identity+jwt'
/** So long it is good; none is given out that is good for less than half of that. */
export const assertionSeconds = 60
/** So long a key is used before it is asked for again, in ms. */
const keptMs = 5000

interface Signer {
  readonly header: string
  readonly key: KeyObject
}

interface Signed {
  readonly text: string
  readonly by: Signer
  readonly at: number
}

/**
 * Makes the assertion that this principal calls this operation. The same is given again for half of its life, since to
 * sign costs as much as all the rest of a check; so it is bound to the operation, and not to one request.
 */
export type Assert = (who: Principal, operation: Operation) => Soon<string>

export function createAssertions({ readKey, issuer, audience, clock }: AssertionParts): Assert {
  const kept = new WeakMap<Principal, Map<Operation, Signed>>()
  let signer: Signer | null = null
  let readAt = Number.NEGATIVE_INFINITY
  let reading: Promise<Signer> | null = null

  const read = async (): Promise<Signer> => {
    try {
      const jwk = await readKey()
      const header = encode({ alg: jwk.alg, typ: assertionType, kid: jwk.kid })
      if (signer?.header !== header)
        signer = { header, key: createPrivateKey({ key: { ...jwk }, format: 'jwk' }) }
      readAt = performance.now()
      return signer
    } finally {
      reading = null
    }
  }
  const give = (who: Principal, operation: Operation, by: Signer): string => {
    const now = epochSeconds(clock())
    const ofWho = kept.get(who) ?? new Map<Operation, Signed>()
    const known = ofWho.get(operation)
    const age = now - (known?.at ?? 0)
    if (known && known.by === by && age >= 0 && age < assertionSeconds / 2) return known.text
    const end = now + assertionSeconds
    const claims = {
      iss: issuer,
      aud: audience,
      ...claimsOf(who),
      scope: printedScopes(who.scopes),
      operation: operation.id,
      iat: now,
      exp: who.expiresAt ? Math.min(end, Math.ceil(who.expiresAt.getTime() / 1000)) : end,
    }
    const text = signJws(by, claims)
    kept.set(who, ofWho.set(operation, { text, by, at: now }))
    return text
  }
  return (who, operation) => {
    if (signer && performance.now() - readAt < keptMs) return give(who, operation, signer)
    reading ??= read()
    return reading.then((by) => give(who, operation, by))
  }
}

/** In the words of introspection, so that a server reads both alike. */
function claimsOf(who: Principal): object {
  switch (who.kind) {
    case 'platform_key':
      return {
        sub: who.platform,
        client_id: who.platform,
        credential_type: who.kind,
        platform_id: who.platform,
      }
    case 'api_key':
      return { sub: who.key, client_id: who.key, ...ofTenant(who), key_id: who.key }
    case 'access_token':
      return { sub: who.person, client_id: who.client, ...ofTenant(who), grant_id: who.grant }
  }
}

const ofTenant = ({ kind, organization, mode }: Exclude<Principal, { readonly kind: 'platform_key' }>) => ({
  org_id: organization,
  mode,
  credential_type: kind,
})

/** RFC 7515 section 7.1, ES256 as RFC 7518 section 3.4 has it: the two numbers side by side. */
function signJws({ header, key }: Signer, claims: object): string {
  const signed = `${header}.${encode(claims)}`
  const signature = sign('sha256', Buffer.from(signed), { key, dsaEncoding: 'ieee-p1363' })
  return `${signed}.${signature.toString('base64url')}`
}

const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
