// What is swept. This room knows every table with rows that have an end, and none of their columns: each store
// says for its own what is dead.
import { surplusRefusals } from '../apps/refusal-store.ts'
import { expiredRegistrationTokens } from '../apps/registration-token-store.ts'
import { unusedApps } from '../apps/unused-apps-store.ts'
import { expiredReveals } from '../console/reveal-store.ts'
import type { Profile } from '../core/profile.ts'
import { expiredCredentials } from '../credentials/credential-store.ts'
import { oldOrganizationCalls } from '../credentials/organization-call-store.ts'
import { expiredProofs } from '../credentials/proof-store.ts'
import type { Sweep } from '../db/sweep.ts'
import { expiredAnswers } from '../keys/idempotent-answer-store.ts'
import { oldKeyCalls } from '../keys/key-use-store.ts'
import { expiredCounts } from '../limits/rate-count-store.ts'
import { abandonedGrants } from '../oauth/abandoned-grant-store.ts'
import { expiredCodes } from '../oauth/code-store.ts'
import { expiredEngineSessions, expiredInteractions } from '../oauth/engine-record-store.ts'
import { expiredGrants } from '../oauth/grant-store.ts'
import { oldGrantCalls } from '../oauth/grant-use-store.ts'
import { expiredRefreshTokens, forgottenAnswers } from '../oauth/retired-token-store.ts'
import { expiredLinks } from '../operators/person-store.ts'
import { expiredSessions, expiredSteps } from '../operators/session-store.ts'

/** In this order: what hangs on a grant before the grant, which would take all of it along in one stroke. */
export function sweepsOf({ oauth }: Pick<Profile, 'oauth'>): readonly Sweep[] {
  return [
    expiredInteractions,
    expiredEngineSessions,
    expiredSessions,
    expiredSteps,
    expiredLinks,
    expiredReveals,
    expiredAnswers,
    expiredProofs,
    expiredCounts,
    expiredRegistrationTokens,
    expiredCodes,
    expiredCredentials,
    expiredRefreshTokens,
    forgottenAnswers,
    expiredGrants,
    abandonedGrants,
    surplusRefusals,
    oldKeyCalls,
    oldGrantCalls,
    oldOrganizationCalls,
    unusedApps(oauth.dynamicRegistration),
  ]
}
