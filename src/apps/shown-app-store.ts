// What people are shown of apps: who they are, who made them, and where they send people back to.
import type { ClientId } from '../core/ids.ts'
import type { Db } from '../db/connect.ts'
import type { Registration } from './app.ts'
import { logoAddresses } from './logo-store.ts'

export interface ShownApp {
  readonly name: string
  readonly registration: Registration
  readonly isVerified: boolean
  readonly isSuspended: boolean
  /** The name of the organization whose developers registered it; null for one that registered itself. */
  readonly maker: string | null
  readonly redirectUris: readonly string[]
  /** Where its logo is; null when it has none. */
  readonly logo: string | null
}

interface Row {
  readonly client_id: ClientId
  readonly name: string
  readonly registration: Registration
  readonly is_verified: boolean
  readonly is_suspended: boolean
  readonly maker: string | null
  readonly redirect_uris: readonly string[]
}

/** Two queries however many there are, by primary key. Outside of the tenant wall: an app is shown to whoever it asks. */
export async function findShownApps(
  db: Db,
  clients: readonly ClientId[],
): Promise<ReadonlyMap<ClientId, ShownApp>> {
  const { rows } = await db.raw<{ rows: Row[] }>(
    `select a.client_id, a.name, a.registration, a.verified_at is not null as is_verified,
       a.suspended_at is not null as is_suspended, o.name as maker, a.redirect_uris
     from oauth_apps a
     left join organizations o on o.id = a.organization_id
     where a.client_id = any(?)`,
    [[...new Set(clients)]],
  )
  const logos = await logoAddresses(db, clients)
  return new Map(
    rows.map(({ client_id, is_verified, is_suspended, redirect_uris, ...same }) => [
      client_id,
      {
        ...same,
        isVerified: is_verified,
        isSuspended: is_suspended,
        redirectUris: redirect_uris,
        logo: logos.get(client_id) ?? null,
      },
    ]),
  )
}
