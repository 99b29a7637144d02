// An app's side of OAuth with nothing but fetch, and the person's side with PersonBrowser.
import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import type { App } from '../../src/apps/app.ts'
import { PersonBrowser } from './person-browser.ts'

export const redirectUri = 'http://127.0.0.1:51004/callback'

export interface Tokens {
  readonly access_token: string
  readonly refresh_token: string
  readonly scope: string
  readonly token_type: string
  readonly expires_in: number
}

export interface Asked {
  readonly verifier: string
  readonly state: string
  readonly url: string
}

/** All that an app has to know of itself. */
export type Client = Pick<App, 'clientId'>

export const challengeOf = (verifier: string) => createHash('sha256').update(verifier).digest('base64url')

/** The address that an app sends a person to; `change` alters or removes (null) parameters. */
export function authorizationUrl(
  server: string,
  clientId: string,
  scope: string,
  change: Readonly<Record<string, string | null>> = {},
): Asked {
  const verifier = randomBytes(32).toString('base64url')
  const state = randomBytes(8).toString('hex')
  const parameters: Record<string, string | null> = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope,
    state,
    code_challenge: challengeOf(verifier),
    code_challenge_method: 'S256',
    ...change,
  }
  const url = new URL('/oauth/authorize', server)
  for (const [name, value] of Object.entries(parameters))
    if (value !== null) url.searchParams.set(name, value)
  return { verifier, state, url: url.href }
}

/** Opens the app's link, signs in if asked, and gives the consent page. */
export async function reachConsent(
  browser: PersonBrowser,
  asked: Pick<Asked, 'url'> & Partial<Asked>,
  email: string,
) {
  const first = await browser.open(asked.url)
  return first.html.includes('name="password"') ? await browser.signIn(first, email) : first
}

/** The person allows what the link asks for, and is sent back to the app: to this address. */
export async function allow(browser: PersonBrowser, asked: Pick<Asked, 'url'>, email: string): Promise<URL> {
  const consent = await reachConsent(browser, asked, email)
  if (consent.html === '') return new URL(consent.url) // what they allowed before was remembered
  const organization =
    /name="organization" id="[^"]+" value="([^"]+)"(?! disabled)/.exec(consent.html)?.[1] ?? ''
  return new URL((await browser.submit(consent, { organization, decision: 'allow' })).url)
}

/** The code that the app gets when the person allows it. */
export async function obtainCode(
  server: string,
  app: Client,
  email: string,
  scope: string,
  browser = new PersonBrowser(server),
  change: Readonly<Record<string, string | null>> = {},
): Promise<{ code: string; verifier: string }> {
  const asked = authorizationUrl(server, app.clientId, scope, change)
  const back = await allow(browser, asked, email)
  assert.equal(back.searchParams.get('state'), asked.state)
  assert.equal(back.searchParams.get('iss'), server)
  const code = back.searchParams.get('code')
  assert.ok(code, `no code in ${back}`)
  return { code, verifier: asked.verifier }
}

type Fields = Readonly<Record<string, string>>

export function postToken(server: string, body: Fields, headers: Fields = {}): Promise<Response> {
  return fetch(new URL('/oauth/token', server), { method: 'POST', body: new URLSearchParams(body), headers })
}

export function exchange(
  server: string,
  app: Client,
  { code, verifier }: { code: string; verifier: string },
  headers: Fields = {},
) {
  const parameters = {
    grant_type: 'authorization_code',
    code,
    code_verifier: verifier,
    redirect_uri: redirectUri,
  }
  return postToken(server, { ...parameters, client_id: app.clientId }, headers)
}

export function refresh(
  server: string,
  app: Client,
  refreshToken: string,
  more: Fields = {},
  headers: Fields = {},
) {
  const parameters = { grant_type: 'refresh_token', refresh_token: refreshToken, client_id: app.clientId }
  return postToken(server, { ...parameters, ...more }, headers)
}

/** The whole way: link, sign-in, consent, code, tokens. */
export async function obtainTokens(
  server: string,
  app: Client,
  email: string,
  scope: string,
): Promise<Tokens> {
  return readTokens(await exchange(server, app, await obtainCode(server, app, email, scope)))
}

export async function readTokens(response: Response): Promise<Tokens> {
  const body: unknown = await response.json()
  assert.equal(response.status, 200, JSON.stringify(body))
  return body as Tokens // its fields are asserted by whoever uses them
}

export async function errorOf(response: Response): Promise<string> {
  const body = (await response.json()) as { error: string }
  return `${response.status} ${body.error}`
}
