// The logo of an app, put there or taken away by its developers.
import { record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import type { ClientId, OrganizationId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Db } from '../db/connect.ts'
import { requireActiveOrganization } from '../organizations/organization-store.ts'
import { lockApp, setVerified } from './app-store.ts'
import { deleteLogo, saveLogo } from './logo-store.ts'

/**
 * From the commit on people see this logo, or (null) none. It is not what the vendor verified.
 * @param png that remakeLogo has drawn
 * @throws Problem organization_suspended; page_not_found for an app that is not the organization's
 */
export function changeLogo(
  db: Db,
  { app, organization, by }: { app: ClientId; organization: OrganizationId; by: Attribution },
  png: Buffer | null,
): Promise<void> {
  return db.transaction(async (tx) => {
    await requireActiveOrganization(tx, organization)
    const found = await lockApp(tx, app)
    if (found?.organization !== organization) throw new Problem('page_not_found')
    if (png) await saveLogo(tx, app, png)
    else if (!(await deleteLogo(tx, app))) return
    const entry = { organization, by, target: app }
    const details = { name: found.name, logo: png ? 'replaced' : 'removed' }
    await record(tx, { ...entry, action: 'app.logo_changed', details })
    if (await setVerified(tx, app, null))
      await record(tx, { ...entry, action: 'app.unverified', details: { cause: 'changed' } })
  })
}
