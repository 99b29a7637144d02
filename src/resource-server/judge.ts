// Whether a credential that is good is good enough for what is asked of it.
import { normalizeResource } from './options.ts'
import { type Allowed, type ChallengeParts, refuse, type Verdict, type VerifyOptions } from './verdict.ts'

interface JudgedBy {
  readonly challenge: ChallengeParts
  /** Whether the credential is bound to a key of its client. */
  readonly isBound: boolean
  /** The resource that it must be for, normalized; null for whichever. */
  readonly audience: string | null
}

export function judge(
  allowed: Allowed,
  { scopes = [], accepts, audience }: VerifyOptions,
  by: JudgedBy,
): Verdict {
  const { challenge, isBound } = by
  const wanted = audience === undefined ? by.audience : audience
  if (wanted !== null && wanted !== allowed.audience && normalizeResource(wanted) !== allowed.audience)
    return refuse('invalid_credential', challenge, { isBound })
  if (accepts && !accepts.includes(allowed.kind)) return refuse('wrong_credential_kind', challenge)
  if (scopes.every((scope) => allowed.scopes.has(scope))) return allowed
  return refuse('insufficient_scope', challenge, {
    isBound,
    missingScopes: scopes.filter((scope) => !allowed.scopes.has(scope)),
    // A client asks for exactly what is named, and must not come back with less than it has.
    neededScopes: [...new Set([...allowed.scopes, ...scopes])],
  })
}
