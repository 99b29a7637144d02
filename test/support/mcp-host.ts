// A program that hosts an MCP client, as the MCP SDK wants it: keeps in memory what a real one keeps on disk, and takes
// the person to a browser.
import { randomUUID } from 'node:crypto'
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js'
import type {
  OAuthClientInformationMixed,
  OAuthClientMetadata,
  OAuthTokens,
} from '@modelcontextprotocol/sdk/shared/auth.js'
import { allow } from './authorization.ts'
import type { PersonBrowser } from './person-browser.ts'

export interface McpHostOptions {
  readonly redirectUri: string
  /** An app that was registered beforehand; otherwise the SDK registers one. */
  readonly clientId?: string
  /** The address of a metadata document, which the SDK prefers to registering. */
  readonly clientMetadataUrl?: string
}

export class McpHost implements OAuthClientProvider {
  readonly redirectUrl: string
  readonly clientMetadataUrl?: string
  /** What it says of itself, in a document or when it registers. */
  readonly clientMetadata: OAuthClientMetadata
  /** Where the SDK wanted to send the person, each time. */
  readonly asked: URL[] = []
  #client: OAuthClientInformationMixed | undefined
  #tokens: OAuthTokens | undefined
  #verifier = ''
  #state = ''

  constructor({ redirectUri, clientId, clientMetadataUrl }: McpHostOptions) {
    this.redirectUrl = redirectUri
    if (clientMetadataUrl !== undefined) this.clientMetadataUrl = clientMetadataUrl
    this.clientMetadata = {
      client_name: 'Desk Agent',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    }
    this.#client = clientId === undefined ? undefined : { client_id: clientId }
  }

  state(): string {
    this.#state = randomUUID()
    return this.#state
  }
  clientInformation(): OAuthClientInformationMixed | undefined {
    return this.#client
  }
  saveClientInformation(client: OAuthClientInformationMixed): void {
    this.#client = client
  }
  tokens(): OAuthTokens | undefined {
    return this.#tokens
  }
  saveTokens(tokens: OAuthTokens): void {
    this.#tokens = tokens
  }
  redirectToAuthorization(url: URL): void {
    this.asked.push(url)
  }
  saveCodeVerifier(verifier: string): void {
    this.#verifier = verifier
  }
  codeVerifier(): string {
    return this.#verifier
  }
  invalidateCredentials(scope: 'all' | 'client' | 'tokens' | 'verifier' | 'discovery'): void {
    if (scope === 'all' || scope === 'client') this.#client = undefined
    if (scope === 'all' || scope === 'tokens') this.#tokens = undefined
  }

  scopes(): string[] {
    return this.#tokens?.scope?.split(' ') ?? []
  }

  /**
   * Before the person is asked for more. The SDK refreshes where it can, which never widens a grant; and an app that
   * registered itself may ask for no more than it registered for: it registers again.
   */
  prepareFor(scope: string): void {
    if (this.#tokens) {
      const { refresh_token: _, ...kept } = this.#tokens
      this.#tokens = kept
    }
    const registered = this.#client && 'scope' in this.#client ? this.#client.scope?.split(' ') : undefined
    if (registered && !scope.split(' ').every((it) => registered.includes(it))) this.#client = undefined
  }

  /** The person allows what was asked last: the code. @throws Error when the answer is another than to this question */
  async bePersonOf(browser: PersonBrowser, email: string): Promise<string> {
    const asked = this.asked.at(-1)
    if (!asked) throw new Error('nobody was asked')
    const { searchParams } = await allow(browser, { url: asked.href }, email)
    const code = searchParams.get('code')
    if (searchParams.get('state') !== this.#state || !code) throw new Error(`no answer: ${searchParams}`)
    return code
  }
}
