// What becomes of a request: who it is, or all that a framework needs to refuse it.

export type CredentialKind = 'api_key' | 'access_token'

interface Holder {
  readonly ok: true
  /** Whose data it is about: answer with these alone. */
  readonly organization: string
  readonly mode: 'live' | 'test'
  readonly scopes: ReadonlySet<string>
  readonly audience: string
  readonly issuedAt: Date
  /** null for a key that does not end. */
  readonly expiresAt: Date | null
  /** True for a read that was let in by what was known before the server was away (`whenAway`). */
  readonly isStale: boolean
}

export interface AllowedApiKey extends Holder {
  readonly kind: 'api_key'
  readonly keyId: string
}

export interface AllowedAccessToken extends Holder {
  readonly kind: 'access_token'
  /** The app, the person who allowed it, and the authorization. */
  readonly client: string
  readonly person: string
  readonly grant: string
}

export type Allowed = AllowedApiKey | AllowedAccessToken

const refusals = {
  missing_credential: [401, 'No credential was sent.'],
  invalid_credential: [401, 'The credential is malformed, expired or revoked, or is not for this API.'],
  invalid_dpop_proof: [401, 'The proof in the header DPoP is missing, wrong or was used before.'],
  multiple_credentials: [400, 'More than one credential was sent. Send exactly one.'],
  credential_in_query: [400, 'A credential must not be sent in the query string. Send it in the header.'],
  wrong_credential_kind: [403, 'This operation does not take a credential of that kind.'],
  insufficient_scope: [403, 'The credential lacks a scope that this operation requires.'],
  unavailable: [503, 'Whether the credential is good can not be told at this moment. Try again.'],
} as const satisfies Record<string, readonly [status: number, message: string]>

export type RefusedCode = keyof typeof refusals

export interface Refused {
  readonly ok: false
  readonly code: RefusedCode
  readonly status: 400 | 401 | 403 | 503
  /** For people; it holds no credential. */
  readonly message: string
  /** What the answer has to carry: the challenge (RFC 6750 section 3), or when to come back. */
  readonly headers: Readonly<Record<string, string>>
  /** A body to answer with, for who has no envelope of their own. */
  readonly body: { readonly error: { readonly code: RefusedCode; readonly message: string } }
  /** Of `insufficient_scope`: those that the credential lacks. */
  readonly missingScopes: readonly string[]
}

export type Verdict = Allowed | Refused

export interface VerifyOptions {
  /** All of them are needed. None unless said. */
  readonly scopes?: readonly string[] | undefined
  /** The resource that the credential must be for; that of `createResourceServer` unless said. */
  readonly audience?: string | undefined
  /** Both kinds unless said. */
  readonly accepts?: readonly CredentialKind[] | undefined
  /** What is done, for the credential's last use: "GET /bookings/{id}". */
  readonly operation?: string | undefined
}

/** How a challenge of this resource server ends. */
export interface ChallengeParts {
  /** Where a client learns how to get a token (RFC 9728). */
  readonly resourceMetadata: string | null
  readonly realm: string
  /** In which header keys come; null where they come as bearers. */
  readonly keyHeader: string | null
}

interface RefusedBecause {
  readonly isBound?: boolean
  readonly missingScopes?: readonly string[]
  /** All that a client should ask for: what is needed, and what the credential holds already. */
  readonly neededScopes?: readonly string[]
}

export function refuse(code: RefusedCode, parts: ChallengeParts, because: RefusedBecause = {}): Refused {
  const [status, usual] = refusals[code]
  const { isBound = false, missingScopes = [], neededScopes = [] } = because
  const lacking = missingScopes.map((scope) => `"${scope}"`).join(', ')
  const message = lacking === '' ? usual : `The credential lacks the scope ${lacking}.`
  const challenge = challengeOf(code, parts, isBound, neededScopes)
  return {
    ok: false,
    code,
    status,
    message,
    headers: {
      ...(challenge === null ? {} : { 'WWW-Authenticate': challenge }),
      ...(code === 'unavailable' ? { 'Retry-After': '1' } : {}),
    },
    body: { error: { code, message } },
    missingScopes,
  }
}

/** What proofs may be signed with (RFC 9449 section 7.1). */
const algorithms = 'ES256 Ed25519 EdDSA'

function challengeOf(
  code: RefusedCode,
  { resourceMetadata, realm, keyHeader }: ChallengeParts,
  isBound: boolean,
  neededScopes: readonly string[],
): string | null {
  const where = resourceMetadata === null ? `realm="${realm}"` : `resource_metadata="${resourceMetadata}"`
  const end = isBound ? `${where}, algs="${algorithms}"` : where
  const scheme = isBound ? 'DPoP' : 'Bearer'
  // A 401 names a scheme for keys in a header of their own too (RFC 9110 section 11.6.1).
  const ofKeys = keyHeader === null || isBound ? '' : `, ApiKey realm="${realm}", header="${keyHeader}"`
  switch (code) {
    case 'missing_credential':
      // No error code for a request that has not tried (RFC 6750 section 3.1).
      return `Bearer ${end}${ofKeys}`
    case 'invalid_credential':
      return `${scheme} error="invalid_token", ${end}${ofKeys}`
    case 'invalid_dpop_proof':
      return `DPoP error="invalid_dpop_proof", ${end}`
    case 'insufficient_scope':
      return `${scheme} error="insufficient_scope", scope="${neededScopes.join(' ')}", ${end}`
    default:
      return null
  }
}
