// For app developers: from the link that a person opens to access tokens that are always good.
import type { GetToken } from './credential.ts'
import { inspect } from './hide.ts'
import { AuthorizationNeededError, OAuthError } from './oauth-errors.ts'
import { type AuthorizationServer, createAuthorizationServer, type ServerMetadata } from './oauth-server.ts'
import {
  hide,
  type Lock,
  once,
  type StoredTokens,
  type TokenStore,
  tokensOf,
  unsavedOf,
} from './oauth-tokens.ts'
import { challengeOf, randomText } from './pkce.ts'
import { createWire, type Wire, type WireOptions } from './wire.ts'

export interface OAuthClientOptions extends WireOptions {
  /** The server that people sign in to: "https://app.example.com". */
  readonly issuer: string
  readonly clientId: string
  /** Where people come back to; as it was registered. */
  readonly redirectUri: string
  /** What the app asks for, separated by spaces; the server's usual ones where it says nothing. */
  readonly scope?: string | undefined
  /** The API that the tokens are for (RFC 8707), where the server has several. */
  readonly resource?: string | undefined
  readonly store: TokenStore
  /** Whose connection it is, for the store and the lock. Needed where the app has more than one. */
  readonly key?: string | undefined
  /** Needed where more than one process refreshes. Without it, refreshes are single in this process alone. */
  readonly lock?: Lock | undefined
}

/** What is kept between the link and the person's return, in their session: whoever returns has to be who left. */
export interface PendingAuthorization {
  readonly state: string
  readonly codeVerifier: string
}

export interface AuthorizationLink extends PendingAuthorization {
  /** Send the person there. */
  readonly url: string
}

export class OAuthClient {
  readonly #options: OAuthClientOptions
  readonly #server: AuthorizationServer
  readonly #wire: Wire
  readonly #key: string
  #tokens: StoredTokens | null = null

  /** @throws TypeError for an issuer that is no address, and for what is missing */
  constructor(options: OAuthClientOptions) {
    const issuer = readIssuer(options.issuer)
    for (const name of ['clientId', 'redirectUri'] as const) {
      // As an environment has it that was not set: it would only be seen by the person who is sent there.
      if (!options[name]) throw new TypeError(`${name} is missing: it must be as it was registered.`)
    }
    this.#options = options
    this.#wire = createWire(options)
    this.#server = createAuthorizationServer(issuer, this.#wire)
    this.#key = options.key ?? `${issuer} ${options.clientId}`
  }

  /**
   * A link for one person, once. Keep `state` and `codeVerifier` in their session, for `exchange`.
   * @throws OAuthError where the server does not say where to
   */
  async authorizationUrl(): Promise<AuthorizationLink> {
    const { clientId, redirectUri, scope, resource } = this.#options
    const { authorization_endpoint: endpoint } = await this.#server.metadata()
    const state = randomText()
    const codeVerifier = randomText()
    const url = new URL(endpoint)
    const parameters = {
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      ...(scope === undefined ? {} : { scope }),
      ...(resource === undefined ? {} : { resource }),
      state,
      code_challenge: await challengeOf(codeVerifier),
      code_challenge_method: 'S256',
    }
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    return { url: url.href, state, codeVerifier }
  }

