// OAuth for developers of apps: the way from a link to a token, step by step.
import { appScopes } from '../core/profile.ts'
import { writeDuration } from '../lib/durations.ts'
import { answer, varies } from './answers.ts'
import { block, code, list, stack, table } from './markdown.ts'
import { apiUrl, curl, easyPath, type Reader, type Subject } from './subject.ts'
import { variables } from './variables.ts'

export function oauthSection(subject: Subject, reader: Reader): string {
  const { profile, publicUrl } = subject
  const { oauth, credentials } = profile
  const grace = oauth.refreshGraceSeconds
  const scope = exampleScope(subject)
  const tokens = {
    access_token: varies,
    expires_in: oauth.accessTokenSeconds,
    refresh_token: credentials.prefixes.refresh_token + varies,
    scope,
    token_type: 'Bearer',
  }
  const headers = { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' }
  return stack(
    '## OAuth 2.1, for apps that other people install',
    'Register your app in the [console](/admin/settings/oauth-apps). You get a `client_id` and no secret: every client is public, and proves itself with PKCE (`S256`).',
    table(
      ['What', 'Where'],
      [
        ['Discovery (RFC 8414)', code(`${publicUrl}/.well-known/oauth-authorization-server`)],
        ['Authorize', code(`${publicUrl}/oauth/authorize`)],
        ['Token, and refresh', code(`${publicUrl}/oauth/token`)],
        ['Revoke (RFC 7009)', code(`${publicUrl}/oauth/revoke`)],
      ],
    ),
    variables(subject, reader, ['CLIENT_ID', 'REDIRECT_URI']),
    '### 1. Send the person to us',
    'Make a new verifier and a new state for each sign-in, and keep both until the person comes back (as a module, `authorize.mjs`):',
    block('js', authorizationRequest(publicUrl, scope)),
    'They sign in, choose the organization, and see what your app asks for in plain words.',
    '### 2. Take them back',
    `They return to your redirect URI with ${code('code')}, ${code('state')} and ${code('iss')}. Compare the state with yours, and ${code('iss')} with ${code(publicUrl)} (RFC 9207). Who says no comes back with ${code('error=access_denied')}. A code is good once, for ${writeDuration(oauth.authorizationCodeSeconds)}.`,
    '### 3. Exchange the code',
    'With the code in `CODE`, and the verifier that you kept in `CODE_VERIFIER`:',
    block(
      'sh',
      post(publicUrl, 'token', [
        'grant_type=authorization_code',
        '"code=$CODE"',
        '"code_verifier=$CODE_VERIFIER"',
        '"redirect_uri=$REDIRECT_URI"',
        '"client_id=$CLIENT_ID"',
      ]),
    ),
    answer(200, headers, tokens),
    `${code('scope')} is what the person allowed: it may be less than you asked for. Use the access token where an API key would go:`,
    block('sh', curl(subject, apiUrl(subject) + easyPath(subject, scope), { credential: '$ACCESS_TOKEN' })),
    answer(200),
    '### 4. Refresh',
    `An access token is good for ${writeDuration(oauth.accessTokenSeconds)}. Refresh tokens rotate: each refresh gives you a new one. Store it before you use the new access token.`,
    block(
      'sh',
      post(publicUrl, 'token', [
        'grant_type=refresh_token',
        '"refresh_token=$REFRESH_TOKEN"',
        '"client_id=$CLIENT_ID"',
      ]),
    ),
    answer(200, headers, tokens),
    list([
      grace > 0
        ? `An answer got lost? Send the same refresh token again within ${writeDuration(grace)}, and you get the same answer.`
        : 'A refresh token is good for one answer.',
      'One that comes back later than that is taken for stolen: the whole authorization ends, and the person has to allow your app again. So refresh in one place at a time.',
      ...(oauth.refreshIdleSeconds === null
        ? []
        : [
            `A refresh token that is not used for ${writeDuration(oauth.refreshIdleSeconds)} is no longer good.`,
          ]),
      `However often you refresh, an authorization ends ${writeDuration(oauth.refreshTokenSeconds)} after the person gave it: then send them to us again.`,
      'These lengths are the usual ones; your app may have been registered with others.',
    ]),
    '### 5. Give access back',
    'When a person disconnects your app, revoke its refresh token. Everything that came from it ends at once.',
    block('sh', post(publicUrl, 'revoke', ['"token=$REFRESH_TOKEN"', '"client_id=$CLIENT_ID"'])),
    answer(200),
  )
}

/** What the examples ask for. */
function exampleScope({ profile }: Subject): string {
  return profile.oauth.defaultScopes[0] ?? appScopes(profile)[0] ?? ''
}

function post(publicUrl: string, endpoint: string, fields: readonly string[]): string {
  return [`curl -i ${publicUrl}/oauth/${endpoint}`, ...fields.map((field) => `-d ${field}`)].join(' \\\n  ')
}

function authorizationRequest(publicUrl: string, scope: string): string {
  return `import { createHash, randomBytes } from 'node:crypto'

const verifier = randomBytes(32).toString('base64url')
const state = randomBytes(16).toString('base64url')
const address = new URL('${publicUrl}/oauth/authorize')
address.search = new URLSearchParams({
  response_type: 'code',
  client_id: process.env.CLIENT_ID,
  redirect_uri: process.env.REDIRECT_URI,
  scope: '${scope}',
  state,
  code_challenge: createHash('sha256').update(verifier).digest('base64url'),
  code_challenge_method: 'S256',
})
console.log('Open', address.href)
console.log('Keep', { state, verifier })`
}
