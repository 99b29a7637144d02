// What a person does next on the way to an authorization: the one place that knows the order.
import type { PersonId } from '../../core/ids.ts'

export interface InteractionState {
  /** What the engine wants settled. */
  readonly prompt: string
  readonly reasons: readonly string[]
  /** Who is signed in in this browser. */
  readonly person: PersonId | null
  /** Whom the authorization was begun for; null before sign-in. */
  readonly begunBy: string | null
  readonly requestedScopes: readonly string[]
}

export type Step =
  | { readonly step: 'sign-in' }
  | { readonly step: 'finish-sign-in'; readonly person: PersonId }
  | { readonly step: 'consent' }
  | { readonly step: 'refuse-scope' }
  | { readonly step: 'another-person' }

/** Pure: pages return to the dispatcher, which asks this again. */
export function nextStep(at: InteractionState): Step {
  if (at.person === null) return { step: 'sign-in' }
  if (at.prompt === 'login') {
    // For any reason but a missing session (prompt=login, max_age) the app wants to see a new sign-in.
    const isEnough = at.reasons.every((reason) => reason === 'no_session')
    return isEnough ? { step: 'finish-sign-in', person: at.person } : { step: 'sign-in' }
  }
  if (at.begunBy !== at.person) return { step: 'another-person' }
  return at.requestedScopes.length === 0 ? { step: 'refuse-scope' } : { step: 'consent' }
}
