// "Try it": developers run their app's whole flow in their own browser, against a callback of this server. The
// callback is nobody's redirect URI: it is good for the one app that the browser has a try of, for half an hour.
import type { Context, Middleware } from 'koa'
import type { ClientId } from '../core/ids.ts'
import { deriveKey, sha256 } from '../lib/digest.ts'
import { randomToken } from '../lib/random.ts'
import { seal, unseal } from '../lib/seal.ts'
import type { Secret } from '../lib/secret.ts'
import { addSeconds, type Clock, minuteSeconds } from '../lib/time.ts'
import type { Engine } from './engine.ts'
import { createRequestContext } from './request-context.ts'

/** So long one may take from the page that begins a try to the callback. */
const trySeconds = 30 * minuteSeconds

/** What the app would keep for itself until the person is back. */
export interface Try {
  readonly client: ClientId
  readonly scope: string
  /** RFC 7636 section 4.1: never in an address. */
  readonly verifier: string
  readonly challenge: string
  readonly state: string
}

export interface Tries {
  readonly redirectUri: string
  /** A new one, in place of the one that the browser may have had. `session` is the person's. */
  begin(ctx: Context, client: ClientId, scope: string, session: string): Try
  /** The one that this browser has begun in this session; null for none. */
  read(ctx: Context, session: string): Try | null
  /** The browser keeps nothing of it. */
  end(ctx: Context): void
  /** Comes before the engine, which then takes the callback for the app of the browser's try. */
  readonly admit: Middleware
  /** Teaches the engine so: `redirectUriAllowed` is its documented seam. */
  teach(engine: Engine): void
}

/** What is in the cookie. */
interface Kept extends Omit<Try, 'challenge'> {
  readonly session: string
  readonly until: number
}

export interface TryParts {
  readonly publicUrl: string
  readonly cookieKeys: readonly Secret[]
  readonly clock: Clock
  /** Of the callback page. */
  readonly path: string
}

export function createTries({ publicUrl, cookieKeys, clock, path }: TryParts): Tries {
  const secure = publicUrl.startsWith('https:')
  const cookie = `${secure ? '__Host-' : ''}latchkey_try`
  const options = { httpOnly: true, sameSite: 'lax', secure, path: '/', signed: false } as const
  const keys = cookieKeys.map((key) => deriveKey(key.reveal(), 'latchkey try-it v1'))
  const redirectUri = publicUrl + path
  const admitted = createRequestContext<ClientId>()

  const open = (ctx: Context) => {
    const sealed = Buffer.from(ctx.cookies.get(cookie, { signed: false }) ?? '', 'base64url')
    const text = keys.map((key) => unseal(key, sealed)).find((it) => it !== null)
    if (!text) return null
    const found = JSON.parse(text) as Kept // nobody but us can have sealed it, below
    return found.until > clock().getTime() ? found : null
  }
  const toTry = ({ client, scope, verifier, state }: Omit<Try, 'challenge'>): Try => ({
    client,
    scope,
    verifier,
    challenge: sha256(verifier).toString('base64url'),
    state,
  })

  return {
    redirectUri,
    begin: (ctx, client, scope, session) => {
      const [key] = keys
      if (!key) throw new Error('no cookie key')
      const begun = { client, scope, verifier: randomToken(), state: randomToken() }
      const until = addSeconds(clock(), trySeconds).getTime()
      const text = JSON.stringify({ ...begun, session: bind(session), until } satisfies Kept)
      ctx.cookies.set(cookie, seal(key, text).toString('base64url'), {
        ...options,
        maxAge: trySeconds * 1000,
      })
      return toTry(begun)
    },
    read: (ctx, session) => {
      const found = open(ctx)
      return found?.session === bind(session) ? toTry(found) : null
    },
    end: (ctx) => {
      ctx.cookies.set(cookie, null, options)
    },
    admit: (ctx, next) => {
      const found = /^\/oauth\/authorize(\/|$)/i.test(ctx.path) ? open(ctx) : null
      return found ? admitted.run(found.client, next) : next()
    },
    teach: (engine) => {
      const { prototype } = engine.Client
      const registered = prototype.redirectUriAllowed
      prototype.redirectUriAllowed = function (uri) {
        return registered.call(this, uri) || (uri === redirectUri && admitted.getStore() === this.clientId)
      }
    },
  }
}

const bind = (session: string) => sha256(session).toString('base64url')
