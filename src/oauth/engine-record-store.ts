// The engine's own sessions and interactions, under the hash of their ids: the only file that knows
// `oauth_sessions` and `interactions`.
import type { PersonId } from '../core/ids.ts'
import type { Db } from '../db/connect.ts'
import type { Digest } from '../lib/digest.ts'

export type Payload = Readonly<Record<string, unknown>>

export async function upsertSession(
  db: Db,
  hash: Digest,
  session: {
    readonly uid: string
    readonly personId: string | null
    readonly payload: Payload
    readonly expiresAt: Date
  },
): Promise<void> {
  await db('oauth_sessions')
    .insert({
      hash,
      uid: session.uid,
      person_id: session.personId,
      payload: JSON.stringify(session.payload),
      expires_at: session.expiresAt,
    })
    .onConflict('hash')
    .merge()
}

export async function findSession(db: Db, hash: Digest, now: Date): Promise<Payload | null> {
  const row: { payload: Payload } | undefined = await db('oauth_sessions')
    .where({ hash })
    .where('expires_at', '>', now)
    .first('payload')
  return row?.payload ?? null
}

export async function findSessionByUid(db: Db, uid: string, now: Date): Promise<Payload | null> {
  const row: { payload: Payload } | undefined = await db('oauth_sessions')
    .where({ uid })
    .where('expires_at', '>', now)
    .first('payload')
  return row?.payload ?? null
}

/** Whose session it is, for the bridge to our own sessions. */
export async function findSessionPerson(db: Db, hash: Digest, now: Date): Promise<string | null> {
  const row: { person_id: string | null } | undefined = await db('oauth_sessions')
    .where({ hash })
    .where('expires_at', '>', now)
    .first('person_id')
  return row?.person_id ?? null
}

export async function deleteSession(db: Db, hash: Digest): Promise<void> {
  await db('oauth_sessions').where({ hash }).delete()
}

export async function deleteSessionsOf(db: Db, person: PersonId): Promise<void> {
  await db('oauth_sessions').where({ person_id: person }).delete()
}

export async function upsertInteraction(
  db: Db,
  hash: Digest,
  payload: Payload,
  expiresAt: Date,
): Promise<void> {
  await db('interactions')
    .insert({ hash, payload: JSON.stringify(payload), expires_at: expiresAt })
    .onConflict('hash')
    .merge()
}

export async function findInteraction(db: Db, hash: Digest, now: Date): Promise<Payload | null> {
  const row: { payload: Payload } | undefined = await db('interactions')
    .where({ hash })
    .where('expires_at', '>', now)
    .first('payload')
  return row?.payload ?? null
}

/** True for the one that deleted it: an interaction is resumed once. */
export async function deleteInteraction(db: Db, hash: Digest): Promise<boolean> {
  return (await db('interactions').where({ hash }).delete()) === 1
}
