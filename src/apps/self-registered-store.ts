// What of the table `oauth_apps` concerns apps that registered themselves alone.
import type { ClientId } from '../core/ids.ts'
import type { Database, Db, Statement, Tx } from '../db/connect.ts'
import type { Digest } from '../lib/digest.ts'
import type { App } from './app.ts'
import { type AppRow, type NewAppRow, toApp, toColumns } from './app-store.ts'
import type { ClientMetadata } from './client-metadata.ts'

interface SelfRegisteredRow extends AppRow {
  readonly logo_uri: string | null
  readonly document_fresh_until: Date | null
  readonly consented_at: Date | null
}

/** An app with where it says that its logo is. */
export interface Registered {
  readonly app: App
  readonly logoUri: string | null
}

const toRegistered = (row: SelfRegisteredRow): Registered => ({ app: toApp(row), logoUri: row.logo_uri })

export async function insertRegistered(
  tx: Tx,
  app: NewAppRow,
  logoUri: string | null,
  tokenHash: Digest,
): Promise<App> {
  const rows = await tx('oauth_apps')
    .insert({ ...toColumns(app), logo_uri: logoUri, registration_token_hash: tokenHash })
    .returning<AppRow[]>('*')
  const [row] = rows
  if (!row) throw new Error('an insert without its row')
  return toApp(row)
}

/** By what manages it (RFC 7592); unique index oauth_apps_registration_token_hash_key. */
export async function findRegistered(
  db: Db,
  clientId: ClientId,
  tokenHash: Digest,
): Promise<Registered | null> {
  const row = await registered(db, clientId, tokenHash).first()
  return row ? toRegistered(row) : null
}

/** The same, locked until the transaction ends. */
export async function lockRegistered(
  tx: Tx,
  clientId: ClientId,
  tokenHash: Digest,
): Promise<Registered | null> {
  const row = await registered(tx, clientId, tokenHash).forUpdate().first()
  return row ? toRegistered(row) : null
}

const registered = (db: Db, clientId: ClientId, tokenHash: Digest) =>
  db<SelfRegisteredRow>('oauth_apps')
    .where('client_id', clientId)
    .andWhere('registration_token_hash', tokenHash)

/** What an app says of itself, as columns. */
const saidColumns = ({ logoUri, ...said }: ClientMetadata, fingerprint: Digest) => ({
  name: said.name,
  homepage: said.homepage,
  policy_uri: said.policyUri,
  terms_uri: said.termsUri,
  redirect_uris: said.redirectUris,
  scopes: said.scopes,
  requires_dpop: said.requiresDpop,
  logo_uri: logoUri,
  fingerprint,
})

/** RFC 7592 section 2.2: all that it said before is replaced, and what manages it with it. */
export async function replaceRegistered(
  tx: Tx,
  clientId: ClientId,
  said: ClientMetadata,
  fingerprint: Digest,
  tokenHash: Digest,
): Promise<App> {
  const rows = await tx('oauth_apps')
    .where({ client_id: clientId })
    .update({ ...saidColumns(said, fingerprint), registration_token_hash: tokenHash })
    .returning<AppRow[]>('*')
  const [row] = rows
  if (!row) throw new Error('an update without its row')
  return toApp(row)
}

/** Where its logo is said to be, held against a change that is under way; null for an app that is gone. */
export async function holdLogoUri(
  tx: Tx,
  clientId: ClientId,
): Promise<{ readonly logoUri: string | null } | null> {
  const row: { logo_uri: string | null } | undefined = await tx('oauth_apps')
    .where({ client_id: clientId })
    .forShare()
    .first('logo_uri')
  return row ? { logoUri: row.logo_uri } : null
}

/** The vendor vouched for another name, or other redirect URIs. */
export async function unverify(tx: Tx, clientId: ClientId): Promise<void> {
  await tx('oauth_apps').where({ client_id: clientId }).update({ verified_at: null })
}

/** An app that a document is the registration of, as it is kept. */
export interface KeptDocument extends Registered {
  readonly freshUntil: Date
  readonly wasAllowed: boolean
}

const toDocument = (row: SelfRegisteredRow): KeptDocument => {
  if (!row.document_fresh_until) throw new Error('a metadata document without its time')
  return {
    ...toRegistered(row),
    freshUntil: row.document_fresh_until,
    wasAllowed: row.consented_at !== null,
  }
}

const documentByUrl: Statement = {
  name: 'app-document-by-url',
  text: `select * from oauth_apps where client_id = $1 and registration = 'metadata_document'`,
}

export async function findDocument(database: Database, url: ClientId): Promise<KeptDocument | null> {
  const [row] = await database.run<SelfRegisteredRow>(documentByUrl, [url])
  return row ? toDocument(row) : null
}

/** Locked until the transaction ends; not against those who refer to it. */
export async function lockDocument(tx: Tx, url: ClientId): Promise<KeptDocument | null> {
  const row = await tx<SelfRegisteredRow>('oauth_apps').where({ client_id: url }).forNoKeyUpdate().first()
  return row ? toDocument(row) : null
}

/** False when another request, or another server, was first. */
export async function insertDocument(
  tx: Tx,
  app: NewAppRow,
  logoUri: string | null,
  freshUntil: Date,
): Promise<boolean> {
  const rows = await tx('oauth_apps')
    .insert({ ...toColumns(app), logo_uri: logoUri, document_fresh_until: freshUntil })
    .onConflict('client_id')
    .ignore()
    .returning('client_id')
  return rows.length === 1
}

/** A suspension, and what people allowed, stays as it is; see `unverify`. */
export async function updateDocument(
  tx: Tx,
  url: ClientId,
  said: ClientMetadata,
  fingerprint: Digest,
  freshUntil: Date,
): Promise<void> {
  await tx('oauth_apps')
    .where({ client_id: url })
    .update({ ...saidColumns(said, fingerprint), document_fresh_until: freshUntil })
}
