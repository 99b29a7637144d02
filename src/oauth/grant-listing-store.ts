// Grants as programs see them: each authorization by itself, with its app's name and when it was last used.
import type { ClientId, GrantId, OrganizationId, PersonId } from '../core/ids.ts'
import type { Mode } from '../core/principal.ts'
import type { CredentialUse } from '../credentials/last-use.ts'
import type { Tx } from '../db/connect.ts'
import type { GrantCursor } from './connected-app-store.ts'
import { type Grant, type GrantRow, toGrant } from './grant-store.ts'

export interface GrantListing {
  readonly grant: Grant
  readonly clientName: string
  readonly lastUse: CredentialUse | null
}

interface ListingRow extends GrantRow {
  readonly client_name: string
  readonly used_at: Date | null
  readonly used_address: string | null
  readonly used_client: string | null
  readonly used_operation: string | null
}

/** Everything that is given must be so. */
export interface GrantFilter {
  readonly organization: OrganizationId
  readonly mode: Mode
  readonly client?: ClientId
  readonly person?: PersonId
}

const toListing = (row: ListingRow): GrantListing => ({
  grant: toGrant(row),
  clientName: row.client_name,
  lastUse: row.used_at && {
    at: row.used_at,
    address: row.used_address,
    client: row.used_client,
    operation: row.used_operation,
  },
})

/** What has not expired. */
function listings(tx: Tx, { organization, mode, client, person }: GrantFilter, now: Date) {
  return tx('grants as g')
    .join('oauth_apps as a', 'a.client_id', 'g.client_id')
    .leftJoin('grant_uses as u', 'u.grant_id', 'g.id')
    .where({ 'g.organization_id': organization, 'g.mode': mode })
    .where('g.expires_at', '>', now)
    .modify((query) => {
      if (client !== undefined) query.where('g.client_id', client)
      if (person !== undefined) query.where('g.person_id', person)
    })
    .select<ListingRow[]>(
      'g.*',
      'a.name as client_name',
      'u.used_at',
      'u.address as used_address',
      'u.client as used_client',
      'u.operation as used_operation',
    )
}

/** Newest first, behind the tenant wall; index grants_organization_id_index. */
export async function listGrantListings(
  tx: Tx,
  filter: GrantFilter,
  { after, limit }: { readonly after: GrantCursor | null; readonly limit: number },
  now: Date,
): Promise<readonly GrantListing[]> {
  const rows = await listings(tx, filter, now)
    .modify((query) => {
      if (after) query.whereRaw('(g.created_at, g.id) < (?, ?)', [after.createdAt, after.id])
    })
    .orderBy([
      { column: 'g.created_at', order: 'desc' },
      { column: 'g.id', order: 'desc' },
    ])
    .limit(limit)
  return rows.map(toListing)
}

/** By primary key, behind the tenant wall; null when there is none within reach. */
export async function findGrantListing(
  tx: Tx,
  id: GrantId,
  reach: GrantFilter,
  now: Date,
): Promise<GrantListing | null> {
  const [row] = await listings(tx, reach, now).where('g.id', id)
  return row ? toListing(row) : null
}
