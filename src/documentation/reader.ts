// Who reads: somebody who is signed in finds their own in the examples.
import type { Context } from 'koa'
import { listApps } from '../apps/app-store.ts'
import type { Db } from '../db/connect.ts'
import { isWorking } from '../keys/key.ts'
import { listKeys } from '../keys/key-store.ts'
import type { Clock } from '../lib/time.ts'
import { findSessionPerson } from '../operators/session.ts'
import { listMemberships } from '../organizations/membership-store.ts'
import type { BrowserSessions } from '../web/browser-session.ts'
import { nobody, type Reader } from './subject.ts'

export interface ReaderParts {
  readonly db: Db
  readonly sessions: BrowserSessions
  readonly clock: Clock
}

/** Past so many that work no more, a key is not looked for. */
const newestKeys = 20

/** Of the organization that they looked at last in the console. `nobody` for who is not signed in. */
export async function findReader({ db, sessions, clock }: ReaderParts, ctx: Context): Promise<Reader> {
  const session = sessions.read(ctx)
  const now = clock()
  const person = session && (await findSessionPerson(db, session, now))
  if (!person) return nobody
  const memberships = await listMemberships(db, person.id)
  const slug = sessions.readOrganization(ctx)
  const membership = memberships.find((it) => it.organization.slug === slug) ?? memberships[0]
  if (!membership) return nobody
  const organization = membership.organization.id
  const query = { organization, mode: 'any', after: null, limit: newestKeys } as const
  const key = (await listKeys(db, query)).map((it) => it.key).find((it) => isWorking(it, now))
  const app = (await listApps(db, organization)).find((it) => !it.isStopped)
  return {
    key: key ? `${key.prefix}…${key.lastFour}` : null,
    clientId: app?.clientId ?? null,
    redirectUri: app?.redirectUris[0] ?? null,
  }
}
