// Who did something, on whose behalf, from where and in which request: what the ledger is told of a change.
import type { ClientId, KeyId, PersonId, PlatformId, RequestId } from './ids.ts'
import type { Principal } from './principal.ts'

export type Actor =
  | { readonly kind: 'person'; readonly id: PersonId }
  | { readonly kind: 'api_key'; readonly id: KeyId }
  | { readonly kind: 'app'; readonly id: ClientId; readonly onBehalfOf: PersonId }
  | { readonly kind: 'platform'; readonly id: PlatformId }
  /** Whoever may run commands on the server's machine. */
  | { readonly kind: 'command_line' }
  | { readonly kind: 'server' }

/** Where something came from. */
export interface Origin {
  /** The network address; null when there was none. */
  readonly address: string | null
  readonly requestId: RequestId | null
}

export interface Attribution extends Origin {
  readonly actor: Actor
}

export const byCommandLine: Attribution = { actor: { kind: 'command_line' }, address: null, requestId: null }
export const byServer: Attribution = { actor: { kind: 'server' }, address: null, requestId: null }

/** The id of the actor; null for those of whom there is only one. */
export function actorId(actor: Actor): string | null {
  return 'id' in actor ? actor.id : null
}

/** What a credential does is done by its owner: a key, a platform, or an app on behalf of a person. */
export function actorOf(who: Principal): Actor {
  switch (who.kind) {
    case 'api_key':
      return { kind: 'api_key', id: who.key }
    case 'access_token':
      return { kind: 'app', id: who.client, onBehalfOf: who.person }
    case 'platform_key':
      return { kind: 'platform', id: who.platform }
  }
}
