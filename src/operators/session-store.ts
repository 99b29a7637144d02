// Sessions of people, and the steps on the way to one: the only file that reads and writes `person_sessions`
// and `sign_in_steps` row by row.
import type { PersonId, SessionId } from '../core/ids.ts'
import type { Db, Tx } from '../db/connect.ts'
import { expiredRows } from '../db/sweep.ts'
import type { Digest } from '../lib/digest.ts'
import { type Person, type PersonRow, toPerson } from './person-store.ts'

export interface NewSession {
  readonly id: SessionId
  readonly hash: Digest
  readonly person: PersonId
  readonly address: string | null
  readonly client: string | null
  readonly createdAt: Date
  readonly expiresAt: Date
}

export async function insertSession(db: Db, it: NewSession): Promise<void> {
  await db('person_sessions').insert({
    id: it.id,
    hash: it.hash,
    person_id: it.person,
    address: it.address,
    client: it.client,
    created_at: it.createdAt,
    last_seen_at: it.createdAt,
    expires_at: it.expiresAt,
  })
}

/** Who is signed in, not idle since before `idleSince`, and since when; primary key. */
export async function findPersonBySession(
  db: Db,
  hash: Digest,
  now: Date,
  idleSince: Date,
): Promise<{ readonly person: Person; readonly since: Date; readonly lastSeenAt: Date } | null> {
  const row = await db('persons')
    .join('person_sessions', 'person_sessions.person_id', 'persons.id')
    .where('person_sessions.hash', hash)
    .where('person_sessions.expires_at', '>', now)
    .where('person_sessions.last_seen_at', '>', idleSince)
    .whereNull('persons.disabled_at')
    .first<(PersonRow & { signed_in_at: Date; last_seen_at: Date }) | undefined>(
      'persons.*',
      'person_sessions.created_at as signed_in_at',
      'person_sessions.last_seen_at',
    )
  return row ? { person: toPerson(row), since: row.signed_in_at, lastSeenAt: row.last_seen_at } : null
}

export async function touchSession(db: Db, hash: Digest, now: Date): Promise<void> {
  await db('person_sessions').where({ hash }).where('last_seen_at', '<', now).update({ last_seen_at: now })
}

/** A session as its person sees it: named by its id, never by what opens it. */
export interface ListedSession {
  readonly id: SessionId
  readonly address: string | null
  readonly client: string | null
  readonly createdAt: Date
  readonly lastSeenAt: Date
  /** The one that asks. */
  readonly isCurrent: boolean
}

interface SessionRow {
  readonly id: SessionId
  readonly address: string | null
  readonly client: string | null
  readonly created_at: Date
  readonly last_seen_at: Date
  readonly is_current: boolean
}

/** The person's sessions that are good, the one with `current` first, then the latest seen. */
export async function listSessions(
  db: Db,
  person: PersonId,
  current: Digest,
  now: Date,
  idleSince: Date,
): Promise<ListedSession[]> {
  const rows: SessionRow[] = await db('person_sessions')
    .where({ person_id: person })
    .where('expires_at', '>', now)
    .where('last_seen_at', '>', idleSince)
    .select('id', 'address', 'client', 'created_at', 'last_seen_at')
    .select(db.raw('hash = ? as is_current', [current]))
    .orderByRaw('hash = ? desc, last_seen_at desc, id', [current])
  return rows.map((row) => ({
    id: row.id,
    address: row.address,
    client: row.client,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    isCurrent: row.is_current,
  }))
}

export async function deleteSession(db: Db, hash: Digest): Promise<void> {
  await db('person_sessions').where({ hash }).delete()
}

/** False when the person has no such session. */
export async function deleteSessionById(tx: Tx, person: PersonId, id: string): Promise<boolean> {
  return (await tx('person_sessions').where({ id, person_id: person }).delete()) === 1
}

/** A step that waits for its code; those of the person which waited in vain are swept out. */
export async function insertStep(
  tx: Tx,
  hash: Digest,
  person: PersonId,
  now: Date,
  expiresAt: Date,
): Promise<void> {
  await tx('sign_in_steps').where({ person_id: person }).where('expires_at', '<=', now).delete()
  await tx('sign_in_steps').insert({ hash, person_id: person, expires_at: expiresAt })
}

const stepsOf = (db: Db, hash: Digest, now: Date) =>
  db<PersonRow>('persons')
    .join('sign_in_steps', 'sign_in_steps.person_id', 'persons.id')
    .where('sign_in_steps.hash', hash)
    .where('sign_in_steps.expires_at', '>', now)
    .whereNull('persons.disabled_at')

/** Whose step it is; null when it is unknown, used or too old. */
export async function findStep(db: Db, hash: Digest, now: Date): Promise<Person | null> {
  const row = await stepsOf(db, hash, now).first<PersonRow | undefined>('persons.*')
  return row ? toPerson(row) : null
}

/** The same, held until the transaction ends: of two that finish one step the second finds none. */
export async function lockStep(tx: Tx, hash: Digest, now: Date): Promise<Person | null> {
  const row = await stepsOf(tx, hash, now)
    .forUpdate('sign_in_steps')
    .first<PersonRow | undefined>('persons.*')
  return row ? toPerson(row) : null
}

export async function deleteStep(tx: Tx, hash: Digest): Promise<void> {
  await tx('sign_in_steps').where({ hash }).delete()
}

/** Whoever is halfway signed in has to begin again. */
export async function deleteStepsOf(tx: Tx, person: PersonId): Promise<void> {
  await tx('sign_in_steps').where({ person_id: person }).delete()
}

export const expiredSessions = expiredRows('person_sessions')
export const expiredSteps = expiredRows('sign_in_steps')
