// What the consent page says: who asks, for what, and where the person is sent back to.
import type { App } from '../../apps/app.ts'
import { isLoopback } from '../../core/config.ts'
import type { Profile } from '../../core/profile.ts'
import { type Membership, mayDelegate } from '../../organizations/membership-store.ts'

export interface ConsentPage {
  readonly app: string
  readonly madeBy: string
  readonly sendsBackTo: string
  readonly email: string
  readonly mode: App['mode']
  readonly organizations: readonly {
    readonly id: string
    readonly name: string
    readonly role: string
    readonly allowed: boolean
    readonly checked: boolean
  }[]
  readonly groups: readonly {
    readonly title: string
    readonly scopes: readonly { readonly name: string; readonly sentence: string; readonly detail: string }[]
  }[]
  readonly mistake: string | null
}

export interface ConsentRequest {
  readonly app: App
  readonly madeBy: string
  readonly redirectUri: string
  readonly email: string
  readonly memberships: readonly Membership[]
  readonly scopes: readonly string[]
  readonly mistake: string | null
}

const groupTitles = { see: 'See', change: 'See and change', danger: 'Delete or pay' } as const

export function consentPage(profile: Profile, request: ConsentRequest): ConsentPage {
  const { app, memberships } = request
  const choices = memberships.filter(mayDelegate)
  return {
    app: app.name,
    madeBy: request.madeBy,
    sendsBackTo: describeRedirect(request.redirectUri),
    email: request.email,
    mode: app.mode,
    organizations: memberships.map((membership) => ({
      id: membership.organization.id,
      name: membership.organization.name,
      role: membership.role,
      allowed: mayDelegate(membership),
      // Chosen beforehand only where there is no choice.
      checked: choices.length === 1 && membership === choices[0],
    })),
    groups: (['see', 'change', 'danger'] as const)
      .map((group) => ({
        title: groupTitles[group],
        scopes: request.scopes.flatMap((name) => {
          const scope = profile.scopes[name]
          return scope?.group === group
            ? [{ name, sentence: scope.sentence.en, detail: scope.detail.en }]
            : []
        }),
      }))
      .filter((group) => group.scopes.length > 0),
    mistake: request.mistake,
  }
}

/** The whole host and port, never shortened: a name can be copied by anyone, this can't. */
function describeRedirect(redirectUri: string): string {
  const uri = new URL(redirectUri)
  if (uri.protocol !== 'https:' && uri.protocol !== 'http:') return `${uri.protocol} (an app on this device)`
  return isLoopback(uri.hostname) ? `an app on this computer (${uri.host})` : uri.host
}
