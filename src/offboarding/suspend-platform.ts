// A platform that is stopped for a while, with every organization that it provisioned.
import { record, recordForEach } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import type { PlatformId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import { deletePlatformCredential, insertPlatformCredential } from '../credentials/credential-store.ts'
import type { Db, Tx } from '../db/connect.ts'
import { listOrganizationsOfPlatform, lockOrganizations } from '../organizations/organization-store.ts'
import { lockPlatform, type Platform, setPlatformSuspended } from '../organizations/platform-store.ts'
import { type Changed, carryOut } from './stop.ts'

export interface PlatformRequest {
  readonly platform: PlatformId
  readonly by: Attribution
}

/** The platform as it was, and what came of it for its organizations; null when nothing was to be done. */
export type PlatformChange = Changed & { readonly platform: Platform }

/**
 * From the commit on the platform's key is refused, and so is everything of its organizations. null when it was
 * suspended already.
 * @throws Problem resource_not_found
 */
export function suspendPlatform(db: Db, request: PlatformRequest, now: Date): Promise<PlatformChange | null> {
  return change(db, request, now, now)
}

/**
 * From the commit on its key works again, and so do its organizations but for those that were suspended by
 * themselves. null when it was not suspended.
 * @throws Problem resource_not_found
 */
export function resumePlatform(db: Db, request: PlatformRequest, now: Date): Promise<PlatformChange | null> {
  return change(db, request, null, now)
}

function change(
  db: Db,
  { platform: id, by }: PlatformRequest,
  suspendedAt: Date | null,
  now: Date,
): Promise<PlatformChange | null> {
  return db.transaction(async (tx) => {
    // What it is just provisioning is waited for, and found below; a later call finds it suspended.
    const platform = await lockPlatform(tx, id)
    if (!platform) throw new Problem('resource_not_found', { say: `There is no platform ${id}.` })
    if ((platform.suspendedAt === null) === (suspendedAt === null)) return null
    await setPlatformSuspended(tx, id, suspendedAt)
    if (suspendedAt) await deletePlatformCredential(tx, id)
    else await insertPlatformCredential(tx, platform.hash, id)

    const organizations = (await listOrganizationsOfPlatform(tx, id)).map((it) => it.id)
    await lockOrganizations(tx, organizations)
    const changed = await carryOut(tx, organizations, now)
    await tell(tx, platform, suspendedAt !== null, changed, by)
    return { ...changed, platform }
  })
}

/** An organization's ledger tells why its keys stopped, whosever doing it was. */
async function tell(tx: Tx, { id }: Platform, isSuspended: boolean, changed: Changed, by: Attribution) {
  const { stopped, running } = changed
  const action = isSuspended ? 'platform.suspended' : 'platform.resumed'
  const details = { organizations: stopped.length + running.length }
  await record(tx, { organization: null, by, action, target: id, details })
  const concerned = [...stopped, ...running]
  if (concerned.length > 0) await recordForEach(tx, concerned, { by, action, target: id })
}
