// An app as the API's bodies tell of it: what is said of one, and how one is shown.
import type { Call } from '../core/handler.ts'
import { Problem } from '../core/problems.ts'
import { appScopes, type Profile } from '../core/profile.ts'
import type { App } from './app.ts'
import type { AppDetails } from './app-details.ts'

/** What a body may say of an app: the document's schema has checked it. */
interface AppBody {
  readonly name?: string
  readonly homepage?: string | null
  readonly policy_uri?: string | null
  readonly terms_uri?: string | null
  readonly redirect_uris?: readonly string[]
  readonly scopes?: readonly string[]
  readonly optional_scopes?: readonly string[]
  readonly refresh_grace_seconds?: number
  readonly refresh_lifetime_seconds?: number
  readonly refresh_idle_seconds?: number | null
  readonly reuse_response?: App['reuseResponse']
  readonly dpop_bound_access_tokens?: boolean
}

/** Where `checkAppDetails` calls a detail by another name than the bodies do. */
const otherNames: Readonly<Record<string, keyof AppBody>> = {
  redirect_uri: 'redirect_uris',
  refresh_grace: 'refresh_grace_seconds',
  refresh_lifetime: 'refresh_lifetime_seconds',
  refresh_idle: 'refresh_idle_seconds',
}

/** The same problem, with the bad detail by its name in the body. */
export function nameField(problem: Problem): Problem {
  const param = otherNames[problem.details.param ?? '']
  return param ? new Problem(problem.code, { ...problem.details, say: problem.say, param }) : problem
}

/** What an app is as long as nothing is said of it. */
export function blankApp({ oauth }: Profile): AppDetails {
  return {
    name: '',
    homepage: null,
    policyUri: null,
    termsUri: null,
    redirectUris: [],
    scopes: [],
    optionalScopes: [],
    refreshGraceSeconds: oauth.refreshGraceSeconds,
    refreshLifetimeSeconds: oauth.refreshTokenSeconds,
    refreshIdleSeconds: oauth.refreshIdleSeconds,
    reuseResponse: 'revoke',
    requiresDpop: false,
  }
}

/**
 * The details of before with what the body says of them. A scope that is taken from the app is none that people
 * could leave out. @throws Problem invalid_parameter for a scope that no app may ask for
 */
export function readAppBody(profile: Profile, before: AppDetails, body: Call['body']): AppDetails {
  const said = body as AppBody // the document's schema says so
  const scopes = said.scopes ? checkScopes(profile, said.scopes, 'scopes') : before.scopes
  const {
    name = before.name,
    homepage = before.homepage,
    policy_uri: policyUri = before.policyUri,
    terms_uri: termsUri = before.termsUri,
    redirect_uris: redirectUris = before.redirectUris,
    refresh_grace_seconds: refreshGraceSeconds = before.refreshGraceSeconds,
    refresh_lifetime_seconds: refreshLifetimeSeconds = before.refreshLifetimeSeconds,
    refresh_idle_seconds: refreshIdleSeconds = before.refreshIdleSeconds,
    reuse_response: reuseResponse = before.reuseResponse,
    dpop_bound_access_tokens: requiresDpop = before.requiresDpop,
  } = said
  return {
    name,
    homepage,
    policyUri,
    termsUri,
    redirectUris,
    scopes,
    optionalScopes: said.optional_scopes
      ? checkScopes(profile, said.optional_scopes, 'optional_scopes')
      : before.optionalScopes.filter((scope) => scopes.includes(scope)),
    refreshGraceSeconds,
    refreshLifetimeSeconds,
    refreshIdleSeconds,
    reuseResponse,
    requiresDpop,
  }
}

/** @throws Problem invalid_parameter */
function checkScopes(profile: Profile, scopes: readonly string[], param: string): readonly string[] {
  const known = appScopes(profile)
  const unknown = scopes.find((scope) => !known.includes(scope))
  if (unknown === undefined) return scopes
  const say = `There is no scope "${unknown.slice(0, 60)}" that an app may ask for. There are: ${known.join(', ')}.`
  throw new Problem('invalid_parameter', { param, say })
}

/** An app as the API shows it. */
export function showApp(app: App) {
  return {
    client_id: app.clientId,
    name: app.name,
    mode: app.mode,
    verified: app.isVerified,
    suspended: app.isSuspended,
    homepage: app.homepage,
    policy_uri: app.policyUri,
    terms_uri: app.termsUri,
    redirect_uris: app.redirectUris,
    scopes: app.scopes,
    optional_scopes: app.optionalScopes,
    refresh_grace_seconds: app.refreshGraceSeconds,
    refresh_lifetime_seconds: app.refreshLifetimeSeconds,
    refresh_idle_seconds: app.refreshIdleSeconds,
    reuse_response: app.reuseResponse,
    dpop_bound_access_tokens: app.requiresDpop,
    created_at: app.createdAt.toISOString(),
  }
}
