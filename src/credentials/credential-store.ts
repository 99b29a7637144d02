// The one table of bearer credentials (decision 1): the only file that knows `credentials`.
import { LRUCache } from 'lru-cache'
import type { ClientId, GrantId, KeyId, OrganizationId, PersonId, PlatformId } from '../core/ids.ts'
import type { Mode, Principal } from '../core/principal.ts'
import { parseScopes, type Scopes } from '../core/scopes.ts'
import type { Database, Db, Statement } from '../db/connect.ts'
import { type PackedRow, packedRows } from '../db/packed-rows.ts'
import { expiredRows } from '../db/sweep.ts'
import { bytesOf, type Digest, type DigestText, textOf } from '../lib/digest.ts'

type CredentialColumns = readonly [
  at: string,
  kind: Principal['kind'],
  organization: OrganizationId | null,
  mode: Mode | null,
  scopes: string,
  /** In whole seconds since 1970. */
  created: string,
  /** In ms since 1970. */
  expires: string | null,
  key: KeyId | null,
  /** As JSON. */
  networks: string | null,
  client: ClientId | null,
  person: PersonId | null,
  grant: GrantId | null,
  audience: string | null,
  dpopThumbprint: string | null,
  platform: PlatformId | null,
]

const rows = packedRows([
  'at',
  'kind',
  'organization_id',
  'mode',
  `array_to_string(scopes, ' ')`,
  'floor(extract(epoch from created_at))::float8',
  '(extract(epoch from expires_at) * 1000)::float8',
  'key_id',
  'array_to_json(allowed_addresses)',
  'client_id',
  'person_id',
  'grant_id',
  'audience',
  'dpop_jkt',
  'platform_id',
])

// By `hash = any(…)` the plan of a small table would read all of it, and be kept while the table grows.
const findByHashes: Statement = {
  name: 'credentials-by-hash',
  text: `select ${rows.sql}
         from unnest($1::bytea[]) with ordinality as wanted (it, at)
         cross join lateral (select * from credentials where hash = wanted.it limit 1) found`,
}

/**
 * One for each hash, in their order; null for nobody's. Primary key, one statement for any number. Whether they have
 * expired is for the caller to say.
 */
export async function findPrincipals(
  database: Database,
  hashes: readonly DigestText[],
): Promise<readonly (Principal | null)[]> {
  const found = rows.read(await database.lookUp(findByHashes, [hashes.map(bytesOf)]))
  const principals: (Principal | null)[] = hashes.map(() => null)
  for (const row of found) principals[Number(row[0]) - 1] = toPrincipal(row)
  return principals
}

/** The same for one. */
export async function findPrincipal(database: Database, hash: Digest): Promise<Principal | null> {
  const [who] = await findPrincipals(database, [textOf(hash)])
  return who ?? null
}

export interface NewKeyCredential {
  readonly hash: Digest
  readonly key: KeyId
  readonly organization: OrganizationId
  readonly mode: Mode
  readonly scopes: readonly string[]
  readonly allowedAddresses: readonly string[] | null
  readonly expiresAt: Date | null
}

/** From the commit on, the keys' secrets are good. One that is there already is left as it is. */
export async function insertKeyCredentials(db: Db, keys: readonly NewKeyCredential[]): Promise<void> {
  if (keys.length === 0) return
  const rows = keys.map((it) => ({
    hash: it.hash,
    kind: 'api_key',
    organization_id: it.organization,
    mode: it.mode,
    scopes: it.scopes,
    key_id: it.key,
    allowed_addresses: it.allowedAddresses,
    expires_at: it.expiresAt,
  }))
  await db('credentials').insert(rows).onConflict('hash').ignore()
}

/**
 * Part of a larger statement's `with`: a credential for each row of `source`, which has the columns of a new key. A hash
 * that is there already is an error.
 */
export function insertKeyCredentialsFrom(source: string): string {
  return `credential as (
      insert into credentials (hash, kind, organization_id, mode, scopes, key_id, allowed_addresses, expires_at)
      select hash, 'api_key', organization_id, mode, scopes, id, allowed_addresses, expires_at from ${source}
    )`
}

/** What an import knows of a key's credential. */
export type ImportedCredential = Omit<NewKeyCredential, 'allowedAddresses'> & { readonly createdAt: Date }

/**
 * The same for any number in one statement. Gives the keys whose hashes are those of other credentials: these are
 * left as they are.
 */
