// Who is signed in: sessions of our own, used by the console and the consent page alike (decision 15).
import { recordForEach } from '../audit/record.ts'
import type { Attribution, Origin } from '../core/attribution.ts'
import { newSessionId, type PersonId } from '../core/ids.ts'
import type { Db, Tx } from '../db/connect.ts'
import { sha256 } from '../lib/digest.ts'
import { randomToken } from '../lib/random.ts'
import { Secret } from '../lib/secret.ts'
import { addSeconds, daySeconds, hourSeconds, minuteSeconds } from '../lib/time.ts'
import { listOrganizationIds } from '../organizations/membership-store.ts'
import { deleteLinksAndSessions, type Person } from './person-store.ts'
import {
  deleteSession,
  deleteSessionById,
  findPersonBySession,
  insertSession,
  type ListedSession,
  listSessions,
  touchSession,
} from './session-store.ts'

/** Where a session was begun: its network address, and the browser as it calls itself. */
export interface SessionOrigin extends Origin {
  readonly client: string | null
}

/** However busy, a session ends after this long. */
export const sessionSeconds = 7 * daySeconds
const sessionIdleSeconds = 12 * hourSeconds

/** What else a person is signed in to, and signed out of with everything: the authorization server's sessions. */
export type EndElsewhere = (tx: Tx, person: PersonId) => Promise<void>

/**
 * A new session: always a new id, so that one fixed before sign-in is worth nothing (SECURITY U7).
 * @param details for the ledger: by which second factor
 */
export async function startSession(
  db: Db,
  person: PersonId,
  from: SessionOrigin,
  now: Date,
  details: Readonly<Record<string, unknown>> = {},
): Promise<Secret> {
  const secret = new Secret(randomToken())
  const { address, requestId } = from
  await db.transaction(async (tx) => {
    await insertNewSession(tx, person, secret, from, now)
    const by = { actor: { kind: 'person', id: person }, address, requestId } as const
    const entry = { by, action: 'person.signed_in', target: person, details } as const
    await recordForEach(tx, await listOrganizationIds(tx, person), entry)
  })
  return secret
}

/** In place of all sessions of a person a single new one, and nothing that was begun before. */
export async function replaceSessions(
  tx: Tx,
  person: PersonId,
  from: SessionOrigin,
  now: Date,
): Promise<Secret> {
  await deleteLinksAndSessions(tx, person)
  const secret = new Secret(randomToken())
  await insertNewSession(tx, person, secret, from, now)
  return secret
}

async function insertNewSession(
  tx: Tx,
  person: PersonId,
  secret: Secret,
  { address, client }: SessionOrigin,
  now: Date,
): Promise<void> {
  await insertSession(tx, {
    id: newSessionId(),
    hash: sha256(secret.reveal()),
    person,
    address,
    client,
    createdAt: now,
    expiresAt: addSeconds(now, sessionSeconds),
  })
}

/** Whose session it is; null when it is unknown, over, or idle for too long. */
export async function findSessionPerson(db: Db, id: string, now: Date): Promise<Person | null> {
  return (await findSession(db, id, now))?.person ?? null
}

/** The same, with the time of the sign-in. */
export async function findSession(
  db: Db,
  id: string,
  now: Date,
): Promise<{ readonly person: Person; readonly since: Date } | null> {
  const hash = sha256(id)
  const found = await findPersonBySession(db, hash, now, addSeconds(now, -sessionIdleSeconds))
  if (!found) return null
  // At most one write per session and minute, however many pages are opened.
  if (found.lastSeenAt < addSeconds(now, -minuteSeconds)) await touchSession(db, hash, now)
  return found
}

/** Ends the session on the server: its cookie is worth nothing from now on. */
export async function endSession(db: Db, id: string, person: PersonId, from: Origin): Promise<void> {
  await db.transaction(async (tx) => {
    await deleteSession(tx, sha256(id))
    const by = { ...from, actor: { kind: 'person', id: person } } as const
    const entry = { by, action: 'person.signed_out', target: person } as const
    await recordForEach(tx, await listOrganizationIds(tx, person), entry)
  })
}

/** Where the person is signed in; `current` is the secret of the session that asks. */
export function sessionsOf(
  db: Db,
  person: PersonId,
  current: string,
  now: Date,
): Promise<readonly ListedSession[]> {
  return listSessions(db, person, sha256(current), now, addSeconds(now, -sessionIdleSeconds))
}

/** Ends one session of the person by its public id; false when the person has none of that id. */
export function endSessionById(db: Db, person: PersonId, id: string, by: Attribution): Promise<boolean> {
  return db.transaction(async (tx) => {
    if (!(await deleteSessionById(tx, person, id))) return false
    const entry = { by, action: 'person.session_ended', target: person, details: { session: id } } as const
    await recordForEach(tx, await listOrganizationIds(tx, person), entry)
    return true
  })
}

/** Ends every session of the person, this one and the authorization server's among them. */
export function endAllSessions(
  db: Db,
  person: PersonId,
  endElsewhere: EndElsewhere,
  by: Attribution,
): Promise<void> {
  return db.transaction(async (tx) => {
    await deleteLinksAndSessions(tx, person)
    await endElsewhere(tx, person)
    const details = { everywhere: true }
    const entry = { by, action: 'person.signed_out', target: person, details } as const
    await recordForEach(tx, await listOrganizationIds(tx, person), entry)
  })
}
