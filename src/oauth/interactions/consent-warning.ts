// The one warning of the consent page: several would make none stand out. Pure.
import type { Profile } from '../../core/profile.ts'
import type { RedirectTarget } from './redirect-target.ts'
import type { ConsentWords } from './words.ts'

export type Warning = keyof ConsentWords['warnings']

export interface Risks {
  readonly isVerified: boolean
  readonly sendsBackTo: RedirectTarget['kind']
  /** Whether there is an account that the person may give access to: they are its administrator. */
  readonly mayDelegate: boolean
  /** Under which headings the scopes stand that are asked for. */
  readonly groups: readonly Profile['scopes'][string]['group'][]
  readonly hasNewScopes: boolean
}

/** The greatest risk's: an app that nobody has reviewed, then a change for others, then more than before. */
export function warningOf(risks: Risks): Warning | null {
  if (!risks.isVerified) {
    return risks.sendsBackTo === 'web' ? 'unverified' : 'unverifiedOnThisComputer'
  }
  // Everybody who may allow something is an administrator: it is worth a warning where it touches others.
  if (risks.mayDelegate && risks.groups.some((group) => group !== 'see')) return 'administrator'
  return risks.hasNewScopes ? 'newScopes' : null
}
