// The list of what has ended lately, with the reasons, below the apps that have access.
import { findShownApps } from '../apps/shown-app-store.ts'
import { readCursor, writeCursor } from '../audit/cursor.ts'
import { listEndedAccess } from '../audit/ended-access-store.ts'
import { findNames, type Names } from '../audit/names-store.ts'
import type { LedgerEvent } from '../audit/read-store.ts'
import { isClientId } from '../core/ids.ts'
import type { Db } from '../db/connect.ts'
import { asTenant } from '../db/tenant.ts'
import { addSeconds, type Clock, daySeconds } from '../lib/time.ts'
import { describeAllEnded } from './ended-words.ts'
import type { MemberVisitor } from './visit.ts'

export const endedDays = 30
const endedShown = 20

interface Parts {
  readonly db: Db
  readonly clock: Clock
}

/**
 * @param isOfAccount of everybody in the account that is looked at; else what the visitor had allowed, in all of theirs
 * @param cursor where to go on, as this gave it before; '' for the newest
 */
export async function endedAccess(
  { db, clock }: Parts,
  who: MemberVisitor,
  isOfAccount: boolean,
  cursor: string,
) {
  const now = clock()
  const after = readCursor(cursor)
  const page = { since: addSeconds(now, -endedDays * daySeconds), after, limit: endedShown + 1 }
  const { id: organization } = who.current.organization
  const accounts = who.memberships.map((it) => it.organization)
  const { events, people } = isOfAccount
    ? await asTenant(db, { organization, mode: 'any' }, async (tx) => {
        const found = await listEndedAccess(tx, { ...page, of: { organization } })
        return { events: found, people: await findNames(tx, organization, texts(found, 'person')) }
      })
    : {
        events: await listEndedAccess(db, {
          ...page,
          of: { person: who.person.id, organizations: accounts.map(({ id }) => id) },
        }),
        people: new Map<string, string>(),
      }
  const apps = await findShownApps(db, texts(events, 'client').filter(isClientId))
  const names: Names = new Map([
    ...people,
    ...accounts.map(({ id, name }) => [id, name] as const),
    ...[...apps].map(([id, { name }]) => [id, name] as const),
  ])
  const shown = events.slice(0, endedShown)
  const last = shown.at(-1)
  return {
    days: endedDays,
    isFirstPage: after === null,
    events: describeAllEnded(shown, names, now),
    older: events.length > endedShown && last ? writeCursor(last) : null,
  }
}

/** What the details of these events say under a name, each once. */
function texts(events: readonly LedgerEvent[], name: string): string[] {
  const found = events.map(({ details }) => details[name])
  return [...new Set(found.filter((it): it is string => typeof it === 'string'))]
}
