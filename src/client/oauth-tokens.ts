// The tokens of one connection: where they are kept, and how they are renewed once, however many ask.
import { hideFields } from './hide.ts'
import type { TokenAnswer } from './oauth-server.ts'

/** What an app keeps of a connection. It is plain data: keep it as JSON, and keep it secret. */
export interface StoredTokens {
  readonly accessToken: string
  /** null where the server gave none. */
  readonly refreshToken: string | null
  /** As the server granted it. */
  readonly scope: string
  /** From when on the access token is renewed: a little before its end. In milliseconds since 1970. */
  readonly renewAt: number
}

/**
 * Where connections are kept: a row in your database, a file. Both are given the connection's key. What is saved has to
 * be there for every process that calls with it.
 */
export interface TokenStore {
  load(key: string): Promise<StoredTokens | null>
  /** Resolves when it is kept for good: the new access token is used only then. null: forget them. */
  save(key: string, tokens: StoredTokens | null): Promise<void>
}

/** Runs the work while no other process runs work of that key, and gives what it gives. */
export type Lock = <T>(key: string, work: () => Promise<T>) => Promise<T>

/** An access token that ends sooner than this is renewed first; of a short life, the last tenth. */
const marginSeconds = 60

/** Without `expires_in`, which RFC 6749 section 5.1 only recommends. */
const usualLifetime = 3600

/** @param before those that they come from: a refresh may leave out what stays (RFC 6749 sections 5.1 and 6) */
export function tokensOf(answer: TokenAnswer, now: number, before: Partial<StoredTokens>): StoredTokens {
  const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
  const said = Number(answer['expires_in'] ?? Number.NaN) // some servers write it as text
  const seconds = Number.isFinite(said) ? said : usualLifetime
  const margin = Math.min(marginSeconds, seconds / 10)
  return hide({
    accessToken: answer.access_token,
    refreshToken: text(answer['refresh_token']) ?? before.refreshToken ?? null,
    scope: text(answer['scope']) ?? before.scope ?? '',
    renewAt: now + (seconds - margin) * 1000,
  })
}

export const hide = (tokens: StoredTokens) => hideFields(tokens, ['accessToken', 'refreshToken'])

/** Renewals under way, by store and key: clients that share a store share them. */
const underWay = new WeakMap<TokenStore, Map<string, Promise<StoredTokens>>>()

interface Unsaved {
  /** The refresh token that they came for. */
  readonly from: string
  readonly tokens: StoredTokens
}

const unsaved = new WeakMap<TokenStore, Map<string, Unsaved>>()

/** New tokens that the store did not take, by key. */
export function unsavedOf(store: TokenStore): Map<string, Unsaved> {
  const all = unsaved.get(store) ?? new Map<string, Unsaved>()
  unsaved.set(store, all)
  return all
}

/** Of calls at the same time for one key, the first does the work, and all have what it gives. */
export function once(
  store: TokenStore,
  key: string,
  work: () => Promise<StoredTokens>,
): Promise<StoredTokens> {
  const all = underWay.get(store) ?? new Map<string, Promise<StoredTokens>>()
  underWay.set(store, all)
  const running = all.get(key)
  if (running) return running
  const started = work().finally(() => all.delete(key))
  all.set(key, started)
  return started
}
