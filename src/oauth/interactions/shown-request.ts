// What a person was shown when they pressed Allow: an app can change while they read, and what it became meanwhile
// was not allowed. Pure.
import type { App } from '../../apps/app.ts'
import { sha256 } from '../../lib/digest.ts'
import type { AskedConsent } from '../remembered-consent.ts'

/** Goes with the page, and comes back with the answer: the same for as long as the page would say the same. */
export function shownRequest(app: App, { scopes, resource }: AskedConsent): string {
  const { name, homepage, policyUri, termsUri, isVerified, mode, fingerprint } = app
  const optional = scopes.filter((scope) => app.optionalScopes.includes(scope))
  const looks = [name, homepage, policyUri, termsUri, isVerified, fingerprint?.toString('hex')]
  return sha256(JSON.stringify([looks, mode, resource, scopes, optional])).toString('base64url')
}
