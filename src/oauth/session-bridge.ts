// One truth about who is signed in: our own session. The engine keeps a session of its own beside it,
// which is put aside whenever it names somebody else, or nobody is signed in any more.
import type { Middleware } from 'koa'
import type { Database } from '../db/connect.ts'
import { sha256 } from '../lib/digest.ts'
import type { Clock } from '../lib/time.ts'
import { findSessionPerson } from '../operators/session.ts'
import type { BrowserSessions } from '../web/browser-session.ts'
import { findSessionPerson as findEngineSessionPerson } from './engine-record-store.ts'

/** For the authorization endpoint and its resumption, before the engine reads its cookie. */
export function bridgeSessions(
  database: Database,
  sessions: BrowserSessions,
  engineCookie: string,
  clock: Clock,
): Middleware {
  return async (ctx, next) => {
    const engineSession = ctx.cookies.get(engineCookie, { signed: true })
    if (/^\/oauth\/authorize(\/|$)/i.test(ctx.path) && engineSession) {
      const own = sessions.read(ctx)
      const person = own ? await findSessionPerson(database.knex, own, clock()) : null
      const engines = await findEngineSessionPerson(database.knex, sha256(engineSession), clock())
      if (engines !== null && engines !== person?.id) dropCookie(ctx.req.headers, engineCookie)
    }
    return await next()
  }
}

function dropCookie(headers: { cookie?: string | undefined }, name: string): void {
  const kept = (headers.cookie ?? '').split(/; */).filter((pair) => !pair.startsWith(`${name}=`))
  headers.cookie = kept.join('; ')
}
