// The form by which an app is registered and changed: what it offers, and what was sent read into an app's details.
import type { App, ReuseResponse } from '../apps/app.ts'
import { type AppDetails, checkAppDetails } from '../apps/app-details.ts'
import { type Mode, modes } from '../core/principal.ts'
import { Problem } from '../core/problems.ts'
import { appScopes, type Profile, soleMode } from '../core/profile.ts'
import { parseScopes } from '../core/scopes.ts'
import { readDuration, writeDuration } from '../lib/durations.ts'

export type Want = 'no' | 'optional' | 'required'
export const wants: readonly Want[] = ['no', 'optional', 'required']
const reuseResponses: readonly ReuseResponse[] = ['revoke', 'refuse']

/** What a person has typed so far. */
export interface TypedApp {
  readonly name: string
  readonly homepage: string
  readonly policyUri: string
  readonly termsUri: string
  /** One on each line. */
  readonly redirectUris: string
  readonly mode: string
  /** By scope. */
  readonly scopes: Readonly<Record<string, string>>
  readonly grace: string
  readonly lifetime: string
  readonly idle: string
  readonly reuse: string
  readonly dpop: boolean
}

const usual = ({ oauth }: Profile) => ({
  grace: String(oauth.refreshGraceSeconds),
  lifetime: writeDuration(oauth.refreshTokenSeconds),
  idle: oauth.refreshIdleSeconds === null ? '' : writeDuration(oauth.refreshIdleSeconds),
})

/** The fields as they were typed, to be shown again. */
export function typedApp(profile: Profile, form: URLSearchParams): TypedApp {
  const field = (name: string) => form.get(name) ?? ''
  return {
    name: field('name'),
    homepage: field('homepage'),
    policyUri: field('policy_uri'),
    termsUri: field('terms_uri'),
    redirectUris: field('redirect_uri'),
    mode: soleMode(profile) ?? field('mode'),
    scopes: Object.fromEntries(
      appScopes(profile).map((scope) => [scope, form.get(`scope:${scope}`) ?? 'no']),
    ),
    grace: field('refresh_grace'),
    lifetime: field('refresh_lifetime'),
    idle: field('refresh_idle'),
    reuse: field('on_reuse'),
    dpop: form.get('dpop') === 'yes',
  }
}

/** A new form: empty, or filled in by whoever made the link to it, under the names of RFC 7591. */
export function prefilledApp(profile: Profile, query: URLSearchParams): TypedApp {
  const field = (name: string, otherwise = '') => query.get(name) ?? otherwise
  const required = parseScopes(query.getAll('scope').join(' '))
  const optional = parseScopes(query.getAll('optional_scope').join(' '))
  const want = (scope: string): Want =>
    optional.has(scope) ? 'optional' : required.has(scope) ? 'required' : 'no'
  const { grace, lifetime, idle } = usual(profile)
  return {
    name: field('name'),
    homepage: field('homepage'),
    policyUri: field('policy_uri'),
    termsUri: field('terms_uri'),
    redirectUris: query.getAll('redirect_uri').join('\n'),
    mode: soleMode(profile) ?? modes.find((mode) => mode === query.get('mode')) ?? 'test',
    scopes: Object.fromEntries(appScopes(profile).map((scope) => [scope, want(scope)])),
    grace: field('refresh_grace', grace),
    lifetime: field('refresh_lifetime', lifetime),
    idle: field('refresh_idle', idle),
    reuse: field('on_reuse', 'revoke'),
    dpop: query.get('dpop') === 'yes',
  }
}

/** The app as it is, to be changed. */
export function appAsTyped(profile: Profile, app: App): TypedApp {
  const want = (scope: string): Want =>
    app.optionalScopes.includes(scope) ? 'optional' : app.scopes.includes(scope) ? 'required' : 'no'
  return {
    name: app.name,
    homepage: app.homepage ?? '',
    policyUri: app.policyUri ?? '',
    termsUri: app.termsUri ?? '',
    redirectUris: app.redirectUris.join('\n'),
    mode: app.mode,
    scopes: Object.fromEntries(appScopes(profile).map((scope) => [scope, want(scope)])),
    grace: String(app.refreshGraceSeconds),
    lifetime: writeDuration(app.refreshLifetimeSeconds),
    idle: app.refreshIdleSeconds === null ? '' : writeDuration(app.refreshIdleSeconds),
    reuse: app.reuseResponse,
    dpop: app.requiresDpop,
  }
}

/** @throws Problem invalid_parameter, whose `param` is the field's id on the page */
export function readMode(typed: TypedApp): Mode {
  const mode = modes.find((it) => it === typed.mode)
  if (!mode) throw wrong('mode', 'Choose whether the app works with test data or with live data.')
  return mode
}

/** @throws Problem invalid_parameter, whose `param` is the field's id on the page */
export function readAppForm(profile: Profile, typed: TypedApp): AppDetails {
  const wanted = appScopes(profile).filter((scope) => typed.scopes[scope] !== 'no')
  if (wanted.some((scope) => !wants.some((it) => it === typed.scopes[scope])))
    throw wrong('scopes', 'Choose for each scope whether the app asks for it.')
  const reuse = reuseResponses.find((it) => it === typed.reuse)
  if (!reuse) throw wrong('on_reuse', 'Choose what happens when a refresh token comes back.')
  return checkAppDetails({
    name: typed.name,
    homepage: typed.homepage,
    policyUri: typed.policyUri,
    termsUri: typed.termsUri,
    redirectUris: typed.redirectUris
      .split(/\r\n|\r|\n/)
      .map((line) => line.trim())
      .filter((line) => line !== ''),
    scopes: wanted,
    optionalScopes: wanted.filter((scope) => typed.scopes[scope] === 'optional'),
    // NaN for what is no number: the check has the sentence for it.
    refreshGraceSeconds: /^\d{1,6}$/.test(typed.grace.trim()) ? Number(typed.grace) : Number.NaN,
    refreshLifetimeSeconds: readLength('refresh_lifetime', typed.lifetime),
    refreshIdleSeconds: typed.idle.trim() === '' ? null : readLength('refresh_idle', typed.idle),
    reuseResponse: reuse,
    requiresDpop: typed.dpop,
  })
}

function readLength(param: string, text: string): number {
  const seconds = readDuration(text)
  if (seconds === null) throw wrong(param, 'Write a number and a unit, such as 90 days or 12 hours.')
  return seconds
}

function wrong(param: string, say: string): Problem {
  return new Problem('invalid_parameter', { param, say })
}
