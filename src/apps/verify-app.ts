// Verified or not: the vendor says who an app is, and nobody else.
import { record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import type { ClientId } from '../core/ids.ts'
import type { Db } from '../db/connect.ts'
import { lockApp, setVerified } from './app-store.ts'

/** False when it was so already; null when there is no such app. */
export function verifyApp(
  db: Db,
  clientId: ClientId,
  isVerified: boolean,
  by: Attribution,
  now: Date,
): Promise<boolean | null> {
  return db.transaction(async (tx) => {
    const app = await lockApp(tx, clientId)
    if (!app) return null
    if (!(await setVerified(tx, clientId, isVerified ? now : null))) return false
    await record(tx, {
      organization: app.organization,
      by,
      action: isVerified ? 'app.verified' : 'app.unverified',
      target: clientId,
      details: { name: app.name },
    })
    return true
  })
}
