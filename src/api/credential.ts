// Where a request carries its credential: exactly one, in the header that the profile names.
import type { IncomingMessage } from 'node:http'
import { Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'
import { headerCount, headerValue } from '../web/header-values.ts'

const bearerHeader = 'authorization'
const keyHeader = 'x-api-key'

const withScheme = /^(bearer|dpop) +(\S+)$/i

/** A credential, and by which scheme it came: `key` is a header of its own, without any. */
export interface Presented {
  readonly secret: string
  readonly scheme: 'bearer' | 'dpop' | 'key'
}

/**
 * The credential of a request.
 * @param query null for none
 * @param hasTokens whether there are access tokens: they may come as bearers whatever the profile's header is, since the
 *   programs that ask for them know no other way (RFC 6750 section 2.1)
 * @throws Problem multiple_credentials for two of any kind (RFC 6750 section 2, SECURITY P5, K9),
 *   credential_in_query for a parameter that the contract refuses, missing_credential for none,
 *   invalid_credential for a header of another scheme
 */
export function readCredential(
  req: IncomingMessage,
  query: URLSearchParams | null,
  rules: Profile['credentials'],
  hasTokens: boolean,
): Presented {
  const own = rules.header.toLowerCase()
  const otherHeader = own === bearerHeader ? keyHeader : own
  const bearer = headerValue(req, bearerHeader)
  const apiKey = headerValue(req, otherHeader)
  const sent = headerCount(req, bearerHeader) + headerCount(req, otherHeader)
  const inQuery = query !== null && rules.refusedQueryParameters.some((name) => query.has(name))
  if (sent > 1 || (sent > 0 && (inQuery || query?.has('access_token'))))
    throw new Problem('multiple_credentials')
  if (inQuery) throw new Problem('credential_in_query')
  // Elsewhere than in the header a credential is not looked at: ?access_token= is as none (OAuth 2.1 section 5.1).
  // The scheme's name is compared without regard to case (RFC 9110 section 11.1).
  const [, scheme, secret] = withScheme.exec(bearer ?? '') ?? []
  // A token that is bound to a key comes in this header whatever the profile's is: RFC 9449 has no other.
  if (secret !== undefined && scheme?.length === 4) return { secret, scheme: 'dpop' }
  const isBearer = own === bearerHeader || (hasTokens && secret !== undefined)
  const value = isBearer ? bearer : apiKey
  if (value === undefined || value === '') throw new Problem('missing_credential')
  if (!isBearer) return { secret: value, scheme: 'key' }
  if (secret === undefined) throw new Problem('invalid_credential', { reason: 'not a bearer credential' })
  return { secret, scheme: 'bearer' }
}
