// When a person need not be asked again: what they allowed before, held against what is asked now. Pure.
import type { OrganizationId } from '../core/ids.ts'
import type { Digest } from '../lib/digest.ts'

/** What a person allowed an app for one organization, as long as nobody takes it back. */
export interface RememberedConsent {
  readonly organization: OrganizationId
  readonly slug: string
  readonly scopes: readonly string[]
  /** The optional ones that were left unticked: the app is not given them, and does not get to ask each time. */
  readonly declinedScopes: readonly string[]
  readonly resource: string
  readonly redirectHosts: readonly string[]
  readonly fingerprint: Digest | null
}

/** What is asked of the person now. */
export interface AskedConsent {
  readonly redirectUri: string
  readonly scopes: readonly string[]
  readonly resource: string
  /** The organization that the app names (by id or slug); null when it names none. */
  readonly organization: string | null
  readonly fingerprint: Digest | null
}

export type ReasonToAsk =
  | 'first_time'
  | 'unproven_redirect'
  | 'which_organization'
  | 'new_organization'
  | 'changed_app'
  | 'new_resource'
  | 'new_redirect_host'
  | 'new_scope'

export type Recollection =
  | { readonly ask: ReasonToAsk }
  | { readonly ask: null; readonly organization: OrganizationId; readonly scopes: readonly string[] }

/** Has to be asked: why. Need not be: for which organization, and which of the scopes the app is given. */
export function recollect(asked: AskedConsent, remembered: readonly RememberedConsent[]): Recollection {
  if (remembered.length === 0) return { ask: 'first_time' }
  // OAuth 2.1 section 7.3.1: anybody on the computer can listen at a loopback address or claim a scheme, so that
  // who asks is not proven by where the answer goes; by a host with a certificate it is.
  if (!asked.redirectUri.startsWith('https://')) return { ask: 'unproven_redirect' }
  const meant = remembered.filter((consent) => isNamed(consent, asked.organization))
  const [consent, another] = meant
  if (!consent) return { ask: 'new_organization' }
  if (another) return { ask: 'which_organization' }
  if (!sameFingerprint(consent.fingerprint, asked.fingerprint)) return { ask: 'changed_app' }
  if (consent.resource !== asked.resource) return { ask: 'new_resource' }
  if (!consent.redirectHosts.includes(redirectHost(asked.redirectUri))) return { ask: 'new_redirect_host' }
  const unknown = asked.scopes.filter((scope) => !isSettled(consent, scope))
  const granted = asked.scopes.filter((scope) => consent.scopes.includes(scope))
  if (unknown.length > 0 || granted.length === 0) return { ask: 'new_scope' }
  return { ask: null, organization: consent.organization, scopes: granted }
}

/** Those that the person never decided about for this app, for any organization; none of an app that is new to them. */
export function newScopes(asked: readonly string[], remembered: readonly RememberedConsent[]): string[] {
  if (remembered.length === 0) return []
  return asked.filter((scope) => remembered.every((consent) => !isSettled(consent, scope)))
}

/** What a person decides on the page. */
export interface Decision {
  readonly scopes: readonly string[]
  readonly declinedScopes: readonly string[]
  readonly resource: string
  readonly redirectUri: string
  readonly fingerprint: Digest | null
}

export type Memory = Omit<RememberedConsent, 'organization' | 'slug'>

/**
 * What is remembered after a decision: what was allowed before stays allowed, what was left unticked now does
 * not. Of an app that has changed since, nothing stays but what was decided now.
 */
export function remember(before: RememberedConsent | null, now: Decision): Memory {
  const kept =
    before?.resource === now.resource && sameFingerprint(before.fingerprint, now.fingerprint) ? before : null
  const scopes = new Set([...(kept?.scopes ?? []), ...now.scopes])
  for (const scope of now.declinedScopes) scopes.delete(scope)
  const declined = new Set([...(kept?.declinedScopes ?? []), ...now.declinedScopes])
  for (const scope of now.scopes) declined.delete(scope)
  return {
    scopes: [...scopes].sort(),
    declinedScopes: [...declined].sort(),
    resource: now.resource,
    redirectHosts: [...new Set([...(kept?.redirectHosts ?? []), redirectHost(now.redirectUri)])].sort(),
    fingerprint: now.fingerprint,
  }
}

/** Where a redirect URI leads: its host and port, or its scheme where it has no host of the web. */
function redirectHost(redirectUri: string): string {
  const { protocol, host } = new URL(redirectUri)
  return protocol === 'https:' ? host : `${protocol}//${host}`
}

function isNamed(consent: RememberedConsent, name: string | null): boolean {
  return name === null || name === consent.organization || name === consent.slug
}

function isSettled(consent: RememberedConsent, scope: string): boolean {
  return consent.scopes.includes(scope) || consent.declinedScopes.includes(scope)
}

function sameFingerprint(left: Digest | null, right: Digest | null): boolean {
  return left === null || right === null ? left === right : left.equals(right)
}
