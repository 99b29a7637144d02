// What a metadata document says, made the app that it registers.
import { record } from '../audit/record.ts'
import { byServer, type Origin } from '../core/attribution.ts'
import type { ClientId } from '../core/ids.ts'
import type { Profile } from '../core/profile.ts'
import type { Db, Tx } from '../db/connect.ts'
import type { App } from './app.ts'
import { type ClientMetadata, fingerprintOf } from './client-metadata.ts'
import { selfRegistered } from './self-registered.ts'
import { insertDocument, type KeptDocument, lockDocument, updateDocument } from './self-registered-store.ts'
import { makeRoom } from './unused-apps-store.ts'

export interface LearnedDocument {
  readonly url: ClientId
  readonly said: ClientMetadata
  readonly freshUntil: Date
  /** Whose request had us ask. */
  readonly origin: Origin
}

export type Saved = { readonly app: App; readonly isNewLogo: boolean } | 'no-room'

/**
 * A new app, or a known one that says something else, or the same for longer; the ledger is told of what people
 * would see. What the vendor decided of it, and the mode that it began with, stay.
 */
export function saveDocument(db: Db, profile: Profile, learned: LearnedDocument, now: Date): Promise<Saved> {
  return db.transaction(async (tx) => {
    const { url, said } = learned
    const before = await lockDocument(tx, url)
    if (before) await change(tx, before, learned)
    else if (!(await makeRoom(tx, now))) return 'no-room'
    else if (!(await add(tx, profile, learned, now))) {
      const other = await lockDocument(tx, url)
      if (other) await change(tx, other, learned)
    }
    const after = await lockDocument(tx, url)
    if (!after) throw new Error('a document that was saved and is gone')
    return { app: after.app, isNewLogo: (before?.logoUri ?? null) !== said.logoUri }
  })
}

async function add(
  tx: Tx,
  profile: Profile,
  { url, said, freshUntil, origin }: LearnedDocument,
  now: Date,
): Promise<boolean> {
  const row = selfRegistered(profile, { document: url }, said, fingerprintOf(said), now)
  const isFirst = await insertDocument(tx, row, said.logoUri, freshUntil)
  if (isFirst) {
    await record(tx, {
      organization: null,
      by: { ...byServer, ...origin },
      action: 'app.created',
      target: url,
      details: { registration: 'metadata_document', mode: row.mode, ...summary(said) },
    })
  }
  return isFirst
}

async function change(
  tx: Tx,
  before: KeptDocument,
  { url, said, freshUntil, origin }: LearnedDocument,
): Promise<void> {
  await updateDocument(tx, url, said, fingerprintOf(said), freshUntil)
  const [old, now] = [summary({ ...before.app, logoUri: before.logoUri }), summary(said)]
  if (JSON.stringify(old) === JSON.stringify(now)) return
  await record(tx, {
    organization: null,
    by: { ...byServer, ...origin },
    action: 'app.updated',
    target: url,
    details: { before: old, after: now },
  })
}

function summary(said: ClientMetadata) {
  const { name, homepage, logoUri, policyUri, redirectUris, scopes, termsUri } = said
  return {
    name,
    client_uri: homepage,
    logo_uri: logoUri,
    policy_uri: policyUri,
    tos_uri: termsUri,
    redirect_uris: redirectUris,
    scopes,
  }
}
