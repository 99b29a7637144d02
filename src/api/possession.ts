// Whether whoever presents a token that is bound to a key holds that key (RFC 9449 section 7). All other credentials
// pass without a query.
import type { AccessTokenPrincipal, Principal } from '../core/principal.ts'
import { Problem } from '../core/problems.ts'
import { ProofMistake, type Proofs } from '../credentials/dpop.ts'
import { headerValues } from '../web/header-values.ts'
import type { Asked } from './admission.ts'
import type { Presented } from './credential.ts'

type BoundToken = AccessTokenPrincipal & { readonly dpopThumbprint: string }

export function isBoundToken(who: Principal): who is BoundToken {
  return who.kind === 'access_token' && who.dpopThumbprint !== null
}

/** @throws Problem invalid_credential for a bound token as a bearer, and for any other credential as a bound one;
 *   invalid_dpop_proof for a proof that is missing, wrong or used */
export async function requirePossession(
  proofs: Proofs,
  asked: Pick<Asked, 'req' | 'method' | 'publicAddress'>,
  { secret, scheme }: Presented,
  who: Principal,
): Promise<void> {
  if (!isBoundToken(who)) {
    if (scheme !== 'dpop') return
    throw new Problem('invalid_credential', {
      reason: 'a credential that is bound to no key, as a bound one',
    })
  }
  if (scheme !== 'dpop') {
    throw new Problem('invalid_credential', {
      say: 'The access token is bound to a key. Send it as "Authorization: DPoP", with a proof in the header DPoP.',
      reason: 'a bound token as a bearer',
    })
  }
  const [proof, ...more] = headerValues(asked.req, 'dpop')
  if (proof === undefined || more.length > 0)
    throw new Problem('invalid_dpop_proof', { say: 'Send exactly one header DPoP with the proof.' })
  try {
    const { client, dpopThumbprint: thumbprint } = who
    await proofs.take(proof, {
      method: asked.method,
      url: asked.publicAddress(),
      client,
      accessToken: secret,
      thumbprint,
    })
  } catch (thrown) {
    if (!(thrown instanceof ProofMistake)) throw thrown
    throw new Problem('invalid_dpop_proof', { say: thrown.message, reason: thrown.kind })
  }
}
