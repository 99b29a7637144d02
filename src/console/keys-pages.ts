// Pages for API keys.
import type Router from '@koa/router'
import type { Db } from '../db/connect.ts'
import { asTenant } from '../db/tenant.ts'
import { keyState } from '../keys/key.ts'
import { listKeys } from '../keys/key-store.ts'
import type { Clock } from '../lib/time.ts'
import type { Visits } from './visit.ts'

export const keysPath = '/admin/settings/api-keys'
const keysShown = 50

export interface KeysPagesParts {
  readonly db: Db
  readonly visits: Visits
  readonly clock: Clock
}

export function addKeysPages(router: Router, { db, visits, clock }: KeysPagesParts): void {
  router.get(keysPath, async (ctx) => {
    const who = await visits.signedIn(ctx)
    if (!who.current) return visits.show(ctx, who, keysPath, 'api-keys', { keys: [] })
    const { organization } = who.current
    const reach = { organization: organization.id, mode: 'any' } as const
    const found = await asTenant(db, reach, (tx) => listKeys(tx, { ...reach, after: null, limit: keysShown }))
    const now = clock()
    return visits.show(ctx, who, keysPath, 'api-keys', {
      keys: found.map(({ key }) => ({
        name: key.name,
        shown: `${key.prefix}…${key.lastFour}`,
        mode: key.mode,
        scopes: key.scopes,
        created: key.createdAt,
        expires: key.expiresAt,
        state: keyState(key, now),
      })),
    })
  })
}
