// People who sign in: the only file that knows `persons`, `one_time_links` and `person_sessions`.
import { newPersonId, type PersonId, type SessionId } from '../core/ids.ts'
import type { Db, Tx } from '../db/connect.ts'
import type { Digest } from '../lib/digest.ts'

export interface Person {
  readonly id: PersonId
  readonly email: string
  readonly name: string | null
}

interface PersonRow {
  readonly id: PersonId
  readonly email: string
  readonly name: string | null
  readonly password_hash: string | null
}

const toPerson = (row: PersonRow): Person => ({ id: row.id, email: row.email, name: row.name })

/** The new person, or null when the address is taken (in any case of letters). */
export async function insertPerson(db: Db, email: string, name: string | null): Promise<Person | null> {
  const [row] = await db('persons')
    .insert({ id: newPersonId(), email, name })
    .onConflict(db.raw('(lower(email))'))
    .ignore()
    .returning<PersonRow[]>('*')
  return row ? toPerson(row) : null
}

export async function isAnybodyThere(db: Db): Promise<boolean> {
  return (await db('persons').first('id')) !== undefined
}

/** With the password's hash, for the one who signs in; unique index persons_email_key. */
export async function findPersonToSignIn(
  db: Db,
  email: string,
): Promise<{ readonly person: Person; readonly passwordHash: string | null } | null> {
  const row = await db<PersonRow>('persons')
    .whereRaw('lower(email) = lower(?)', email)
    .whereNull('disabled_at')
    .first()
  return row ? { person: toPerson(row), passwordHash: row.password_hash } : null
}

export async function setPasswordHash(db: Db, person: PersonId, hash: string): Promise<void> {
  await db('persons').where({ id: person }).update({ password_hash: hash })
}

/** Whoever holds an older link, or is signed in with the old password, does no longer. */
export async function deleteLinksAndSessions(db: Db, person: PersonId): Promise<void> {
  await db('one_time_links').where({ person_id: person, used_at: null }).delete()
  await db('person_sessions').where({ person_id: person }).delete()
}

/** Signed out everywhere. How many sessions there were. */
export async function deleteSessionsOf(db: Db, person: PersonId): Promise<number> {
  return await db('person_sessions').where({ person_id: person }).delete()
}

/** Sessions, links, and sign-ins that wait for a second factor: nothing is left that was begun before. */
export async function deleteSignIns(db: Db, person: PersonId): Promise<void> {
  await deleteLinksAndSessions(db, person)
  await db('sign_in_steps').where({ person_id: person }).delete()
}

/** Anybody with this address, disabled or not; unique index persons_email_key. */
export async function findPersonByEmail(
  db: Db,
  email: string,
): Promise<(Person & { readonly disabledAt: Date | null }) | null> {
  const row = await db<PersonRow & { disabled_at: Date | null }>('persons')
    .whereRaw('lower(email) = lower(?)', email)
    .first()
  return row ? { ...toPerson(row), disabledAt: row.disabled_at } : null
}

/** Disables (a time) or enables (null) a person, who stays locked; false when it was so already. */
export async function setDisabled(tx: Tx, person: PersonId, at: Date | null): Promise<boolean> {
  const changed = await tx('persons')
    .where({ id: person })
    .where((query) => (at ? query.whereNull('disabled_at') : query.whereNotNull('disabled_at')))
    .update({ disabled_at: at })
  return changed === 1
}

/** Whether the person is there and not disabled, held against a disabling that is under way. */
export async function holdPerson(tx: Tx, person: PersonId): Promise<boolean> {
  const row = await tx('persons').where({ id: person }).whereNull('disabled_at').forShare().first('id')
  return row !== undefined
}

export async function insertOneTimeLink(
  db: Db,
  hash: Digest,
  person: PersonId,
  expiresAt: Date,
): Promise<void> {
  await db('one_time_links').insert({ hash, purpose: 'set_up', person_id: person, expires_at: expiresAt })
}

/** Whom an unused, unexpired link is for. */
export async function findByOneTimeLink(db: Db, hash: Digest, now: Date): Promise<Person | null> {
  const row = await db<PersonRow>('persons')
    .join('one_time_links', 'one_time_links.person_id', 'persons.id')
    .where('one_time_links.hash', hash)
    .whereNull('one_time_links.used_at')
    .where('one_time_links.expires_at', '>', now)
    .whereNull('persons.disabled_at')
    .first<PersonRow | undefined>('persons.*')
  return row ? toPerson(row) : null
}

/** One statement: of two that come with the same link, one is told its person, the other null. */
export async function spendOneTimeLink(db: Db, hash: Digest, now: Date): Promise<PersonId | null> {
  const [row] = await db('one_time_links')
    .where({ hash, used_at: null })
    .where('expires_at', '>', now)
    .update({ used_at: now })
    .returning<{ person_id: PersonId }[]>('person_id')
  return row?.person_id ?? null
}

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

/** Who is signed in, not idle since before `idleSince`; primary key. */
export async function findPersonBySession(
  db: Db,
  hash: Digest,
  now: Date,
  idleSince: Date,
): Promise<Person | null> {
  const row = await db<PersonRow>('persons')
    .join('person_sessions', 'person_sessions.person_id', 'persons.id')
    .where('person_sessions.hash', hash)
    .where('person_sessions.expires_at', '>', now)
    .where('person_sessions.last_seen_at', '>', idleSince)
    .whereNull('persons.disabled_at')
    .first<PersonRow | undefined>('persons.*')
  return row ? toPerson(row) : null
}

/** At most one write per session and minute, however many pages are opened. */
export async function touchSession(db: Db, hash: Digest, now: Date): Promise<void> {
  await db('person_sessions')
    .where({ hash })
    .where('last_seen_at', '<', new Date(now.getTime() - 60_000))
    .update({ last_seen_at: now })
}

export async function deleteSession(db: Db, hash: Digest): Promise<void> {
  await db('person_sessions').where({ hash }).delete()
}
