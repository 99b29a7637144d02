// What developers say of an app, checked: at its registration and whenever they change it.
import { Problem } from '../core/problems.ts'
import { isBlank, isOneLine } from '../lib/shown-text.ts'
import { daySeconds, minuteSeconds } from '../lib/time.ts'
import type { App } from './app.ts'
import { redirectUriMistake } from './redirect-uri.ts'

export type AppDetails = Pick<
  App,
  | 'name'
  | 'homepage'
  | 'policyUri'
  | 'termsUri'
  | 'redirectUris'
  | 'scopes'
  | 'optionalScopes'
  | 'refreshGraceSeconds'
  | 'refreshLifetimeSeconds'
  | 'refreshIdleSeconds'
  | 'reuseResponse'
  | 'requiresDpop'
>

export const longestAppName = 100
const longestLink = 2000
export const mostRedirectUris = 20
export const longestGrace = 1800
export const shortestLifetime = minuteSeconds
export const longestLifetime = 3650 * daySeconds

/**
 * The details with what was typed twice, or around them, taken off. The scopes are names from the profile's
 * catalogue: the caller has checked them.
 * @throws Problem invalid_parameter, whose `param` is the field's name
 */
export function checkAppDetails(details: AppDetails): AppDetails {
  const redirectUris = [...new Set(details.redirectUris)]
  const scopes = [...new Set(details.scopes)].sort()
  const optionalScopes = [...new Set(details.optionalScopes)].sort()
  if (redirectUris.length === 0) throw wrong('redirect_uri', 'An app needs at least one redirect URI.')
  if (redirectUris.length > mostRedirectUris)
    throw wrong('redirect_uri', `An app can have at most ${mostRedirectUris} redirect URIs.`)
  for (const uri of redirectUris) {
    const mistake = redirectUriMistake(uri)
    if (mistake) throw wrong('redirect_uri', `${uri.slice(0, 100)}: ${mistake}`)
  }
  if (scopes.length === 0) throw wrong('scopes', 'Choose at least one scope that the app may ask for.')
  if (optionalScopes.some((scope) => !scopes.includes(scope)))
    throw wrong('scopes', 'A scope that people may leave out must be one that the app asks for.')
  const { refreshGraceSeconds: grace, refreshLifetimeSeconds: lifetime, refreshIdleSeconds: idle } = details
  if (!isWithin(grace, 0, longestGrace))
    throw wrong('refresh_grace', `The grace window must be from 0 to ${longestGrace} seconds.`)
  if (!isWithin(lifetime, shortestLifetime, longestLifetime))
    throw wrong('refresh_lifetime', 'An authorization must last from one minute to ten years.')
  if (idle !== null && !isWithin(idle, shortestLifetime, longestLifetime))
    throw wrong('refresh_idle', 'The time without use must be from one minute to ten years, or empty.')
  return {
    ...details,
    name: checkName(details.name),
    homepage: checkLink('homepage', details.homepage),
    policyUri: checkLink('policy_uri', details.policyUri),
    termsUri: checkLink('terms_uri', details.termsUri),
    redirectUris,
    scopes,
    optionalScopes,
  }
}

function checkName(text: string): string {
  const name = text.trim()
  if (isBlank(name) || name.length > longestAppName)
    throw wrong('name', `The name must have 1 to ${longestAppName} characters.`)
  if (!isOneLine(name)) throw wrong('name', 'The name must be one line of text that can be shown.')
  return name
}

function checkLink(param: string, text: string | null): string | null {
  const link = text?.trim() ?? ''
  if (link === '') return null
  const isGood = /^https:\/\/[\x21-\x7e]+$/i.test(link) && link.length <= longestLink && URL.canParse(link)
  if (!isGood || new URL(link).username !== '' || new URL(link).password !== '')
    throw wrong(param, 'It must be an address that starts with https://, such as https://app.example.com.')
  return link
}

function isWithin(value: number, low: number, high: number): boolean {
  return Number.isInteger(value) && value >= low && value <= high
}

function wrong(param: string, say: string): Problem {
  return new Problem('invalid_parameter', { param, say })
}
