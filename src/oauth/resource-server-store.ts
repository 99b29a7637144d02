// The only file that knows the table `resource_servers`.
import type { ResourceServerId } from '../core/ids.ts'
import type { Database, Db, Statement, Tx } from '../db/connect.ts'
import type { Digest } from '../lib/digest.ts'
import type { ResourceServer } from './resource-server.ts'

interface Row {
  readonly id: ResourceServerId
  readonly name: string
  readonly audience: string
  readonly scopes: readonly string[] | null
  readonly secret_hash: Digest
  readonly created_at: Date
}

const toResourceServer = (row: Row): ResourceServer => ({
  id: row.id,
  name: row.name,
  audience: row.audience,
  scopes: row.scopes,
  createdAt: row.created_at,
})

export async function insertResourceServer(
  tx: Tx,
  { id, name, audience, scopes, createdAt }: ResourceServer,
  secretHash: Digest,
): Promise<void> {
  const row = { id, name, audience, scopes, secret_hash: secretHash, created_at: createdAt }
  await tx('resource_servers').insert(row)
}

/** The oldest first. */
export async function listResourceServers(db: Db): Promise<ResourceServer[]> {
  const rows: Row[] = await db('resource_servers').orderBy(['created_at', 'id'])
  return rows.map(toResourceServer)
}

/** From the commit on, the secret that it had is refused. null when there is none of that id. */
export async function replaceSecret(
  tx: Tx,
  id: ResourceServerId,
  secretHash: Digest,
): Promise<ResourceServer | null> {
  const [row] = await tx('resource_servers')
    .where({ id })
    .update({ secret_hash: secretHash })
    .returning<Row[]>('*')
  return row ? toResourceServer(row) : null
}

export async function deleteResourceServer(tx: Tx, id: ResourceServerId): Promise<ResourceServer | null> {
  const [row] = await tx('resource_servers').where({ id }).delete().returning<Row[]>('*')
  return row ? toResourceServer(row) : null
}

const findById: Statement = {
  name: 'resource-server-by-id',
  text: 'select * from resource_servers where id = $1',
}

/** Primary key: one row or none. With the hash of its secret, to compare. */
export async function findResourceServer(
  database: Database,
  id: ResourceServerId,
): Promise<{ readonly server: ResourceServer; readonly secretHash: Digest } | null> {
  const [row] = await database.run<Row>(findById, [id])
  return row ? { server: toResourceServer(row), secretHash: row.secret_hash } : null
}

const findByAudience: Statement = {
  name: 'resource-scopes-by-audience',
  text: 'select scopes from resource_servers where audience = $1',
}

/** What is granted for a resource, of each of its servers; empty for a resource that has none. */
export async function findScopesOfAudience(
  database: Database,
  audience: string,
): Promise<readonly (readonly string[] | null)[]> {
  const rows = await database.run<Pick<Row, 'scopes'>>(findByAudience, [audience])
  return rows.map(({ scopes }) => scopes)
}
