// The shared validator: a secret in, a principal out, whichever kind of credential it is. Everything that
// checks a bearer credential asks here.
import type { Principal } from '../core/principal.ts'
import { Problem } from '../core/problems.ts'
import { type DigestText, sha256Text } from '../lib/digest.ts'
import { isWithin } from '../lib/network.ts'
import type { Soon } from '../lib/soon.ts'
import type { Clock } from '../lib/time.ts'
import type { CredentialCache } from './credential-cache.ts'
import type { SecretFormat, SecretKind } from './format.ts'
import { type ImportedShapes, longestImported } from './imported-shapes.ts'

/**
 * That a credential opens nothing: invalid_credential, always the same to the outside; address_not_allowed for a good
 * key outside of its networks: its owner would search for long, and a thief learns nothing that he can use. It is an
 * answer and no error, since who guesses must cost less than who has a good key.
 */
export interface Refused {
  readonly kind: 'refused'
  /** What whoever presented it is told. Its reason is for the log alone. */
  readonly problem: Problem
}

/**
 * At once where the credential is kept in memory, or can be refused without a look-up.
 * @param address where the request came from
 * @param audience the resource server that is asking: an access token for another one is refused (RFC 8707)
 * @throws Problem busy where it can't be looked up
 */
export type Validate = (secret: string, address: string, audience: string) => Soon<Principal | Refused>

export interface ValidatorParts {
  readonly format: SecretFormat
  /** What keys look like that were imported. */
  readonly shapes: Pick<ImportedShapes, 'match'>
  readonly cache: Pick<CredentialCache, 'kept' | 'find'>
  readonly clock: Clock
}

/** A text that is neither one of our bearer secrets nor looks like an imported key costs no look-up. */
export function createValidator({ format, shapes, cache, clock }: ValidatorParts): Validate {
  const find = (kind: SecretKind | null, hash: DigestText, address: string, audience: string) =>
    cache.find(hash).then((who) => {
      // Nothing but API keys comes from elsewhere.
      if (kind === null && who && who.kind !== 'api_key') return refuse(`a ${who.kind} without our format`)
      return admit(who, address, audience, clock)
    })
  return (secret, address, audience) => {
    if (secret.length > longestImported) return malformed
    const hash = sha256Text(secret)
    // What is kept was found by a secret that looked as it should. Of what has expired nobody tells that it ended, nor
    // that it was made good again.
    const kept = cache.kept(hash)
    if (kept && !hasExpired(kept, clock)) return admit(kept, address, audience, clock)
    const kind = format.read(secret)
    if (kind !== null) {
      if (!isBearer(kind)) return refuse(`a ${kind} is no bearer credential`)
      return find(kind, hash, address, audience)
    }
    const isImported = shapes.match(secret)
    if (isImported === false) return malformed
    if (isImported === true) return find(null, hash, address, audience)
    return isImported.then((matches) => {
      if (!matches) return malformed
      return find(null, hash, address, audience)
    })
  }
}

function admit(who: Principal | null, address: string, audience: string, clock: Clock): Principal | Refused {
  if (!who) return unknown
  if (hasExpired(who, clock)) return expired
  if (who.kind === 'access_token' && who.audience !== audience) return elsewhere
  if (who.kind === 'api_key' && who.allowedAddresses && !isWithin(address, who.allowedAddresses)) {
    const reason = `${who.key} from ${address}`
    return { kind: 'refused', problem: new Problem('address_not_allowed', { reason }) }
  }
  return who
}

function hasExpired({ expiresAt }: Principal, clock: Clock): boolean {
  return expiresAt !== null && expiresAt.getTime() <= clock().getTime()
}

function isBearer(kind: SecretKind): kind is Principal['kind'] {
  return kind === 'api_key' || kind === 'access_token' || kind === 'platform_key'
}

function refuse(reason: string): Refused {
  return { kind: 'refused', problem: new Problem('invalid_credential', { reason }) }
}

// Nothing of a refusal depends on who is refused: each of the usual ones is made once.
const malformed = refuse('malformed')
const unknown = refuse('unknown or revoked')
const expired = refuse('expired')
const elsewhere = refuse('for another audience')
