// Why the API answers each of its problems, and what to do about it: a closed table, so that a new code can't go
// undocumented.
import type { Contract, OperationId } from '../core/contract.ts'
import { type ProblemCode, problemCodes } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'

/** Said by pages alone, or to what comes by a proxy that asks us: the API itself answers none of them. */
export const ofPages = [
  'app_suspended',
  'misdirected_request',
  'form_refused',
  'malformed_address',
  'unclear_request',
  'unsupported_response_mode',
  'interaction_expired',
  'link_expired',
  'member_conflict',
  'page_not_found',
] as const satisfies readonly ProblemCode[]

/** What a caller of the API can be answered with. */
export type ApiProblemCode = Exclude<ProblemCode, (typeof ofPages)[number]>

interface Advice {
  /** Plain sentences, for the developer who reads the answer. */
  readonly cause: string
  readonly cure: string
  /** What there is to add for those who make apps. */
  readonly forApps?: string
  /** What there is to add where there is a test mode. */
  readonly forModes?: string
  /** Whether this profile can answer it at all; left out where every one can. */
  readonly applies?: (profile: Profile, contract: Contract) => boolean
}

const hasOneOf = ({ operations }: Contract, ids: readonly OperationId[]) =>
  operations.some(({ id }) => ids.includes(id))
const whereOneOf =
  (...ids: readonly OperationId[]) =>
  (_profile: Profile, contract: Contract) =>
    hasOneOf(contract, ids)
const whereBodies = (_profile: Profile, { operations }: Contract) => operations.some((it) => it.readBody)
const keyChanges = [
  'deleteKey',
  'rotateKey',
  'endKeyOverlap',
  'revokeKey',
  'deactivateKey',
  'activateKey',
] as const

/** Those of the sample that make something, or that look for one thing. */
const sampleOperations = ({ sample }: Profile, ...does: readonly ('create' | 'read' | 'update')[]) =>
  Object.values(sample.resources).flatMap(({ operations }) => does.flatMap((it) => operations[it] ?? []))

