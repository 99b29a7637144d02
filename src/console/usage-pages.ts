// The page that shows how often an account's keys and apps call, by day.
import type Router from '@koa/router'
import { modes } from '../core/principal.ts'
import type { Profile } from '../core/profile.ts'
import { listOrganizationCalls } from '../credentials/organization-call-store.ts'
import type { Db } from '../db/connect.ts'
import { asTenant } from '../db/tenant.ts'
import type { Clock } from '../lib/time.ts'
import { describeCalls, shownDays } from './call-words.ts'
import { refusedToRole, type Visits } from './visit.ts'

export const usagePath = '/admin/settings/usage'

export interface UsagePagesParts {
  readonly db: Db
  readonly profile: Profile
  readonly visits: Visits
  readonly clock: Clock
}

export function addUsagePages(router: Router, { db, profile, visits, clock }: UsagePagesParts): void {
  router.get(usagePath, async (ctx) => {
    const visitor = await visits.signedIn(ctx)
    if (!visitor.current) return visits.show(ctx, visitor, usagePath, 'no-account', {})
    const who = await visits.member(ctx)
    if (who.current.role !== 'ADMIN') throw refusedToRole()
    const { id } = who.current.organization
    const asked = profile.modes.length > 1 ? modes.find((it) => it === ctx.query['mode']) : undefined
    const mode = asked ?? 'any'
    const now = clock()
    const found = await asTenant(db, { organization: id, mode }, (tx) =>
      listOrganizationCalls(tx, id, mode, shownDays(now)),
    )
    visits.show(ctx, who, usagePath, 'usage', { mode, calls: describeCalls(found, now) })
  })
}
