// What a refused request is told about getting in: RFC 6750 section 3, RFC 9728 section 5.1.
import type { Problem } from '../core/problems.ts'
import { printScopes } from '../core/scopes.ts'

/** The value of WWW-Authenticate; null where none belongs. */
export function challengeOf(problem: Problem, resourceMetadataUrl: string): string | null {
  const metadata = `resource_metadata="${resourceMetadataUrl}"`
  switch (problem.code) {
    case 'missing_credential':
      // No error code for a request that has not tried (RFC 6750 section 3.1).
      return `Bearer ${metadata}`
    case 'invalid_credential':
      return `Bearer error="invalid_token", ${metadata}`
    case 'insufficient_scope':
      return `Bearer error="insufficient_scope", scope="${printScopes(problem.details.neededScopes ?? [])}", ${metadata}`
    default:
      return null
  }
}