const advice: Readonly<Record<ApiProblemCode, Advice>> = {
  missing_credential: {
    cause: 'The request carries no credential in the header that this API reads.',
    cure: 'Send your key in that header. Check that a proxy or a library did not take the header away, above all after a redirect.',
  },
  invalid_credential: {
    cause:
      'The credential is mistyped or cut off, has expired, was rotated, deactivated, revoked or deleted, is of an organization that is suspended, or is not of this API. Which of these it is, is not told to strangers.',
    cure: 'Compare it with the list of your keys, by its last four characters: the list says what became of it. Make a new one where it was revoked.',
    forApps: 'An access token that has expired is refreshed.',
  },
  invalid_dpop_proof: {
    cause:
      'The access token is bound to a key of the app (RFC 9449), and the header DPoP is missing, is made for another address or method, is too old, or was sent before.',
    cure: 'Make a new proof for each request, with the method and the address of that very request, and a clock that is right.',
    applies: ({ oauth }) => oauth.enabled,
  },
  multiple_credentials: {
    cause: 'Two credentials came at once: in two headers, or in a header and in the address.',
    cure: 'Send one, in the header. Look for a default header that your HTTP client adds by itself.',
  },
  credential_in_query: {
    cause: 'A credential stands in the address. Addresses end up in logs and in histories, so it is refused.',
    cure: 'Send it in the header. Rotate the key: what stood in an address may have been seen.',
    applies: ({ credentials }) => credentials.refusedQueryParameters.length > 0,
  },
  address_not_allowed: {
    cause: 'The key may be used from certain networks only, and the request came from another one.',
    cure: 'Send it from a server within those networks, or have an administrator make a key for the other network.',
  },
  wrong_credential_kind: {
    cause: 'The operation is for another kind of credential than the one that was sent.',
    cure: 'Look the operation up in the reference: it says what it takes.',
    forApps: 'What manages keys and apps takes keys alone, and no access token.',
  },
  wrong_mode: {
    cause: 'The credential is of one mode, and what was asked for is of the other. They never mix.',
    cure: 'Use a credential of the mode that you mean.',
    applies: (profile, contract) =>
      profile.modes.length > 1 &&
      hasOneOf(contract, [
        'createKey',
        'createApp',
        'listAuditEvents',
        ...sampleOperations(profile, 'read', 'update'),
      ]),
  },
  exceeds_creator: {
    cause:
      'A new key would have been able to do more, or work for longer or from more places, than the key that makes it.',
    cure: 'Leave out what the creating key lacks, or have an administrator make the key.',
    applies: (profile, contract) =>
      hasOneOf(contract, ['createKey']) ||
      (Object.keys(profile.scopes).length > 0 && hasOneOf(contract, ['createOrganizationApiKey'])),
  },
  not_allowed: {
    cause: 'What is asked for is kept for the vendor, or for administrators.',
    cure: 'Ask an administrator of the organization, or support.',
    applies: whereOneOf('suspendApp', 'resumeApp'),
  },
  organization_suspended: {
    cause: 'The organization is suspended. Nothing has been deleted.',
    cure: 'Its administrators know why, or can ask support. Try again when it has been resumed.',
    applies: whereOneOf('createKey', ...keyChanges, 'createApp', 'updateApp', 'createOrganizationApiKey'),
  },
  insufficient_scope: {
    cause: 'The credential is good, but was not given a scope that the operation requires.',
    cure: 'Look up the operation’s scopes in the reference. Make a key that has them: they can’t be added to one later.',
    forApps: 'An app asks for them when a person authorizes it.',
    applies: (_profile, { operations }) => operations.some((it) => it.requiredScopes.length > 0),
  },
  resource_not_found: {
    cause:
      'There is nothing under this id within reach of the credential. What belongs to others is as what is not there.',
    cure: 'Check the id, and that the credential is of the organization that it belongs to.',
    forModes: 'What is of the other mode may be as what is not there, too.',
  },
  route_not_found: {
    cause: 'No operation has this path.',
    cure: 'Compare it with the reference, letter by letter: capitals and a slash at the end count.',
  },
  key_not_found: {
    cause: 'There is no such API key within reach of the credential, or not any more.',
    cure: 'Check the id. A key of another organization is as one that is not there.',
    forModes: 'So is one of the other mode.',
    applies: whereOneOf('getKey', ...keyChanges, 'createOrganizationApiKey'),
  },
  key_state_conflict: {
    cause: 'The key is in a state that rules this out: revoked, expired, or rotated before.',
    cure: 'Look at the key to learn its state. What was revoked stays so: make a new one.',
    applies: whereOneOf(...keyChanges, 'createOrganizationApiKey'),
  },
  organization_key_exists: {
    cause:
      'The organization that was to be provisioned has a key already. Keys are kept as hashes: nobody can give the old one out again.',
    cure: 'Use the key that you stored. If it is lost, send the request with `onExisting` set to `rotate` or `add`.',
    applies: whereOneOf('createOrganizationApiKey'),
  },
  idempotency_key_reused: {
    cause: 'This Idempotency-Key came before, with another request, or so long ago that its answer is gone.',
    cure: 'Make a new one for each change, and keep it only over the retries of that change.',
    applies: (profile, contract) =>
      hasOneOf(contract, [
        'createKey',
        'rotateKey',
        'createApp',
        'createOrganizationApiKey',
        ...sampleOperations(profile, 'create'),
      ]),
  },
  method_not_allowed: {
    cause: 'The path is right, but it does not answer this method.',
    cure: 'The header `Allow` of the answer lists the methods that it does answer.',
  },
  malformed_json: {
    cause: 'The body is not JSON: cut off, with a comma too many, or encoded as something else.',
    cure: 'Have a library write it, and look at the bytes that are really sent.',
    applies: whereBodies,
  },
  unsupported_content_type: {
    cause: 'The body came under a type that is not JSON, or under none.',
    cure: 'Send `Content-Type: application/json`.',
    applies: whereBodies,
  },
  request_aborted: {
    cause: 'The connection ended before the whole body had come.',
    cure: 'Send it again. If it happens often, look for a time limit between you and this server.',
    applies: whereBodies,
  },
  body_too_large: {
    cause: 'The body has more than 56 KiB.',
    cure: 'Send less at once.',
    applies: whereBodies,
  },
  invalid_parameter: {
    cause:
      'A field, a query parameter or a header has a value that the operation does not take, or is missing.',
    cure: 'The message names it and says what is expected; the reference has the whole schema.',
  },
  rate_limit_exceeded: {
    cause: 'More requests came than the limit allows.',
    cure: 'Wait for as many seconds as the header `Retry-After` says, then go on more slowly. See [Limits](/docs/limits).',
  },
  busy: {
    cause: 'The server has more to do at this moment than it can.',
    cure: 'Try again after a second, then after two, four and so on. Nothing was done.',
  },
  internal_error: {
    cause: 'Something went wrong on our side. It was logged under the id of your request.',
    cure: 'Try again. If it stays, tell support the request id.',
  },
}

/** The codes that this API can answer, by status. */
export function documentedCodes(profile: Profile, contract: Contract): ApiProblemCode[] {
  return problemCodes.filter(isOfApi).filter((code) => advice[code].applies?.(profile, contract) ?? true)
}

/** Of apps it speaks only where there are any, and of the other mode only where there is one. */
export function adviceOn(code: ApiProblemCode, { oauth, modes }: Profile): Pick<Advice, 'cause' | 'cure'> {
  const { cause, cure, forApps, forModes } = advice[code]
  const more = [modes.length > 1 ? forModes : undefined, oauth.enabled ? forApps : undefined]
  return { cause, cure: [cure, ...more].filter((it) => it !== undefined).join(' ') }
}

function isOfApi(code: ProblemCode): code is ApiProblemCode {
  return code in advice
}
