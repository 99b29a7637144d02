// A request that is refused before a person was asked anything, and whose app nobody has reviewed: the person is
// not sent on to it. Whoever registers an app could otherwise make a link to us that leads anywhere (RFC 9700
// section 4.11.2; SECURITY A24).
import type { IncomingMessage } from 'node:http'
import type { Middleware } from 'koa'
import type { App } from '../../apps/app.ts'
import { findApp } from '../../apps/app-store.ts'
import type { Database } from '../../db/connect.ts'
import { showError } from '../../web/page-errors.ts'
import type { Views } from '../../web/views.ts'
import { listConsents } from '../consent-store.ts'
import type { Engine } from '../engine.ts'
import { inOurWords } from '../reasons.ts'
import { whoIsSignedIn } from '../session-bridge.ts'
import { wordsOf } from './locale.ts'
import { redirectTarget } from './redirect-target.ts'

/** What the engine answers where nothing may be shown (prompt=none) and something would have to be. */
const silentErrors: ReadonlySet<string> = new Set([
  'login_required',
  'consent_required',
  'interaction_required',
])

export interface Refusal {
  readonly app: Pick<App, 'isVerified' | 'registration'> | null
  readonly error: string
  readonly isSilent: boolean
  readonly redirectUri: string
  /** Whether the person who is signed in has allowed the app something before. */
  readonly isKnownToPerson: boolean
}

/** Whether the refusal is told to the app by sending the browser on to it. Pure; the reasons stand in decision 13. */
export function mayTellApp({ app, error, isSilent, redirectUri, isKnownToPerson }: Refusal): boolean {
  if (app?.isVerified) return true
  if (!app || !isSilent || !silentErrors.has(error)) return false
  const isHere = redirectTarget(redirectUri).kind === 'computer'
  return isHere || isKnownToPerson || app.registration === 'manual'
}

/** Wraps the engine. */
export function keepBrokenLinks(database: Database, views: Views, engine: Engine): Middleware {
  const answered = new WeakSet<IncomingMessage>()
  engine.on('authorization.success', (ctx) => answered.add(ctx.req))
  return async (ctx, next) => {
    // An authorization goes on with what was kept of it. Where nothing was, the engine would believe the address, and
    // tell whichever app it names.
    if (/^\/oauth\/authorize\/+[^/]/i.test(ctx.path)) ctx.query = {}
    await next()
    const location = ctx.response.get('Location')
    if (!/^\/oauth\/authorize\/*$/i.test(ctx.path) || answered.has(ctx.req)) return
    if (ctx.status !== 303 || location === '' || location.startsWith('/interaction/')) return
    // Whatever happens from here on, it does not lead there by mistake.
    ctx.remove('Location')
    const clientId = String(ctx.query['client_id'])
    const app = await findApp(database, clientId)
    const person = whoIsSignedIn(ctx)?.person
    const known = app && person ? await listConsents(database.knex, person, app.clientId) : []
    const answer = answerIn(location)
    const error = answer.get('error') ?? ''
    const refusal = {
      app,
      error,
      isSilent: ctx.query['prompt'] === 'none',
      redirectUri: location,
      isKnownToPerson: known.length > 0,
    }
    if (mayTellApp(refusal)) return ctx.set('Location', location)
    const words = wordsOf(ctx)
    if (error === 'server_error') {
      return showError(views, ctx, 500, { error, say: words.engineErrors[error], reason: null }, words.error)
    }
    const { title, say } = words.brokenLink
    const reason = inOurWords(answer.get('error_description') ?? '')
    showError(views, ctx, 400, { title, say, error, reason }, words.error)
  }
}

/** What the app would have been told: in the query, or in the fragment if it asked for a token without a code. */
function answerIn(location: string): URLSearchParams {
  const { hash, search } = new URL(location)
  return new URLSearchParams(hash === '' ? search : hash.slice(1))
}
