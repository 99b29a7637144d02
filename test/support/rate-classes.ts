// Rate classes for tests that need a limit of their own, or none that is felt.
import type { Profile } from '../../src/core/profile.ts'

/** One class for every operation, with one window. */
export const oneLimit = (requests: number, seconds: number): Profile['rateClasses'] => ({
  default: { title: 'Every operation', per: 'credential', windows: [{ requests, seconds }] },
})
