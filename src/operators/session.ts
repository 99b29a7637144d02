// Who is signed in: sessions of our own, used by the console and the consent page alike (decision 15).
import { recordForEach } from '../audit/record.ts'
import type { Origin } from '../core/attribution.ts'
import { newSessionId, type PersonId } from '../core/ids.ts'
import type { Db } from '../db/connect.ts'
import { sha256 } from '../lib/digest.ts'
import { randomToken } from '../lib/random.ts'
import { Secret } from '../lib/secret.ts'
import { addSeconds, daySeconds, hourSeconds } from '../lib/time.ts'
import { listOrganizationIds } from '../organizations/membership-store.ts'
import {
  deleteSession,
  findPersonBySession,
  insertSession,
  type Person,
  touchSession,
} from './person-store.ts'

/** Where a session was begun: its network address, and the browser as it calls itself. */
export interface SessionOrigin extends Origin {
  readonly client: string | null
}

/** However busy, a session ends after this long. */
export const sessionSeconds = 7 * daySeconds
const sessionIdleSeconds = 12 * hourSeconds

/** A new session: always a new id, so that one fixed before sign-in is worth nothing (SECURITY U7). */
export async function startSession(
  db: Db,
  person: PersonId,
  from: SessionOrigin,
  now: Date,
): Promise<Secret> {
  const secret = new Secret(randomToken())
  const { address, client, requestId } = from
  await db.transaction(async (tx) => {
    await insertSession(tx, {
      id: newSessionId(),
      hash: sha256(secret.reveal()),
      person,
      address,
      client,
      createdAt: now,
      expiresAt: addSeconds(now, sessionSeconds),
    })
    const by = { actor: { kind: 'person', id: person }, address, requestId } as const
    const entry = { by, action: 'person.signed_in', target: person } as const
    await recordForEach(tx, await listOrganizationIds(tx, person), entry)
  })
  return secret
}

/** Whose session it is; null when it is unknown, over, or idle for too long. */
export async function findSessionPerson(db: Db, id: string, now: Date): Promise<Person | null> {
  const hash = sha256(id)
  const person = await findPersonBySession(db, hash, now, addSeconds(now, -sessionIdleSeconds))
  if (person) await touchSession(db, hash, now)
  return person
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
