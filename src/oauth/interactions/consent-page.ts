// What the consent page says: who asks, for what, and where the person is sent back to. Pure.
import type { App } from '../../apps/app.ts'
import type { Profile } from '../../core/profile.ts'
import { type Membership, mayDelegate } from '../../organizations/membership-store.ts'
import { fillText } from '../../web/fill-in.ts'
import { newScopes, type RememberedConsent } from '../remembered-consent.ts'
import { type Warning, warningOf } from './consent-warning.ts'
import { redirectTarget } from './redirect-target.ts'
import type { Words } from './words.ts'

interface ScopeShown {
  readonly name: string
  readonly sentence: string
  readonly detail: string
  readonly isNew: boolean
  /** Of an optional one, that the person has just ticked. */
  readonly isChecked: boolean
}

export interface ConsentPage {
  readonly app: string
  /** Of our own copy; null for an app without one. */
  readonly logo: string | null
  readonly isVerified: boolean
  /** Who registered it; null for an app that registered itself … */
  readonly madeBy: string | null
  /** … and where that one describes itself, if it does. */
  readonly describedAt: string | null
  readonly links: readonly { readonly text: string; readonly host: string; readonly href: string }[]
  readonly sendsBackTo: { readonly text: string; readonly place: string }
  readonly email: string
  readonly mode: App['mode']
  readonly warning: Warning | null
  readonly organizations: readonly {
    readonly id: string
    readonly name: string
    readonly isChecked: boolean
  }[]
  /** The accounts of the person that they may not give access to, by name. */
  readonly notListed: readonly string[]
  /** True when the app asked for an account that the person can't give it access to. */
  readonly isNamedElsewhere: boolean
  readonly groups: readonly { readonly title: string; readonly scopes: readonly ScopeShown[] }[]
  readonly optional: readonly ScopeShown[]
}

export interface ConsentRequest {
  readonly app: App
  readonly logo: string | null
  readonly madeBy: string | null
  readonly redirectUri: string
  readonly email: string
  readonly memberships: readonly Membership[]
  readonly scopes: readonly string[]
  /** The account that the app names, by id or slug; null when it names none. */
  readonly organization: string | null
  readonly remembered: readonly RememberedConsent[]
  /** What the person has filled in before something was found to be missing. */
  readonly filledIn: { readonly organization: string | null; readonly optional: readonly string[] }
}

const longestName = 100
/** Controls, halves, and marks that have no shape: registration refuses them now, and did not always. */
const unseen = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/gu

export function consentPage(profile: Profile, words: Words, request: ConsentRequest): ConsentPage {
  const { app, memberships, organization: wanted, filledIn } = request
  const choices = memberships.filter(mayDelegate).map(({ organization }) => organization)
  const named = choices.find(({ id, slug }) => wanted === id || wanted === slug)
  // Chosen beforehand where the app asks for it, or where there is no choice.
  const [only] = wanted === null && choices.length === 1 ? choices : []
  const checked = filledIn.organization ?? (named ?? only)?.id ?? null
  const added = newScopes(request.scopes, request.remembered)
  const target = redirectTarget(request.redirectUri)
  const show = (name: string): ScopeShown | null => {
    const scope = profile.scopes[name]
    if (!scope) return null
    return {
      name,
      sentence: scope.sentence[words.locale],
      detail: scope.detail[words.locale],
      isNew: added.includes(name),
      isChecked: filledIn.optional.includes(name),
    }
  }
  const isShown = (scope: ScopeShown | null) => scope !== null
  const required = request.scopes.filter((name) => !app.optionalScopes.includes(name))
  const inGroup = (group: string) => required.filter((name) => profile.scopes[name]?.group === group)
  return {
    app: shownName(app.name),
    logo: request.logo,
    isVerified: app.isVerified,
    madeBy: request.madeBy,
    describedAt: app.registration === 'metadata_document' ? new URL(app.clientId).host : null,
    links: linksOf(app, words),
    sendsBackTo: { text: targetText(target.kind, words), place: target.place },
    email: request.email,
    mode: app.mode,
    warning: warningOf({
      isVerified: app.isVerified,
      sendsBackTo: target.kind,
      mayDelegate: choices.length > 0,
      groups: request.scopes.flatMap((name) => profile.scopes[name]?.group ?? []),
      hasNewScopes: added.length > 0,
    }),
    organizations: choices.map(({ id, name }) => ({ id, name, isChecked: id === checked })),
    notListed: memberships.filter((it) => !mayDelegate(it)).map(({ organization }) => organization.name),
    isNamedElsewhere: wanted !== null && named === undefined && choices.length > 0,
    groups: (['see', 'change', 'danger'] as const)
      .map((group) => ({
        title: words.consent.groups[group],
        scopes: inGroup(group).map(show).filter(isShown),
      }))
      .filter((group) => group.scopes.length > 0),
    optional: request.scopes
      .filter((name) => app.optionalScopes.includes(name))
      .map(show)
      .filter(isShown),
  }
}

/** For the sign-in pages: to which app, and where that is. */
export function whereTo(app: App, redirectUri: string): { readonly app: string; readonly host: string } {
  return { app: shownName(app.name), host: redirectTarget(redirectUri).place }
}

/** Those of the app's pages that are on the web, with the host that they are at. */
function linksOf(app: App, { consent }: Words): ConsentPage['links'] {
  const pages = [
    [consent.homepage, app.homepage],
    [consent.policy, app.policyUri],
    [consent.terms, app.termsUri],
  ] as const
  return pages.flatMap(([text, href]) => {
    // What an app says of itself is not to be trusted: no javascript:, no user name that looks like a host.
    if (href === null || !URL.canParse(href)) return []
    const uri = new URL(href)
    const isFit = uri.protocol === 'https:' && uri.username === '' && uri.password === ''
    return isFit ? [{ text, host: uri.host, href: uri.href }] : []
  })
}

function targetText(kind: 'web' | 'computer' | 'device', { consent }: Words): string {
  if (kind === 'web') return '{place}'
  const sentence = kind === 'computer' ? consent.onThisComputer : consent.onThisDevice
  return fillText(sentence, { host: '{place}', scheme: '{place}' })
}

/** As a heading can bear it: no book, and nothing that is not seen or turns what stands around it. */
function shownName(name: string): string {
  const letters = [...name.replace(unseen, '')]
  return letters.length > longestName ? `${letters.slice(0, longestName).join('')}…` : letters.join('')
}
