// What carries an operation of the contract out: read, call, show. It never sees the request itself.
import type { Secret } from '../lib/secret.ts'
import type { Soon } from '../lib/soon.ts'
import type { Attribution } from './attribution.ts'
import type { Caller, PlatformCaller } from './principal.ts'

interface Input {
  /** The values of the path's {parameters}. */
  readonly params: Readonly<Record<string, string>>
  /** Checked against the document's schemas. */
  readonly query: Readonly<Record<string, unknown>>
  readonly body: Readonly<Record<string, unknown>>
  /** For the ledger: the caller, its address and the request's id. */
  readonly attribution: Attribution
  /** The header Idempotency-Key: who sends it twice wants one change and one answer. */
  readonly idempotencyKey: string | null
  /** What was presented: to derive a key from that only its holder can, never to be kept. */
  readonly credential: Secret
}

export interface Call extends Input {
  /** Proof that the credential holds the operation's scopes. */
  readonly caller: Caller
}

export interface PlatformCall extends Input {
  readonly caller: PlatformCaller
}

/** One page of a collection. */
export interface Page {
  readonly items: readonly object[]
  /** null on the last page. */
  readonly nextCursor: string | null
  /** Where pages are counted: which one this is, and how many things there are in all. */
  readonly numbers?: { readonly page: number; readonly limit: number; readonly total: number }
}

export type Answer =
  | {
      readonly kind: 'item'
      readonly status: 200 | 201
      readonly item: object
      /** Nothing that was there before is another than it was: nobody has to hear of it before it is answered. */
      readonly isAddition?: true
    }
  | ({ readonly kind: 'list' } & Page)
  | { readonly kind: 'nothing' }

/** At once where nothing has to be waited for. @throws Problem for what the caller did wrong */
export type Handler = (call: Call) => Soon<Answer>
/** Of an operation whose `x-credential` is `platform`. @throws Problem for what the caller did wrong */
export type PlatformHandler = (call: PlatformCall) => Soon<Answer>

/** By operation id. */
export interface Handlers {
  readonly tenant: ReadonlyMap<string, Handler>
  readonly platform: ReadonlyMap<string, PlatformHandler>
  /** Those that a vendor's document may leave out: then nobody can call them. */
  readonly optional: ReadonlySet<string>
  /** Those that the profile can't have, with the reason, as a sentence. */
  readonly unfit: ReadonlyMap<string, string>
}
