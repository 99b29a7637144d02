// What a refused request is told about getting in: RFC 6750 section 3, RFC 9728 section 5.1, RFC 9449 section 7.1.
import type { Problem } from '../core/problems.ts'
import { printScopes } from '../core/scopes.ts'
import { proofAlgorithms } from '../credentials/dpop.ts'

/**
 * The value of WWW-Authenticate; null where none belongs.
 * @param where in what the challenge ends: the realm, or where a client learns how to get a token
 * @param isBound whether the credential is one that is bound to a key
 */
export function challengeOf(problem: Problem, where: string, isBound: boolean): string | null {
  const algorithms = isBound ? `, algs="${proofAlgorithms.join(' ')}"` : ''
  const metadata = where + algorithms
  const scheme = isBound ? 'DPoP' : 'Bearer'
  switch (problem.code) {
    case 'missing_credential':
      // No error code for a request that has not tried (RFC 6750 section 3.1).
      return `Bearer ${metadata}`
    case 'invalid_credential':
      return `${scheme} error="invalid_token", ${metadata}`
    case 'invalid_dpop_proof':
      return `${scheme} error="invalid_dpop_proof", ${metadata}`
    case 'insufficient_scope':
      return `${scheme} error="insufficient_scope", scope="${printScopes(problem.details.neededScopes ?? [])}", ${metadata}`
    default:
      return null
  }
}