  /**
   * The person is back: checks that it is the one who left and that the server sent them, fetches the tokens, and keeps
   * them.
   * @param callback the address that they came to, or its path and query
   * @param kept what `authorizationUrl` gave for them
   * @throws OAuthError: `access_denied` where they said no; `state_mismatch`, `issuer_mismatch` for an answer to another
   *   question. LatchkeyConnectionError where there was no answer
   */
  async exchange(callback: string | URL, kept: PendingAuthorization): Promise<StoredTokens> {
    const { clientId, redirectUri, resource } = this.#options
    const code = readCode(new URL(callback, redirectUri).searchParams, kept, await this.#server.metadata())
    const fields = {
      grant_type: 'authorization_code',
      code,
      code_verifier: kept.codeVerifier,
      redirect_uri: redirectUri,
      client_id: clientId,
      ...(resource === undefined ? {} : { resource }),
    }
    // Not repeated: a code that comes twice ends what it gave.
    const answer = await this.#server.token(fields, code, false)
    return this.#save(tokensOf(answer, this.#wire.now(), {}))
  }

  /**
   * An access token that is good for the next while: as `apiKey` of a client. Near its end it is renewed first, and the
   * new tokens are stored before they are given out.
   * @param refused a token that the API does not take any more
   * @throws AuthorizationNeededError where the person has to allow the app (again)
   */
  readonly accessToken: GetToken = async (refused) => {
    const isGood = (it: StoredTokens | null) =>
      it !== null && it.renewAt > this.#wire.now() && it.accessToken !== refused
    if (!isGood(this.#tokens)) this.#tokens = await this.#load()
    if (this.#tokens === null) throw needed()
    if (!isGood(this.#tokens)) {
      this.#tokens = await once(this.#options.store, this.#key, () =>
        this.#locked(() => this.#refresh(isGood)),
      )
    }
    return this.#tokens.accessToken
  }

  /**
   * Gives the access back: all tokens of this connection are refused from now on, and the store forgets them.
   * @throws OAuthError, LatchkeyConnectionError: then the store still has them, and it may be tried again
   */
  async revoke(): Promise<void> {
    await this.#locked(async () => {
      const tokens = await this.#load()
      if (tokens === null) return
      const token = tokens.refreshToken ?? tokens.accessToken
      await this.#server.revoke({ token, client_id: this.#options.clientId }, token)
      await this.#options.store.save(this.#key, null)
      unsavedOf(this.#options.store).delete(this.#key)
    })
    this.#tokens = null
  }

  /** Under the lock: another process may have been here in the meantime, so the store is read again. */
  async #refresh(isGood: (it: StoredTokens | null) => boolean): Promise<StoredTokens> {
    const loaded = await this.#load()
    if (loaded === null) throw needed()
    const stored = await this.#saved(loaded)
    if (isGood(stored)) return stored
    const { refreshToken } = stored
    if (refreshToken === null) throw needed()
    const fields = {
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      client_id: this.#options.clientId,
    }
    try {
      // Repeated where the answer was lost: the server gives the same answer to the same token for a while.
      const answer = await this.#server.token(fields, refreshToken, true)
      const tokens = tokensOf(answer, this.#wire.now(), stored)
      unsavedOf(this.#options.store).set(this.#key, { from: refreshToken, tokens })
    } catch (error) {
      // A process that does not know our lock was quicker?
      const now = error instanceof AuthorizationNeededError ? await this.#load() : null
      if (now !== null && now.refreshToken !== refreshToken && isGood(now)) return now
      throw error
    }
    return this.#saved(stored)
  }

  /**
   * What took the place of these tokens, where they were exchanged already; and stores it. Where the store fails it is
   * kept in mind for the next call: the server answers the old refresh token for a while only, and then takes it for a
   * stolen one.
   */
  async #saved(stored: StoredTokens): Promise<StoredTokens> {
    const all = unsavedOf(this.#options.store)
    const unsaved = all.get(this.#key)
    if (unsaved?.from !== stored.refreshToken) return stored
    const tokens = await this.#save(unsaved.tokens)
    all.delete(this.#key)
    return tokens
  }

  #locked<T>(work: () => Promise<T>): Promise<T> {
    const { lock } = this.#options
    return lock ? lock(this.#key, work) : work()
  }

  async #load(): Promise<StoredTokens | null> {
    const tokens = await this.#options.store.load(this.#key)
    return tokens ? hide({ ...tokens }) : null
  }

  async #save(tokens: StoredTokens): Promise<StoredTokens> {
    await this.#options.store.save(this.#key, tokens)
    this.#tokens = tokens
    return tokens
  }

  /** It holds tokens: neither JSON nor `console.log` shows them. */
  toJSON(): object {
    const { issuer, clientId, redirectUri, scope } = this.#options
    return { issuer, clientId, redirectUri, scope }
  }

  [inspect](): object {
    return this.toJSON()
  }
}

function readIssuer(issuer: string): string {
  if (!/^https?:\/\/[^/?#@]+(\/[^?#]*)?$/.test(issuer)) {
    throw new TypeError('issuer must be an address such as "https://app.example.com".')
  }
  return issuer.replace(/\/+$/, '')
}

const needed = () =>
  new AuthorizationNeededError('no_tokens', 'There is no authorization: the person has to allow the app.')

/** The checks of RFC 6749 section 4.1.2 and RFC 9207 section 2.4, the errors' too. */
function readCode(
  answer: URLSearchParams,
  kept: PendingAuthorization,
  { issuer, authorization_response_iss_parameter_supported: saysWho = false }: ServerMetadata,
): string {
  const [given, ...more] = answer.getAll('state')
  // A session may have forgotten: where nothing is kept, no answer is to it.
  const { state } = (kept ?? {}) as Partial<PendingAuthorization>
  if (given === undefined || given !== state || more.length > 0) {
    throw new OAuthError('state_mismatch', 'The answer is not to the link that this person was given.')
  }
  const iss = answer.getAll('iss')
  if (iss.some((it) => it !== issuer) || iss.length > 1 || (saysWho && iss.length === 0)) {
    throw new OAuthError('issuer_mismatch', `The answer does not come from ${issuer}.`)
  }
  const error = answer.get('error')
  if (error !== null) {
    throw new OAuthError(error, answer.get('error_description') ?? 'The person was not asked, or said no.')
  }
  const [code, ...others] = answer.getAll('code')
  if (!code || others.length > 0) throw new OAuthError('invalid_answer', 'The answer has no code.')
  return code
}
