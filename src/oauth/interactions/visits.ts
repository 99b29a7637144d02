// A visit: a request for a page of an interaction, with all that every step needs to know.
import type { Context } from 'koa'
import type { App } from '../../apps/app.ts'
import { findApp } from '../../apps/app-store.ts'
import { Problem } from '../../core/problems.ts'
import type { Profile } from '../../core/profile.ts'
import type { Database } from '../../db/connect.ts'
import type { Clock } from '../../lib/time.ts'
import type { Person } from '../../operators/person-store.ts'
import { findSessionPerson } from '../../operators/session.ts'
import type { SignIn } from '../../operators/sign-in.ts'
import type { BrowserSessions } from '../../web/browser-session.ts'
import { fillHtml, fillText } from '../../web/fill-in.ts'
import type { Views } from '../../web/views.ts'
import { askedOf, resourceOf } from '../authorization-request.ts'
import { type Engine, errors, type Interaction, type InteractionResults } from '../engine.ts'
import type { AskedConsent } from '../remembered-consent.ts'
import type { Resources } from '../resources.ts'
import { noteLocale, wordsOf } from './locale.ts'
import { nextStep, type Step } from './next-step.ts'
import { isRegistered } from './redirect-target.ts'
import type { Words } from './words.ts'

export interface InteractionParts {
  readonly engine: Engine
  readonly database: Database
  readonly profile: Profile
  readonly resources: Resources
  /** The callback of "Try it", which the engine took where it was this browser's to use. */
  readonly tryItUri: string
  readonly views: Views
  readonly sessions: BrowserSessions
  readonly signIn: SignIn
  readonly clock: Clock
  readonly trustedProxies: number
}

export interface Visit {
  readonly interaction: Interaction
  readonly app: App
  readonly person: Person | null
  readonly asked: AskedConsent
  readonly words: Words
}

export interface Visits {
  /**
   * @throws SessionNotFound for an interaction that is over, or that is none of this browser's; Problem
   *   app_suspended
   */
  find(ctx: Context): Promise<Visit>
  /** Saves the result; gives the address at which the engine goes on. */
  settle(ctx: Context, result: InteractionResults): Promise<string>
}

export function createVisits(parts: InteractionParts): Visits {
  const { engine, database, resources, sessions, clock } = parts
  return {
    find: async (ctx) => {
      const interaction = await engine.interactionDetails(ctx.req, ctx.res)
      // The cookie is bound to the path, but a browser may hold it for another interaction all the same.
      if (interaction.uid !== ctx['params']['uid']) throw new errors.SessionNotFound('another interaction')
      const { params } = interaction
      noteLocale(ctx, params['ui_locales'])
      const app = await findApp(database, String(params['client_id']))
      if (!app) throw new errors.SessionNotFound('the app of this interaction is gone')
      if (app.isStopped) throw new Problem('app_suspended')
      const resource = await resourceOf(params, resources)
      if (!resource) throw new errors.SessionNotFound('the resource of this interaction is gone')
      const asked = askedOf(params, app, resource)
      if (!isRegistered(asked.redirectUri, [...app.redirectUris, parts.tryItUri]))
        throw new errors.SessionNotFound('the redirect URI is none of the app any more')
      const session = sessions.read(ctx)
      const person = session ? await findSessionPerson(database.knex, session, clock()) : null
      return { interaction, app, person, asked, words: wordsOf(ctx) }
    },
    settle: (ctx, result) =>
      engine.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission: true }),
  }
}

export function stepOf({ interaction, person, asked }: Visit): Step {
  return nextStep({
    prompt: interaction.prompt.name,
    reasons: interaction.prompt.reasons,
    person: person?.id ?? null,
    begunBy: interaction.session?.accountId ?? null,
    requestedScopes: asked.scopes,
  })
}

/** Shows a page of an interaction in the words of its visit. */
export function showPage<Name extends 'signIn' | 'code' | 'consent' | 'returning'>(
  { views, sessions }: Pick<InteractionParts, 'views' | 'sessions'>,
  ctx: Context,
  { words }: Visit,
  [name, view]: readonly [Name, string],
  props: object,
  status = 200,
): void {
  ctx.set('Content-Language', words.locale)
  const common = { locale: words.locale, skip: words.skip, words: words[name], fill: fillHtml, fillText }
  views.show(ctx, view, { ...common, ...props, formToken: sessions.formToken(ctx) }, status)
}

/**
 * Sends the browser on to the app. A redirect would be the answer to a form, and Chromium holds those to
 * form-action 'self': the app would never hear. A page that goes on by itself is no form's redirect.
 */
export function returnTo(
  parts: Pick<InteractionParts, 'views' | 'sessions'>,
  ctx: Context,
  visit: Visit,
  address: string,
): void {
  showPage(parts, ctx, visit, ['returning', 'returning'], { app: visit.app.name, address })
}
