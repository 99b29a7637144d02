// How answers look on the wire: the profile's envelope. The one place where a Problem becomes JSON.

import type { RequestId } from '../core/ids.ts'
import type { Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'

export interface Envelope {
  problem(problem: Problem, requestId: RequestId): object
  /** One page of a collection; `nextCursor` is null on the last. */
  list(items: readonly object[], nextCursor: string | null): object
  item(item: object): object
}

/** Error types of the Stripe shape: what a program branches on first. */
function stripeType(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 422) return 'validation_error'
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'api_error' : 'invalid_request_error'
}

const stripe: Envelope = {
  problem: ({ code, status, say, details }, requestId) => ({
    error: {
      type: stripeType(status),
      code,
      message: say,
      ...(details.param === undefined ? {} : { param: details.param }),
      ...(details.conflictsWith === undefined ? {} : { conflicts_with: details.conflictsWith }),
      request_id: requestId,
    },
  }),
  list: (items, nextCursor) => ({ data: items, next_cursor: nextCursor }),
  item: (item) => item,
}

const envelopes = { stripe } satisfies Record<Profile['envelope'], Envelope>

export function envelopeOf(profile: Profile): Envelope {
  return envelopes[profile.envelope]
}
