// One truth about who is signed in: our own session. The engine keeps a session of its own beside it, which is
// put aside whenever it names somebody else, or nobody is signed in any more, and which is begun for whoever is.
import type { IncomingMessage } from 'node:http'
import type { Context, Middleware } from 'koa'
import type { PersonId } from '../core/ids.ts'
import type { Database } from '../db/connect.ts'
import { sha256 } from '../lib/digest.ts'
import { type Clock, epochSeconds, secondMs } from '../lib/time.ts'
import { findSession } from '../operators/session.ts'
import type { BrowserSessions } from '../web/browser-session.ts'
import type { KoaContextWithOIDC } from './engine.ts'
import { findSession as findEngineSession } from './engine-record-store.ts'
import { remember } from './request-memory.ts'

interface SignedIn {
  readonly person: PersonId
  readonly since: Date
}

const signedIn = new WeakMap<IncomingMessage, SignedIn>()

/** For the authorization endpoint and its resumption, before the engine reads its cookie. */
export function bridgeSessions(
  database: Database,
  sessions: BrowserSessions,
  engineCookie: string,
  clock: Clock,
): Middleware {
  return async (ctx, next) => {
    if (!/^\/oauth\/authorize(\/|$)/i.test(ctx.path)) return await next()
    const own = sessions.read(ctx)
    const session = own ? await findSession(database.knex, own, clock()) : null
    // Who is to sign in anew, perhaps as somebody else, is nobody until then.
    const isAnew = asksForNewSignIn(ctx, session?.since ?? null, clock())
    const found = session && !isAnew ? { person: session.person.id, since: session.since } : null
    if (found) signedIn.set(ctx.req, found)
    const engineSession = ctx.cookies.get(engineCookie, { signed: true })
    if (engineSession) {
      const engines = await findEngineSession(database.knex, sha256(engineSession), clock())
      const isOthers = engines?.['accountId'] !== undefined && engines['accountId'] !== found?.person
      if (isOthers) dropCookie(ctx.req.headers, engineCookie)
      else if (engines) remember('Session', engineSession, { ...engines, jti: engineSession })
    }
    return await next()
  }
}

/** Behind the bridge: whose sign-in counts for this request; null for nobody's. */
export function whoIsSignedIn(ctx: Context): SignedIn | null {
  return signedIn.get(ctx.req) ?? null
}

/**
 * Whoever is signed in to us is to the engine: it need not send them to our sign-in, which would send them back.
 * To be called when the engine has read its own session and has not yet asked whose it is.
 */
export function beginEngineSession(ctx: KoaContextWithOIDC): void {
  const { session } = ctx.oidc
  const who = signedIn.get(ctx.req)
  if (!session || !who || session.accountId !== undefined) return
  session.loginAccount({ accountId: who.person, loginTs: epochSeconds(who.since) })
}

/**
 * Has the app asked for a new sign-in? `max_age` is OpenID Connect's, and the engine takes it with the scope
 * `openid` alone; what it asks for has a meaning here too: a sign-in that is not older. It is told to the engine
 * as prompt=login; where nothing may be shown (prompt=none), a sign-in that is too old counts for nothing.
 */
function asksForNewSignIn(ctx: Context, since: Date | null, now: Date): boolean {
  const { max_age: maxAge, prompt, ...others } = ctx.query
  if (Array.isArray(prompt)) return false // which the engine refuses
  const prompts = prompt ? prompt.split(' ') : []
  if (typeof maxAge !== 'string' || !/^\d{1,10}$/.test(maxAge)) return prompts.includes('login')
  const isOld = since === null || now.getTime() - since.getTime() >= Number(maxAge) * secondMs
  const wanted = isOld && !prompts.includes('none') ? [...new Set([...prompts, 'login'])] : prompts
  ctx.query = wanted.length > 0 ? { ...others, prompt: wanted.join(' ') } : others
  return isOld || prompts.includes('login')
}

function dropCookie(headers: { cookie?: string | undefined }, name: string): void {
  const kept = (headers.cookie ?? '').split(/; */).filter((pair) => !pair.startsWith(`${name}=`))
  headers.cookie = kept.join('; ')
}
