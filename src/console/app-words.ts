// An app as the pages show it: every field in words.
import type { App } from '../apps/app.ts'
import type { StoredRefusal } from '../apps/refusal-store.ts'
import type { Profile } from '../core/profile.ts'
import { writeDuration } from '../lib/durations.ts'
import { type AppFigures, noFigures } from '../oauth/app-figures-store.ts'
import { atMinute, fromNow, onDay } from './words.ts'

export function describeApp(
  app: App,
  figures: AppFigures = noFigures,
  logo: string | null | undefined,
  now: Date,
) {
  const { lastAllowedAt, lastUsedAt } = figures
  return {
    id: app.clientId,
    name: app.name,
    logo: logo ?? null,
    mode: app.mode,
    isVerified: app.isVerified,
    isSuspended: app.isSuspended,
    isStopped: app.isStopped,
    homepage: app.homepage,
    policyUri: app.policyUri,
    termsUri: app.termsUri,
    redirectUris: app.redirectUris,
    scopes: app.scopes,
    grace: app.refreshGraceSeconds === 0 ? 'None' : writeDuration(app.refreshGraceSeconds),
    lifetime: writeDuration(app.refreshLifetimeSeconds),
    idle: app.refreshIdleSeconds === null ? 'No limit' : writeDuration(app.refreshIdleSeconds),
    reuse: app.reuseResponse,
    requiresDpop: app.requiresDpop,
    createdAt: app.createdAt,
    created: onDay(app.createdAt),
    age: fromNow(app.createdAt, now),
    grants: figures.grants,
    grantsInWords: count(figures.grants, 'authorization'),
    accountsInWords: count(figures.organizations, 'account'),
    lastAllowed: lastAllowedAt && { at: lastAllowedAt, fromNow: fromNow(lastAllowedAt, now) },
    lastUsed: lastUsedAt && { at: lastUsedAt, fromNow: fromNow(lastUsedAt, now) },
  }
}

export function describeScopes(profile: Profile, app: App) {
  return app.scopes.map((name) => ({
    name,
    sentence: profile.scopes[name]?.sentence.en ?? name,
    isOptional: app.optionalScopes.includes(name),
  }))
}

/** An address as the app would make it, but for what it makes anew each time. */
export function authorizationExample(publicUrl: string, app: App): string {
  const url = new URL('/oauth/authorize', publicUrl)
  const parameters = {
    response_type: 'code',
    client_id: app.clientId,
    redirect_uri: app.redirectUris[0] ?? '',
    scope: app.scopes.join(' '),
    state: 'YOUR_STATE',
    code_challenge: 'YOUR_CODE_CHALLENGE',
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url.href
}

const endpoints = {
  authorization: '/oauth/authorize',
  token: '/oauth/token',
  revocation: '/oauth/revoke',
  registration: '/oauth/register',
} as const satisfies Record<StoredRefusal['endpoint'], string>

/** What each code means for who has to mend it. */
const meanings: Readonly<Record<string, string>> = {
  access_denied: 'The person did not allow it.',
  invalid_client: 'The client is not known here.',
  invalid_dpop_proof: 'The DPoP proof was missing, old or made for another request.',
  invalid_grant: 'The code or the refresh token was not good, or not good any more.',
  invalid_redirect_uri: 'The redirect URI is not one of those that are registered.',
  invalid_request: 'A parameter was missing, given twice or malformed.',
  invalid_scope: 'A scope was asked for that the app, or this authorization, does not have.',
  invalid_target: 'The resource that was asked for is not one of this server.',
  invalid_token: 'The token was not good, or not good any more.',
  login_required: 'Nobody was signed in, and the app asked for no page to be shown.',
  consent_required: 'The person has to be asked, and the app asked for no page to be shown.',
  temporarily_unavailable: 'The app or the account is suspended. What the app holds stays good.',
  unauthorized_client: 'The app may not ask in this way.',
  unsupported_grant_type: 'Only authorization_code and refresh_token are answered.',
  unsupported_response_type: 'Only response_type=code is answered.',
  use_dpop_nonce: 'The DPoP proof must carry the nonce of the answer.',
}

export function describeRefusal({ at, endpoint, error, reason, requestId }: StoredRefusal, now: Date) {
  const inParticular = sentence(reason)
  const meaning = Object.hasOwn(meanings, error) ? meanings[error] : null
  const isSaid = meaning?.startsWith(inParticular.slice(0, -1)) === true
  return {
    at: at.toISOString(),
    day: onDay(at),
    time: `${at.toISOString().slice(11, 19)} UTC`,
    fromNow: fromNow(at, now),
    exactly: atMinute(at),
    endpoint: endpoints[endpoint],
    error,
    meaning: isSaid ? null : meaning,
    reason: isSaid ? meaning : inParticular,
    requestId,
  }
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`
}

function count(number: number, word: string): string {
  return `${number.toLocaleString('en')} ${word}${number === 1 ? '' : 's'}`
}
