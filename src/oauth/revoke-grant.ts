// Ending an authorization: the grant and all that it minted, in one transaction (decision 2).
import { record } from '../audit/record.ts'
import type { Attribution, Origin } from '../core/attribution.ts'
import type { Db } from '../db/connect.ts'
import { deleteGrant, type Grant } from './grant-store.ts'

/** Why a grant ended, for the ledger. */
export type RevocationCause =
  | 'revoked_by_client'
  | 'revoked_by_operator'
  | 'code_replayed'
  | 'refresh_token_reused'

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
    if (!grant) return null
    await record(tx, {
      organization: grant.organization,
      by: by(grant),
      action: cause === 'refresh_token_reused' ? 'refresh_token.reused' : 'grant.revoked',
      target: grant.id,
      details: { cause, client: grant.client, person: grant.person },
    })
    return grant
  })
}
