// Proof of possession (RFC 9449): that whoever sends a request holds the key that a token is bound to.
import { calculateJwkThumbprint, EmbeddedJWK, type JWTVerifyResult, jwtVerify } from 'jose'
import type { ClientId } from '../core/ids.ts'
import { type Digest, equal, sha256 } from '../lib/digest.ts'
import { addSeconds, type Clock, epochSeconds } from '../lib/time.ts'

/** What a proof may be signed with: EdDSA is the older name of Ed25519. */
export const proofAlgorithms = ['ES256', 'Ed25519', 'EdDSA'] as const

/** A proof's time may be so far from ours, in seconds: the clocks of phones are wrong by minutes. */
export const proofWindowSeconds = 300
/** The last moment at which a proof that is taken now could be taken again lies so far ahead. */
export const proofMemorySeconds = 2 * proofWindowSeconds
const longestId = 256

export type ProofMistakeKind = 'malformed' | 'other_key' | 'replayed'

/** What is wrong with a proof; the message is for whoever made it. */
export class ProofMistake extends Error {
  readonly kind: ProofMistakeKind

  constructor(kind: ProofMistakeKind, say: string, options?: ErrorOptions) {
    super(say, options)
    this.kind = kind
  }
}

/** The request that a proof has to be for. */
export interface ProvenRequest {
  readonly method: string
  /** Without query and fragment. */
  readonly url: string
  /** Whose proof it is: of each of its ids there is one. */
  readonly client: ClientId
  /** The token that is presented with it; null at the token endpoint. */
  readonly accessToken: string | null
  /** Of the key that it must be; null for any. */
  readonly thumbprint: string | null
}

export interface Proofs {
  /**
   * Takes a proof: the text of the header DPoP, once. Gives the thumbprint of its key (RFC 7638).
   * @throws ProofMistake
   */
  take(proof: string, request: ProvenRequest): Promise<string>
}

export interface ProofParts {
  readonly clock: Clock
  /** False for a proof that was remembered before. */
  readonly remember: (hash: Digest, expiresAt: Date) => Promise<boolean>
}

export function createProofs({ clock, remember }: ProofParts): Proofs {
  return {
    take: async (proof, request) => {
      const now = clock()
      const { protectedHeader, payload } = await verify(proof, now)
      const jti = checkClaims(payload, request, now)
      // The verifier has seen that it is there, and public.
      const thumbprint = await calculateJwkThumbprint(protectedHeader.jwk ?? {})
      if (request.thumbprint !== null && request.thumbprint !== thumbprint)
        throw new ProofMistake('other_key', 'The DPoP proof is by another key than the token is bound to.')
      const isNew = await remember(nameOf(request.client, jti), addSeconds(now, proofMemorySeconds))
      if (!isNew) throw new ProofMistake('replayed', 'The DPoP proof was used before: sign one per request.')
      return thumbprint
    },
  }
}

/**
 * What a proof is remembered by: its id rather than its bytes, since a signature can be written in more than one way.
 * As the engine names it (which takes the proofs of code exchanges), so that none is taken once by each.
 */
function nameOf(client: ClientId, jti: string): Digest {
  return sha256(sha256(`${client}${jti}`).toString('base64url'))
}

async function verify(proof: string, now: Date): Promise<JWTVerifyResult> {
  try {
    return await jwtVerify(proof, EmbeddedJWK, {
      algorithms: [...proofAlgorithms],
      typ: 'dpop+jwt',
      currentDate: now,
    })
  } catch (cause) {
    const why = cause instanceof Error ? `: ${cause.message}` : ''
    throw new ProofMistake('malformed', `The DPoP proof can't be verified${why}.`, { cause })
  }
}

/** Section 4.3, what the signature says nothing of. Gives its id. */
function checkClaims(payload: JWTVerifyResult['payload'], request: ProvenRequest, now: Date): string {
  const { jti, iat, htm, htu, ath, nonce } = payload
  const wrong = (say: string) => new ProofMistake('malformed', `The DPoP proof ${say}.`)
  if (typeof jti !== 'string' || jti === '' || jti.length > longestId)
    throw wrong(`has no jti of 1 to ${longestId} characters`)
  if (typeof iat !== 'number' || Math.abs(epochSeconds(now) - iat) > proofWindowSeconds)
    throw wrong(`has an iat that is more than ${proofWindowSeconds} seconds from the server's time`)
  if (htm !== request.method) throw wrong(`is not for the method ${request.method} (htm)`)
  if (typeof htu !== 'string' || addressOf(htu) !== addressOf(request.url))
    throw wrong(`is not for the address ${request.url} (htu)`)
  if (nonce !== undefined) throw wrong('has a nonce, which this server does not give')
  if (request.accessToken !== null && !isHashOf(ath, request.accessToken))
    throw wrong('is not for the access token that came with it (ath)')
  return jti
}

/** An address as it is compared: written one way, without query and fragment. */
function addressOf(text: string): string | null {
  if (!URL.canParse(text)) return null
  const url = new URL(text)
  url.search = ''
  url.hash = ''
  return url.href
}

function isHashOf(ath: unknown, accessToken: string): boolean {
  return typeof ath === 'string' && equal(ath, sha256(accessToken).toString('base64url'))
}