export async function insertImportedCredentials(
  db: Db,
  keys: readonly ImportedCredential[],
): Promise<readonly KeyId[]> {
  if (keys.length === 0) return []
  const { rows } = await db.raw<{ rows: { key_id: KeyId }[] }>(
    `with given as (
       select * from unnest(?::bytea[], ?::text[], ?::text[], ?::text[], ?::text[], ?::timestamptz[], ?::text[])
         as given (hash, key_id, organization_id, mode, scopes, created_at, expires_at)
     ), made as (
       insert into credentials (hash, kind, organization_id, mode, scopes, key_id, created_at, expires_at)
       select hash, 'api_key', organization_id, mode, string_to_array(scopes, ' '), key_id, created_at,
         nullif(expires_at, '')::timestamptz
       from given order by hash
       on conflict (hash) do nothing
       returning key_id
     )
     select key_id from given where not exists (select from made where made.key_id = given.key_id)`,
    [
      keys.map((it) => it.hash),
      keys.map((it) => it.key),
      keys.map((it) => it.organization),
      keys.map((it) => it.mode),
      keys.map((it) => it.scopes.join(' ')),
      keys.map((it) => it.createdAt),
      keys.map((it) => it.expiresAt?.toISOString() ?? ''),
    ],
  )
  return rows.map((row) => row.key_id)
}

/** From the commit on, the platform's key opens provisioning. */
export async function insertPlatformCredential(db: Db, hash: Digest, platform: PlatformId): Promise<void> {
  await db('credentials').insert({ hash, kind: 'platform_key', scopes: [], platform_id: platform })
}

/** From the commit on, every secret of the key is refused. */
export async function deleteKeyCredentials(db: Db, key: KeyId): Promise<void> {
  await db('credentials').where({ key_id: key }).delete()
}

/** The key's secret is refused from `at` on, or from an earlier expiry that it has already. */
export async function limitKeyCredential(db: Db, key: KeyId, at: Date): Promise<void> {
  await db('credentials')
    .where({ key_id: key })
    .update({ expires_at: db.raw('least(expires_at, ?::timestamptz)', [at]) })
}

/** From the commit on, every key and token of these organizations is refused; index credentials_organization_id_index. */
export async function deleteOrganizationCredentials(
  db: Db,
  organizations: readonly OrganizationId[],
): Promise<void> {
  await db.raw('delete from credentials where organization_id = any(?)', [[...organizations]])
}

/** From the commit on, every access token of these grants is refused; index credentials_grant_id_index. */
export async function deleteGrantCredentials(db: Db, grants: readonly GrantId[]): Promise<void> {
  await db.raw('delete from credentials where grant_id = any(?)', [[...grants]])
}

/** From the commit on, the access tokens of these grants can do nothing but what is among `scopes`. */
export async function narrowGrantCredentials(
  db: Db,
  grants: readonly GrantId[],
  scopes: readonly string[],
): Promise<void> {
  await db.raw(
    `update credentials
     set scopes = array(select scope from unnest(scopes) as scope where scope = any(?) order by scope)
     where grant_id = any(?)`,
    [[...scopes], [...grants]],
  )
}

/** From the commit on, the platform's key is refused; those that it provisioned are not touched. */
export async function deletePlatformCredential(db: Db, platform: PlatformId): Promise<void> {
  await db('credentials').where({ platform_id: platform }).delete()
}

function toPrincipal(row: PackedRow): Principal {
  // As many as `rows` asks for, each of the type in which it was written.
  const columns = row as readonly unknown[] as CredentialColumns
  const [, kind, organization, mode, scopeText, created, expires, key, networks] = columns
  const scopes = scopesOf(scopeText)
  if (kind === 'platform_key') {
    const platform = columns[14]
    if (platform === null) throw new Error('a platform_key row without a platform')
    return { kind, platform, scopes, expiresAt: null }
  }
  if (organization === null || mode === null) throw new Error(`an ${kind} row without its organization`)
  const issuedAt = Number(created)
  const expiresAt = expires === null ? null : new Date(Number(expires))
  // Each written out: a spread would make a new hidden class for each of them, which costs more than the look-up.
  if (kind === 'api_key') {
    if (key === null) throw new Error('an api_key row without a key')
    const allowedAddresses: readonly string[] | null = networks === null ? null : JSON.parse(networks)
    return { kind, organization, mode, scopes, issuedAt, expiresAt, key, allowedAddresses }
  }
  const [, , , , , , , , , client, person, grant, audience, dpopThumbprint] = columns
  if (client === null || person === null || grant === null || audience === null) {
    throw new Error('an access_token row without its client, person, grant or audience')
  }
  return {
    kind,
    organization,
    mode,
    scopes,
    issuedAt,
    expiresAt,
    client,
    person,
    grant,
    audience,
    dpopThumbprint,
  }
}

/** Many credentials have the same scopes: in memory they share one set. */
const scopeSets = new LRUCache<string, Scopes>({ max: 10_000 })

function scopesOf(text: string): Scopes {
  const known = scopeSets.get(text)
  if (known) return known
  const scopes = parseScopes(text)
  scopeSets.set(text, scopes)
  return scopes
}

/**
 * Access tokens and keys' credentials alike. A key's own row stays, and makes a credential again for no key that has
 * expired.
 */
export const expiredCredentials = expiredRows('credentials')
