// Reads what the server says of a credential: the claims of RFC 7662, and Latchkey's own.
import type { Allowed } from './verdict.ts'

/** An active credential. */
export interface Known {
  readonly allowed: Allowed
  /** Bound to a key of its client (RFC 9449): each request needs a proof, which the server takes. */
  readonly isBound: boolean
  /** A key that is bound to networks: what is said of it holds for the address that was asked about alone. */
  readonly isForOneAddress: boolean
  /** In ms from the moment of the question; Infinity for one that does not end. */
  readonly lifeMs: number
}

export interface Answer {
  /** null for a credential that is not good here. */
  readonly known: Known | null
  /** Whether the proof of a bound one was good. */
  readonly isProven: boolean
}

export interface BatchAnswer {
  readonly answers: readonly Answer[]
  /** How old what the answers say may be, in ms before the question. */
  readonly ageMs: number
}

/** null for a text that is no answer to so many questions. */
export function readBatchAnswer(text: string, count: number): BatchAnswer | null {
  const json = parse(text)
  if (!isObject(json)) return null
  const { results, now, age_ms: ageMs } = json
  if (!Array.isArray(results) || results.length !== count) return null
  if (typeof now !== 'number' || typeof ageMs !== 'number' || !(ageMs >= 0)) return null
  const answers: Answer[] = []
  for (const result of results) {
    const answer = readResult(result, now)
    if (answer === null) return null
    answers.push(answer)
  }
  return { answers, ageMs }
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** undefined for what is no JSON. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const inactive: Answer = { known: null, isProven: false }

function readResult(result: unknown, now: number): Answer | null {
  if (!isObject(result)) return null
  if (result['active'] !== true) return inactive
  const allowed = readAllowed(result)
  const exp = result['exp']
  if (allowed === null || (exp !== undefined && typeof exp !== 'number')) return null
  return {
    known: {
      allowed,
      isBound: result['cnf'] !== undefined,
      isForOneAddress: result['address_bound'] === true,
      // By the server's clock alone: ours may be wrong.
      lifeMs: exp === undefined ? Infinity : exp * 1000 - now,
    },
    isProven: result['dpop'] === 'good',
  }
}

function readAllowed(claims: Readonly<Record<string, unknown>>): Allowed | null {
  const text = (name: string) => {
    const value = claims[name]
    return typeof value === 'string' && value !== '' ? value : null
  }
  const { scope, iat, exp, mode } = claims
  const [organization, audience] = [text('org_id'), text('aud')]
  if (organization === null || audience === null || typeof scope !== 'string' || typeof iat !== 'number')
    return null
  if (mode !== 'live' && mode !== 'test') return null
  const holder = {
    ok: true,
    organization,
    mode,
    scopes: new Set(scope.split(' ').filter((it) => it !== '')),
    audience,
    issuedAt: new Date(iat * 1000),
    expiresAt: typeof exp === 'number' ? new Date(exp * 1000) : null,
    isStale: false,
  } as const
  const keyId = text('key_id')
  if (claims['credential_type'] === 'api_key')
    return keyId === null ? null : Object.freeze({ ...holder, kind: 'api_key', keyId })
  const [client, person, grant] = [text('client_id'), text('sub'), text('grant_id')]
  if (claims['credential_type'] !== 'access_token' || client === null || person === null || grant === null)
    return null
  return Object.freeze({ ...holder, kind: 'access_token', client, person, grant })
}
