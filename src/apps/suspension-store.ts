// An app's own suspension: the columns `suspended_at` and `suspended_by` of `oauth_apps`, and what comes of them.
import type { ClientId, OrganizationId } from '../core/ids.ts'
import type { Db, Tx } from '../db/connect.ts'

/** Who suspended an app: what the vendor did its developers can't undo. */
export type Suspender = 'developer' | 'vendor'

interface Suspension {
  readonly organization: OrganizationId | null
  readonly suspendedBy: Suspender | null
}

export async function findSuspension(db: Db, clientId: ClientId): Promise<Suspension | null> {
  const row: { organization_id: OrganizationId | null; suspended_by: Suspender | null } | undefined =
    await db('oauth_apps').where({ client_id: clientId }).first('organization_id', 'suspended_by')
  return row ? { organization: row.organization_id, suspendedBy: row.suspended_by } : null
}

/**
 * Suspended from now on, or (null) not any more, and stopped as long as it or its organization (which the caller
 * has locked) is suspended. A lock on the app: consent that is under way is waited for.
 */
export async function setSuspension(
  tx: Tx,
  clientId: ClientId,
  suspension: { readonly at: Date; readonly by: Suspender } | null,
): Promise<void> {
  await tx.raw(
    `update oauth_apps a set suspended_at = ?::timestamptz, suspended_by = ?,
       is_stopped = ?::boolean
         or exists (select from organizations o where o.id = a.organization_id and o.is_stopped)
     where client_id = ?`,
    [suspension?.at ?? null, suspension?.by ?? null, suspension !== null, clientId],
  )
}
