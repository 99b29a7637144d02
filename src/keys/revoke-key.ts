// Revoking an API key: its credential is gone with the commit, what it was stays to be seen.
import { record } from '../audit/record.ts'
import type { KeyId } from '../core/ids.ts'
import { deleteKeyCredentials } from '../credentials/credential-store.ts'
import type { Db } from '../db/connect.ts'
import type { ApiKey } from './key.ts'
import { markRevoked } from './key-store.ts'

/** The key as it is after; null when there is none. Revoking twice is as revoking once. */
export function revokeKey(db: Db, id: KeyId, actor: string, now: Date): Promise<ApiKey | null> {
  return db.transaction(async (tx) => {
    const key = await markRevoked(tx, id, now)
    if (!key) return null
    await deleteKeyCredentials(tx, id)
    await record(tx, { organization: key.organization, actor, action: 'key.revoked', target: id })
    return key
  })
}
