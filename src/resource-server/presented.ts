// Where a request carries its credential: exactly one, in the header that the profile of the server names, and never in
// the address. The rules are those of the server's own API.
import { type ServerRequest, targetOf, valuesOf } from './request.ts'

/** What the server says of it. */
export interface HeaderRules {
  /** In lower case. */
  readonly header: string
  /** Whether credentials may come as bearers too where the header is another one. */
  readonly takesBearers: boolean
  /** Query parameters that are refused instead of being ignored. */
  readonly refusedQueryParameters: readonly string[]
}

export type Presented =
  /** `key` is a header of its own, without a scheme. */
  | { readonly kind: 'credential'; readonly secret: string; readonly scheme: 'bearer' | 'dpop' | 'key' }
  | { readonly kind: 'missing_credential' }
  | { readonly kind: 'multiple_credentials' }
  | { readonly kind: 'credential_in_query' }
  | { readonly kind: 'malformed' }

const bearerHeader = 'authorization'
const keyHeader = 'x-api-key'
/** No credential is longer. */
const longest = 512

export function readPresented(request: ServerRequest, rules: HeaderRules): Presented {
  const own = rules.header
  const bearers = valuesOf(request, bearerHeader)
  const keys = valuesOf(request, own === bearerHeader ? keyHeader : own)
  const sent = bearers.length + keys.length
  if (sent > 1) return { kind: 'multiple_credentials' }
  const { query } = targetOf(request)
  if (query !== '') {
    const parameters = new URLSearchParams(query)
    const isRefused = rules.refusedQueryParameters.some((name) => parameters.has(name))
    if (sent > 0 && (isRefused || parameters.has('access_token'))) return { kind: 'multiple_credentials' }
    if (isRefused) return { kind: 'credential_in_query' }
  }
  const [, scheme, secret] = /^(bearer|dpop) +(\S+)$/i.exec(bearers[0] ?? '') ?? []
  // A token that is bound to a key comes in this header whatever the profile's is: RFC 9449 has no other.
  if (secret !== undefined && scheme?.toLowerCase() === 'dpop') return credential(secret, 'dpop')
  const isBearer = own === bearerHeader || (rules.takesBearers && secret !== undefined)
  const [value] = isBearer ? bearers : keys
  if (value === undefined || value === '') return { kind: 'missing_credential' }
  if (!isBearer) return credential(value, 'key')
  return secret === undefined ? { kind: 'malformed' } : credential(secret, 'bearer')
}

function credential(secret: string, scheme: 'bearer' | 'dpop' | 'key'): Presented {
  const isPossible = secret.length <= longest && /^[\x21-\x7e]+$/.test(secret)
  return isPossible ? { kind: 'credential', secret, scheme } : { kind: 'malformed' }
}
