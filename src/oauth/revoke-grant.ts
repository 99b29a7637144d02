// Ending an authorization: the grant and all that it minted, in one transaction (decision 2).
import { record } from '../audit/record.ts'
import type { Attribution, Origin } from '../core/attribution.ts'
import type { Db, Tx } from '../db/connect.ts'
import { deleteGrant, deleteGrantsOf, type Grant, type GrantsOf } from './grant-store.ts'
import type { ReuseCause } from './reuse-cause.ts'

/** A retired refresh token came back. */
type EndingReuse = Exclude<ReuseCause, 'race'>

/** Why a grant ended, for the ledger. */
export type RevocationCause =
  | 'revoked_by_client'
  | 'revoked_by_operator'
  | 'revoked_by_person'
  | 'code_replayed'
  | EndingReuse
  | 'challenge_reused'
  | 'allowed_again'
  | 'member_removed'
  | 'member_demoted'
  | 'person_disabled'
  | 'app_narrowed'

/** By the app that it was given to, on behalf of the person who gave it. */
export function byItsClient(origin: Origin): (grant: Grant) => Attribution {
  return ({ client, person }) => ({ ...origin, actor: { kind: 'app', id: client, onBehalfOf: person } })
}

/** The grant that was; null when it was gone already. */
export function revokeGrant(
  db: Db,
  id: string,
  by: (grant: Grant) => Attribution,
  cause: RevocationCause,
): Promise<Grant | null> {
  return db.transaction(async (tx) => {
    const grant = await deleteGrant(tx, id)
    if (grant) await tell(tx, grant, by(grant), cause)
    return grant
  })
}

/** Ends what a person allowed apps (or one) to do for one organization, or for all (null). How many there were. */
export async function revokeGrantsOf(
  tx: Tx,
  whose: GrantsOf,
  by: Attribution,
  cause: RevocationCause,
): Promise<number> {
  const grants = await deleteGrantsOf(tx, whose)
  for (const grant of grants) await tell(tx, grant, by, cause)
  return grants.length
}

/** For the ledger: a retired refresh token came back, and the family lives on. */
export function recordRefusedReuse(
  db: Db,
  grant: Grant,
  by: (grant: Grant) => Attribution,
  cause: ReuseCause,
): Promise<void> {
  return db.transaction((tx) => tellReuse(tx, grant, by(grant), cause, 'refused'))
}

const reuses: ReadonlySet<string> = new Set<EndingReuse>(['lost_response', 'stale_client', 'reuse'])
const isReuse = (cause: RevocationCause): cause is EndingReuse => reuses.has(cause)

function tell(tx: Tx, grant: Grant, by: Attribution, cause: RevocationCause): Promise<void> {
  if (isReuse(cause)) return tellReuse(tx, grant, by, cause, 'revoked')
  return record(tx, {
    organization: grant.organization,
    by,
    action: 'grant.revoked',
    target: grant.id,
    details: { cause, client: grant.client, person: grant.person },
  })
}

function tellReuse(
  tx: Tx,
  grant: Grant,
  by: Attribution,
  cause: ReuseCause,
  response: 'revoked' | 'refused',
): Promise<void> {
  return record(tx, {
    organization: grant.organization,
    by,
    action: 'refresh_token.reused',
    target: grant.id,
    details: { cause, response, client: grant.client, person: grant.person },
  })
}
