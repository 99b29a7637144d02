// OAuth clients that people really use, each behind the same few verbs, and one with nothing but fetch. All of them
// are public clients of a server that speaks plain http on loopback.
import assert from 'node:assert/strict'
import {
  OAuth2Client as BadgatewayClient,
  generateCodeVerifier,
  OAuth2Error,
} from '@badgateway/oauth2-client'
import * as arctic from 'arctic'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import { AuthorizationCode } from 'simple-oauth2'
import { authorizationUrl, challengeOf, postToken, readTokens, type Tokens } from './authorization.ts'

/** What a client does on its own side: from the app's link to tokens, from a refresh token to new ones, to the end. */
export interface OAuthClient {
  readonly link: string
  finish(answer: URL): Promise<Tokens>
  refresh(tokens: Tokens): Promise<Tokens>
  /** RFC 7009. */
  revoke(tokens: Tokens): Promise<unknown>
  /** RFC 6749's code, where the client tells the server's refusal from other trouble. */
  refusal(error: unknown): string | undefined
}

export type StartOAuthClient = (
  server: string,
  clientId: string,
  redirectUri: string,
  scope: string,
) => Promise<OAuthClient>

async function startOpenidClient(...[server, clientId, redirectUri, scope]: Parameters<StartOAuthClient>) {
  const config = await openid.discovery(new URL(server), clientId, undefined, openid.None(), {
    algorithm: 'oauth2',
    execute: [openid.allowInsecureRequests],
  })
  const pkceCodeVerifier = openid.randomPKCECodeVerifier()
  const expectedState = openid.randomState()
  const link = openid.buildAuthorizationUrl(config, {
    redirect_uri: redirectUri,
    scope,
    state: expectedState,
    code_challenge: await openid.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  })
  return {
    link: link.href,
    finish: async (answer) =>
      asTokens(await openid.authorizationCodeGrant(config, answer, { pkceCodeVerifier, expectedState })),
    refresh: async ({ refresh_token: token }) => asTokens(await openid.refreshTokenGrant(config, token)),
    revoke: ({ refresh_token: token }) => openid.tokenRevocation(config, token),
    refusal: (error) => (error instanceof openid.ResponseBodyError ? error.error : undefined),
  } satisfies OAuthClient
}

async function startOauth4webapi(...[url, clientId, redirectUri, scope]: Parameters<StartOAuthClient>) {
  const issuer = new URL(url)
  const insecure = { [oauth.allowInsecureRequests]: true }
  const discovered = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
  const server = await oauth.processDiscoveryResponse(issuer, discovered)
  const client: oauth.Client = { client_id: clientId }
  const auth = oauth.None()
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const link = new URL(server.authorization_endpoint ?? '')
  const parameters = {
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    scope,
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries(parameters)) link.searchParams.set(name, value)
  return {
    link: link.href,
    finish: async (answer) => {
      const parameters = oauth.validateAuthResponse(server, client, answer, state)
      const response = await oauth.authorizationCodeGrantRequest(
        server,
        client,
        auth,
        parameters,
        redirectUri,
        verifier,
        insecure,
      )
      return asTokens(await oauth.processAuthorizationCodeResponse(server, client, response))
    },
    refresh: async ({ refresh_token: token }) => {
      const response = await oauth.refreshTokenGrantRequest(server, client, auth, token, insecure)
      return asTokens(await oauth.processRefreshTokenResponse(server, client, response))
    },
    revoke: async ({ refresh_token: token }) =>
      oauth.processRevocationResponse(await oauth.revocationRequest(server, client, auth, token, insecure)),
    refusal: (error) => (error instanceof oauth.ResponseBodyError ? error.error : undefined),
  } satisfies OAuthClient
}

/** It knows no discovery: the endpoints are written down. */
async function startArctic(...[server, clientId, redirectUri, scope]: Parameters<StartOAuthClient>) {
  const client = new arctic.OAuth2Client(clientId, null, redirectUri)
  const [verifier, state] = [arctic.generateCodeVerifier(), arctic.generateState()]
  const scopes = scope.split(' ')
  const { S256 } = arctic.CodeChallengeMethod
  return {
    link: client.createAuthorizationURLWithPKCE(`${server}/oauth/authorize`, state, S256, verifier, scopes)
      .href,
    finish: async ({ searchParams }) => {
      assert.equal(searchParams.get('state'), state)
      const code = searchParams.get('code') ?? ''
      return fromArctic(await client.validateAuthorizationCode(`${server}/oauth/token`, code, verifier))
    },
    refresh: async ({ refresh_token: token }) =>
      fromArctic(await client.refreshAccessToken(`${server}/oauth/token`, token, scopes)),
    revoke: ({ refresh_token: token }) => client.revokeToken(`${server}/oauth/revoke`, token),
    refusal: (error) => (error instanceof arctic.OAuth2RequestError ? error.code : undefined),
  } satisfies OAuthClient
}

function fromArctic(tokens: arctic.OAuth2Tokens): Tokens {
  return asTokens({
    access_token: tokens.accessToken(),
    refresh_token: tokens.refreshToken(),
    scope: tokens.scopes().join(' '),
  })
}

