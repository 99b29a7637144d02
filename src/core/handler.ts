// What carries an operation of the contract out: read, call, show. It never sees the request itself.
import type { Caller } from './principal.ts'

export interface Call {
  /** Proof that the credential holds the operation's scopes. */
  readonly caller: Caller
  /** The values of the path's {parameters}. */
  readonly params: Readonly<Record<string, string>>
  /** Checked against the document's schemas. */
  readonly query: Readonly<Record<string, unknown>>
  readonly body: Readonly<Record<string, unknown>>
}

export type Answer =
  | { readonly kind: 'item'; readonly status: 200 | 201; readonly item: object }
  | { readonly kind: 'list'; readonly items: readonly object[]; readonly nextCursor: string | null }

/** @throws Problem for what the caller did wrong */
export type Handler = (call: Call) => Promise<Answer>

/** By operation id. */
export type Handlers = ReadonlyMap<string, Handler>
