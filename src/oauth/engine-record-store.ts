// The engine's own sessions and interactions, under the hash of their ids: the only file that knows
// `oauth_sessions` and `interactions`.
import type { PersonId } from '../core/ids.ts'
import type { Db } from '../db/connect.ts'
import { expiredRows } from '../db/sweep.ts'
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

export async function deleteSession(db: Db, hash: Digest): Promise<void> {
  await db('oauth_sessions').where({ hash }).delete()
}

export async function deleteSessionsOf(db: Db, person: PersonId): Promise<void> {
  await db('oauth_sessions').where({ person_id: person }).delete()
}

export async function insertInteraction(
  db: Db,
  hash: Digest,
  payload: Payload,
  expiresAt: Date,
): Promise<void> {
  await db('interactions').insert({ hash, payload: JSON.stringify(payload), expires_at: expiresAt })
}

/** False when it is not there any more. Its time is what it was. */
export async function updateInteraction(db: Db, hash: Digest, payload: Payload): Promise<boolean> {
  const changed = await db('interactions')
    .where({ hash })
    .update({ payload: JSON.stringify(payload) })
  return changed === 1
}

/** With the session that it was begun in, where that is there. */
export async function findInteraction(
  db: Db,
  hash: Digest,
  now: Date,
): Promise<{ readonly payload: Payload; readonly session: Payload | null } | null> {
  const { rows } = await db.raw<{ rows: { payload: Payload; session: Payload | null }[] }>(
    `select i.payload, s.payload as session
     from interactions i
     left join oauth_sessions s on s.uid = i.payload -> 'session' ->> 'uid' and s.expires_at > :now
     where i.hash = :hash and i.expires_at > :now`,
    { hash, now },
  )
  return rows[0] ?? null
}

/** True for the one that deleted it: an interaction is resumed once. */
export async function deleteInteraction(db: Db, hash: Digest): Promise<boolean> {
  return (await db('interactions').where({ hash }).delete()) === 1
}

export const expiredInteractions = expiredRows('interactions')
export const expiredEngineSessions = expiredRows('oauth_sessions')
