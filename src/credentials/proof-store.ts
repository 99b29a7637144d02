// Proofs of possession that were taken once: the only file that knows `dpop_proofs`.
import type { Database, Statement } from '../db/connect.ts'
import { expiredRows } from '../db/sweep.ts'
import type { Digest } from '../lib/digest.ts'

const insert: Statement = {
  name: 'remember-proof',
  text: 'insert into dpop_proofs (hash, expires_at) values ($1, $2) on conflict do nothing returning 1',
}

/** False when it is there already: of any number that come at once, at any process, one is told true. */
export async function rememberProof(database: Database, hash: Digest, expiresAt: Date): Promise<boolean> {
  const rows = await database.run(insert, [hash, expiresAt])
  return rows.length === 1
}

/** A proof is refused for its age before its row is gone. */
export const expiredProofs = expiredRows('dpop_proofs')
