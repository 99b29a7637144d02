// Ending an authorization: the grant and all that it minted, in one transaction (decision 2).
import { record } from '../audit/record.ts'
import type { Db } from '../db/connect.ts'
import { deleteGrant, type Grant } from './grant-store.ts'

/** Why a grant ended, for the ledger. */
export type RevocationCause =
  | 'revoked_by_client'
  | 'revoked_by_operator'
  | 'code_replayed'
  | 'refresh_token_reused'

/** The grant that was; null when it was gone already. */
export function revokeGrant(
  db: Db,
  id: string,
  actor: string,
  cause: RevocationCause,
): Promise<Grant | null> {
  return db.transaction(async (tx) => {
    const grant = await deleteGrant(tx, id)
    if (!grant) return null
    await record(tx, {
      organization: grant.organization,
      actor,
      action: cause === 'refresh_token_reused' ? 'refresh_token.reused' : 'grant.revoked',
      target: grant.id,
      details: { cause, client: grant.client, person: grant.person },
    })
    return grant
  })
}
