// People who sign in: the only file that knows `persons` and `one_time_links`.
import { newPersonId, type PersonId } from '../core/ids.ts'
import type { Db, Tx } from '../db/connect.ts'
import { expiredRows } from '../db/sweep.ts'
import type { Digest } from '../lib/digest.ts'

export interface Person {
  readonly id: PersonId
  readonly email: string
  readonly name: string | null
}

export interface PersonRow {
  readonly id: PersonId
  readonly email: string
  readonly name: string | null
  readonly password_hash: string | null
}

export const toPerson = (row: PersonRow): Person => ({ id: row.id, email: row.email, name: row.name })

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

/**
 * With the password's hash, for the one who signs in; unique index persons_email_key. PostgreSQL takes more
 * letters for the same than we do (`İ` for `i`): by such an address nobody is found, for tries are counted by
 * ours, and each such spelling of an address would be counted anew (SECURITY U4).
 */
export async function findPersonToSignIn(
  db: Db,
  email: string,
): Promise<{ readonly person: Person; readonly passwordHash: string | null } | null> {
  const row = await db<PersonRow>('persons')
    .whereRaw('lower(email) = lower(?)', email)
    .whereNull('disabled_at')
    .first()
  if (row?.email.toLowerCase() !== email.toLowerCase()) return null
  return { person: toPerson(row), passwordHash: row.password_hash }
}

export async function setPasswordHash(db: Db, person: PersonId, hash: string): Promise<void> {
  await db('persons').where({ id: person }).update({ password_hash: hash })
}

/**
 * The same for a hash that is still the person's: of two that change it, the second is told false.
 * @param before the hash against which the password was verified
 */
export async function replacePasswordHash(
  db: Db,
  person: PersonId,
  before: string,
  hash: string,
): Promise<boolean> {
  const changed = await db('persons')
    .where({ id: person, password_hash: before })
    .update({ password_hash: hash })
  return changed === 1
}

/**
 * Is the password that was verified against `hash` still the person's, and the person not disabled? Held until
 * the transaction ends: whoever changes either waits, and then finds what the transaction wrote.
 */
export async function holdPassword(tx: Tx, person: PersonId, hash: string): Promise<boolean> {
  const row = await tx('persons')
    .where({ id: person, password_hash: hash })
    .whereNull('disabled_at')
    .forShare()
    .first('id')
  return row !== undefined
}

export async function findPasswordHash(db: Db, person: PersonId): Promise<string | null> {
  const row = await db<PersonRow>('persons').where({ id: person }).first('password_hash')
  return row?.password_hash ?? null
}

/** The name before; locked, so that each change tells the ledger what it really replaced. */
export async function updateName(tx: Tx, person: PersonId, name: string | null): Promise<string | null> {
  const before = await tx<PersonRow>('persons').where({ id: person }).forUpdate().first('name')
  await tx('persons').where({ id: person }).update({ name })
  return before?.name ?? null
}

/**
 * Whoever holds an older link, is signed in with the old password, or halfway so, does no longer.
 * The halfway ones first: one that is becoming a session holds its row, and is waited for.
 */
export async function deleteLinksAndSessions(db: Db, person: PersonId): Promise<void> {
  await db('one_time_links').where({ person_id: person, used_at: null }).delete()
  await db('sign_in_steps').where({ person_id: person }).delete()
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

/** Only the newest link is good. */
export async function deleteUnusedLinks(tx: Tx, person: PersonId): Promise<void> {
  await tx('one_time_links').where({ person_id: person, used_at: null }).delete()
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

/** The used ones too. */
export const expiredLinks = expiredRows('one_time_links')
