// Ending an authorization: the grant and all that it minted, in one transaction (decision 2).
import { record } from '../audit/record.ts'
import type { Attribution, Origin } from '../core/attribution.ts'
import type { OrganizationId, PersonId } from '../core/ids.ts'
import type { Db, Tx } from '../db/connect.ts'
import { deleteGrant, deleteGrantsOf, type Grant } from './grant-store.ts'

/** Why a grant ended, for the ledger. */
export type RevocationCause =
  | 'revoked_by_client'
  | 'revoked_by_operator'
  | 'code_replayed'
  | 'refresh_token_reused'
  | 'member_removed'
  | 'member_demoted'
  | 'person_disabled'

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

/** Ends what a person allowed apps to do for one organization, or for all (null). How many there were. */
export async function revokeGrantsOf(
  tx: Tx,
  whose: { readonly person: PersonId; readonly organization: OrganizationId | null },
  by: Attribution,
  cause: RevocationCause,
): Promise<number> {
  const grants = await deleteGrantsOf(tx, whose.person, whose.organization)
  for (const grant of grants) await tell(tx, grant, by, cause)
  return grants.length
}

function tell(tx: Tx, grant: Grant, by: Attribution, cause: RevocationCause): Promise<void> {
  return record(tx, {
    organization: grant.organization,
    by,
    action: cause === 'refresh_token_reused' ? 'refresh_token.reused' : 'grant.revoked',
    target: grant.id,
    details: { cause, client: grant.client, person: grant.person },
  })
}
