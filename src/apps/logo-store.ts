// The pictures of apps as we drew them: the only file that knows `app_logos`.
import type { ClientId } from '../core/ids.ts'
import type { Db } from '../db/connect.ts'
import { sha256 } from '../lib/digest.ts'

const folder = '/app-logos/'
const toAddress = (hash: Buffer) => `${folder}${hash.toString('hex')}.png`

/** In place of the one that it had. @param png that remakeLogo has drawn */
export async function saveLogo(db: Db, clientId: ClientId, png: Buffer): Promise<void> {
  const row = { hash: sha256(png), png }
  await db('app_logos')
    .insert({ client_id: clientId, ...row })
    .onConflict('client_id')
    .merge(row)
}

/** False when it has none. */
export async function deleteLogo(db: Db, clientId: ClientId): Promise<boolean> {
  return (await db('app_logos').where({ client_id: clientId }).delete()) === 1
}

/** The picture at an address that `logoAddress` gave; null for one that no app has (any more). */
export async function readLogo(db: Db, address: string): Promise<Buffer | null> {
  const [, hex] = /^\/app-logos\/([0-9a-f]{64})\.png$/.exec(address) ?? []
  if (hex === undefined) return null
  const row: { png: Buffer } | undefined = await db('app_logos')
    .where({ hash: Buffer.from(hex, 'hex') })
    .first('png')
  return row?.png ?? null
}

/** Where on this server its logo is; null for an app without one. */
export async function logoAddress(db: Db, clientId: ClientId): Promise<string | null> {
  return (await logoAddresses(db, [clientId])).get(clientId) ?? null
}

/** The same of many, by client id. */
export async function logoAddresses(
  db: Db,
  clientIds: readonly ClientId[],
): Promise<ReadonlyMap<ClientId, string>> {
  const rows: { client_id: ClientId; hash: Buffer }[] = await db('app_logos')
    .whereIn('client_id', clientIds)
    .select('client_id', 'hash')
  return new Map(rows.map((row) => [row.client_id, toAddress(row.hash)]))
}
