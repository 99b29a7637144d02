// The pictures of apps as we drew them: the only file that knows `app_logos`.
import type { ClientId } from '../core/ids.ts'
import type { Db } from '../db/connect.ts'

/** Where on this server its logo is; null for an app without one. */
export async function logoAddress(db: Db, clientId: ClientId): Promise<string | null> {
  const row: { hash: Buffer } | undefined = await db('app_logos').where({ client_id: clientId }).first('hash')
  return row ? `/app-logos/${row.hash.toString('hex')}.png` : null
}
