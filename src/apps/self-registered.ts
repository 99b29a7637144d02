// What an app that registered itself is, beside what it says of itself: the profile's doing.
import { type ClientId, newClientId } from '../core/ids.ts'
import type { Profile } from '../core/profile.ts'
import type { NewAppRow } from './app-store.ts'
import type { ClientMetadata, fingerprintOf } from './client-metadata.ts'

/** The row of one that registers now; it belongs to no organization. */
export function selfRegistered(
  profile: Profile,
  as: { readonly dynamic: true } | { readonly document: ClientId },
  { logoUri: _, ...said }: ClientMetadata,
  fingerprint: ReturnType<typeof fingerprintOf>,
  now: Date,
): NewAppRow {
  const { oauth } = profile
  const isDynamic = 'dynamic' in as
  return {
    ...said,
    clientId: isDynamic ? newClientId() : as.document,
    organization: null,
    registration: isDynamic ? 'dynamic' : 'metadata_document',
    mode: (isDynamic ? oauth.dynamicRegistration : oauth.clientMetadataDocuments).mode,
    optionalScopes: [],
    refreshGraceSeconds: oauth.refreshGraceSeconds,
    refreshLifetimeSeconds: oauth.refreshTokenSeconds,
    refreshIdleSeconds: oauth.refreshIdleSeconds,
    reuseResponse: 'revoke',
    createdAt: now,
    fingerprint,
  }
}
