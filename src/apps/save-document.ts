// What a metadata document says, made the app that it registers.
import { record } from '../audit/record.ts'
import { byServer, type Origin } from '../core/attribution.ts'
import type { ClientId } from '../core/ids.ts'
import type { Profile } from '../core/profile.ts'
import type { Db, Tx } from '../db/connect.ts'
import type { App } from './app.ts'
import { type ClientMetadata, fingerprintOf } from './client-metadata.ts'
import type { GiveUp } from './gives-up.ts'
import { selfRegistered } from './self-registered.ts'
import {
  insertDocument,
  type KeptDocument,
  lockDocument,
  unverify,
  updateDocument,
} from './self-registered-store.ts'
import { makeRoom } from './unused-apps-store.ts'

export interface LearnedDocument {
  readonly url: ClientId
  readonly said: ClientMetadata
  readonly freshUntil: Date
  /** Whose request had us ask. */
  readonly origin: Origin
}

export interface SaveParts {
  readonly db: Db
  readonly profile: Profile
  readonly giveUp: GiveUp
}

export type Saved = { readonly app: App; readonly isNewLogo: boolean } | 'no-room'

/**
 * A new app, or a known one that says something else, or the same for longer; the ledger is told of what people
 * would see. A suspension, and the mode that it began with, stay; what the vendor verified is verified no longer when
 * people would see something else.
 */
export function saveDocument(parts: SaveParts, learned: LearnedDocument, now: Date): Promise<Saved> {
  const { db, profile, giveUp } = parts
  return db.transaction(async (tx) => {
    const { url, said } = learned
    const before = await lockDocument(tx, url)
    if (before) await change(tx, giveUp, before, learned)
    else if (!(await makeRoom(tx, now))) return 'no-room'
    else if (!(await add(tx, profile, learned, now))) {
      const other = await lockDocument(tx, url)
      if (other) await change(tx, giveUp, other, learned)
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
  giveUp: GiveUp,
  before: KeptDocument,
  { url, said, freshUntil, origin }: LearnedDocument,
): Promise<void> {
  const fingerprint = fingerprintOf(said)
  await updateDocument(tx, url, said, fingerprint, freshUntil)
  const [old, now] = [summary({ ...before.app, logoUri: before.logoUri }), summary(said)]
  if (JSON.stringify(old) === JSON.stringify(now)) return
  const by = { ...byServer, ...origin }
  const narrowed = await giveUp(tx, before.app, said, by)
  const about = { organization: null, by, target: url }
  await record(tx, { ...about, action: 'app.updated', details: { before: old, after: now, ...narrowed } })
  if (!before.app.isVerified || before.app.fingerprint?.equals(fingerprint)) return
  await unverify(tx, url)
  await record(tx, { ...about, action: 'app.unverified', details: { cause: 'changed' } })
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
