// Everything that can go wrong for a caller: one closed table of code, status and public sentence.
// How a problem looks on the wire is a profile's matter (web/envelope).

export const problems = {
  missing_credential: [401, 'No credential was sent. Send it in the header that the documentation names.'],
  invalid_credential: [401, 'The credential is missing, malformed, expired or revoked.'],
  invalid_dpop_proof: [401, 'The proof in the header DPoP is missing, wrong or was used before.'],
  multiple_credentials: [400, 'More than one credential was sent. Send exactly one.'],
  credential_in_query: [400, 'A credential must not be sent in the query string. Send it in the header.'],
  address_not_allowed: [403, 'This credential may not be used from the address that the request came from.'],
  wrong_credential_kind: [403, 'This operation does not take a credential of that kind.'],
  wrong_mode: [403, 'The credential is of the other mode.'],
  exceeds_creator: [403, 'A key can not be given more than its creator has.'],
  not_allowed: [403, 'Your role does not allow this. Ask an administrator of the organization.'],
  organization_suspended: [403, 'The organization is suspended.'],
  app_suspended: [403, 'This app is suspended at the moment. Nothing was shared. Try again later.'],
  insufficient_scope: [403, 'The credential lacks a scope that this operation requires.'],
  resource_not_found: [404, 'No such resource.'],
  route_not_found: [404, 'No such endpoint.'],
  key_not_found: [404, 'No such API key.'],
  key_state_conflict: [409, 'The key is not in a state that allows this.'],
  organization_key_exists: [409, 'The organization has a key already.'],
  idempotency_key_reused: [409, 'The same Idempotency-Key came with another request.'],
  member_conflict: [409, 'The members of the organization do not allow this.'],
  method_not_allowed: [405, 'This endpoint does not answer that method.'],
  malformed_json: [400, 'The request body is not valid JSON.'],
  unsupported_content_type: [400, 'Send the body as Content-Type: application/json.'],
  request_aborted: [400, 'The connection ended before the request did.'],
  body_too_large: [413, 'The request body is too large.'],
  invalid_parameter: [422, 'A parameter has a value that this endpoint does not take.'],
  rate_limit_exceeded: [429, 'Too many requests. Wait for the time in Retry-After.'],
  misdirected_request: [421, 'This host does not serve that address.'],
  form_refused: [
    403,
    'This form was not sent from one of our pages, or is too old. Go back, reload, and try again.',
  ],
  unclear_request: [400, 'The request can be read in more than one way.'],
  malformed_address: [400, 'The address has a character that no address may have.'],
  unsupported_response_mode: [
    400,
    'This link from the app asks for an answer in a way that is not offered. Nothing was shared. Tell its developers.',
  ],
  interaction_expired: [
    400,
    'This sign-in took too long, or was finished in another window. Go back to the app and start again.',
  ],
  link_expired: [410, 'This link was used already, or is too old. Ask for a new one.'],
  page_not_found: [404, 'There is no page at this address.'],
  busy: [503, 'The server is busy. Try again in a moment.'],
  internal_error: [500, 'Something went wrong on our side. It is safe to try again.'],
} as const satisfies Record<string, readonly [status: number, say: string]>

export type ProblemCode = keyof typeof problems

// The keys of a literal are all that it has; the type of Object.keys is wider than that.
export const problemCodes = Object.keys(problems) as readonly ProblemCode[]

export interface ProblemDetails {
  /** Replaces the table's sentence where a caller is helped by the particulars; never holds a secret. */
  readonly say?: string
  /** The parameter or body field that is wrong. */
  readonly param?: string
  /** For the log only: what really was the matter. */
  readonly reason?: string
  /** What a credential would have to hold (RFC 6750 section 3.1). */
  readonly neededScopes?: readonly string[]
  /** Seconds to wait. */
  readonly retryAfter?: number
  /** The thing that stands in the way, by its id. */
  readonly conflictsWith?: string
  /** The methods that would have been answered (RFC 9110 section 15.5.6). */
  readonly allow?: readonly string[]
  readonly cause?: unknown
}

/**
 * What strangers can bring about as often as they like. Where in our code it was noticed tells nothing, and to find that
 * out costs more than to check a good credential.
 */
const untraced: ReadonlySet<ProblemCode> = new Set([
  'missing_credential',
  'invalid_credential',
  'address_not_allowed',
  'rate_limit_exceeded',
])

/** What a caller did wrong (or, as `internal_error`, what we did): the only error that reaches the wire. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly status: number
  readonly say: string
  /** The table's own sentence, without the particulars. */
  readonly sentence: string
  readonly details: ProblemDetails

  constructor(code: ProblemCode, details: ProblemDetails = {}) {
    const [status, sentence] = problems[code]
    const { stackTraceLimit } = Error
    if (untraced.has(code)) Error.stackTraceLimit = 0
    super(details.reason ? `${code}: ${details.reason}` : code, { cause: details.cause })
    Error.stackTraceLimit = stackTraceLimit
    this.code = code
    this.status = status
    this.say = details.say ?? sentence
    this.sentence = sentence
    this.details = details
  }
}

/** Any thrown thing as a Problem; what we didn't foresee is `internal_error` with its cause. */
export function asProblem(thrown: unknown): Problem {
  return thrown instanceof Problem ? thrown : new Problem('internal_error', { cause: thrown })
}