async function startBadgateway(...[server, clientId, redirectUri, scope]: Parameters<StartOAuthClient>) {
  const client = new BadgatewayClient({ server, clientId })
  const [codeVerifier, state] = [await generateCodeVerifier(), oauth.generateRandomState()]
  const asked = { redirectUri, state, codeVerifier, scope: scope.split(' ') }
  const fromBadgateway = (token: Awaited<ReturnType<typeof client.refreshToken>>) =>
    asTokens({
      access_token: token.accessToken,
      refresh_token: token.refreshToken ?? undefined,
      scope: token.scope?.join(' '),
    })
  const toBadgateway = (tokens: Tokens) => ({
    accessToken: tokens.access_token,
    refreshToken: tokens.refresh_token,
    expiresAt: null,
  })
  return {
    link: await client.authorizationCode.getAuthorizeUri(asked),
    finish: async (answer) =>
      fromBadgateway(
        await client.authorizationCode.getTokenFromCodeRedirect(answer, { redirectUri, state, codeVerifier }),
      ),
    refresh: async (tokens) => fromBadgateway(await client.refreshToken(toBadgateway(tokens))),
    revoke: (tokens) => client.revoke(toBadgateway(tokens), 'refresh_token'),
    refusal: (error) => (error instanceof OAuth2Error ? error.oauth2Code : undefined),
  } satisfies OAuthClient
}

/** It knows neither discovery nor PKCE, and wants a secret: what it lacks is given to it by hand. */
async function startSimpleOauth2(...[server, clientId, redirectUri, scope]: Parameters<StartOAuthClient>) {
  const client = new AuthorizationCode({
    client: { id: clientId, secret: '' },
    auth: {
      tokenHost: server,
      tokenPath: '/oauth/token',
      revokePath: '/oauth/revoke',
      authorizePath: '/oauth/authorize',
    },
    options: { authorizationMethod: 'body' },
  })
  const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()]
  const pkce = { code_challenge: challengeOf(verifier), code_challenge_method: 'S256' }
  return {
    link: client.authorizeURL({ redirect_uri: redirectUri, scope, state, ...pkce }),
    finish: async ({ searchParams }) => {
      assert.equal(searchParams.get('state'), state)
      const code = searchParams.get('code') ?? ''
      const wanted = { code, redirect_uri: redirectUri, code_verifier: verifier }
      return fromSimpleOauth2((await client.getToken(wanted)).token)
    },
    refresh: async (tokens) =>
      fromSimpleOauth2((await client.createToken({ ...tokens }).refresh({ scope })).token),
    // Unless told otherwise it wants JSON, where RFC 7009 section 2.2 has nothing to say.
    revoke: (tokens) => client.createToken({ ...tokens }).revokeAll({ json: true }),
    refusal: (error) => (error as { data?: { payload?: { error?: string } } }).data?.payload?.error, // its own type says unknown
  } satisfies OAuthClient
}

function fromSimpleOauth2(token: Readonly<Record<string, unknown>>): Tokens {
  return asTokens({
    access_token: String(token['access_token']),
    refresh_token: String(token['refresh_token']),
    scope: String(token['scope']),
  })
}

async function startFetch(...[server, clientId, redirectUri, scope]: Parameters<StartOAuthClient>) {
  const asked = authorizationUrl(server, clientId, scope, { redirect_uri: redirectUri })
  const common = { client_id: clientId, redirect_uri: redirectUri }
  return {
    link: asked.url,
    finish: async (answer) => {
      assert.equal(answer.searchParams.get('state'), asked.state)
      assert.equal(answer.searchParams.get('iss'), server)
      const code = answer.searchParams.get('code') ?? ''
      const grant = { grant_type: 'authorization_code', code, code_verifier: asked.verifier }
      return readTokens(await postToken(server, { ...common, ...grant }))
    },
    refresh: async ({ refresh_token: token }) =>
      readTokens(await postToken(server, { ...common, grant_type: 'refresh_token', refresh_token: token })),
    revoke: async ({ refresh_token: token }) => {
      const body = new URLSearchParams({ client_id: clientId, token })
      assert.equal((await fetch(`${server}/oauth/revoke`, { method: 'POST', body })).status, 200)
    },
    refusal: (error) => /"error":"(\w+)"/.exec(String(error))?.[1],
  } satisfies OAuthClient
}

function asTokens(answer: {
  readonly access_token: string
  readonly refresh_token?: string | undefined
  readonly scope?: string | undefined
}): Tokens {
  const { access_token, refresh_token, scope } = answer
  assert.ok(refresh_token)
  assert.ok(scope)
  return { access_token, refresh_token, scope, token_type: 'bearer', expires_in: 3600 }
}

export const oauthClients = {
  'openid-client': startOpenidClient,
  oauth4webapi: startOauth4webapi,
  arctic: startArctic,
  '@badgateway/oauth2-client': startBadgateway,
  'simple-oauth2': startSimpleOauth2,
  'nothing but fetch': startFetch,
} as const satisfies Readonly<Record<string, StartOAuthClient>>
