// What a refresh has to prove when its tokens are bound to a key (RFC 9449 section 5).
import { ProofMistake, type Proofs } from '../credentials/dpop.ts'
import { errors } from './engine.ts'
import type { Grant } from './grant-store.ts'
import type { StoredRefreshToken } from './refresh-token-store.ts'

/**
 * The thumbprint of the key that the answer is bound to; null for none. Bound is what was bound, what the app was
 * registered for, and what brings a good proof.
 * @param proof the header DPoP; null for none
 * @param url the token endpoint's
 * @throws the engine's InvalidDpopProof for one that is no good or was used, InvalidGrant for none, or another key's
 */
export async function provePossession(
  proofs: Proofs,
  { grant, app }: StoredRefreshToken,
  proof: string | null,
  url: string,
): Promise<string | null> {
  if (proof === null) {
    if (app.requiresDpop || grant.dpopThumbprint !== null)
      throw new errors.InvalidGrant('The refresh token is bound to a key: a DPoP proof has to come with it.')
    return null
  }
  try {
    const { client, dpopThumbprint: thumbprint } = grant
    return await proofs.take(proof, { method: 'POST', url, client, accessToken: null, thumbprint })
  } catch (thrown) {
    if (!(thrown instanceof ProofMistake)) throw thrown
    // With invalid_grant a client throws its tokens away, and what it lacks is another proof: one that is sent again
    // is more often a network that repeats a request than a thief.
    if (thrown.kind === 'other_key') throw new errors.InvalidGrant(thrown.message)
    throw new errors.InvalidDpopProof(thrown.message)
  }
}

/** For a grant that another request has bound since this one's proof was taken. @throws the engine's InvalidGrant */
export function requireKeyOf({ dpopThumbprint }: Grant, thumbprint: string | null): void {
  if (dpopThumbprint !== null && dpopThumbprint !== thumbprint)
    throw new errors.InvalidGrant('The refresh token is bound to another key.')
}
