// The shared validator: a secret in, a principal out, whichever kind of credential it is. Everything that
// checks a bearer credential asks here.
import type { Principal } from '../core/principal.ts'
import { Problem } from '../core/problems.ts'
import { type Digest, sha256 } from '../lib/digest.ts'
import { isWithin } from '../lib/network.ts'
import type { Clock } from '../lib/time.ts'
import type { SecretFormat, SecretKind } from './format.ts'
import type { ImportedShapes } from './imported-shapes.ts'

/**
 * @param address where the request came from
 * @throws Problem invalid_credential, always the same to the outside; the exact reason is for the log;
 *   address_not_allowed for a good key outside of its networks: its owner would search for long, and a thief
 *   learns nothing that he can use
 */
export type Validate = (secret: string, address: string) => Promise<Principal>

export interface ValidatorParts {
  readonly format: SecretFormat
  /** What keys look like that were imported. */
  readonly shapes: ImportedShapes
  readonly find: (hash: Digest) => Promise<Principal | null>
  readonly clock: Clock
  /** The resource server that is asking: an access token for another one is refused (RFC 8707). */
  readonly audience: string
}

/** One look-up by hash; a text that is neither one of our bearer secrets nor looks like an imported key costs none. */
export function createValidator({ format, shapes, find, clock, audience }: ValidatorParts): Validate {
  return async (secret, address) => {
    const kind = format.read(secret)
    if (kind === null && !(await shapes.match(secret))) throw refuse('malformed')
    if (kind !== null && !isBearer(kind)) throw refuse(`a ${kind} is no bearer credential`)
    const who = await find(sha256(secret))
    if (!who) throw refuse('unknown or revoked')
    // Nothing but API keys comes from elsewhere.
    if (kind === null && who.kind !== 'api_key') throw refuse(`a ${who.kind} without our format`)
    if (who.expiresAt && who.expiresAt <= clock()) throw refuse('expired')
    if (who.kind === 'access_token' && who.audience !== audience) throw refuse('for another audience')
    if (who.kind === 'api_key' && who.allowedAddresses && !isWithin(address, who.allowedAddresses)) {
      throw new Problem('address_not_allowed', { reason: `${who.key} from ${address}` })
    }
    return who
  }
}

function isBearer(kind: SecretKind): kind is Principal['kind'] {
  return kind === 'api_key' || kind === 'access_token' || kind === 'platform_key'
}

function refuse(reason: string): Problem {
  return new Problem('invalid_credential', { reason })
}
