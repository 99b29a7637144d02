// RFC 9728: where a client that was refused by the API learns which authorization server to ask.
import { appScopes, type Profile } from '../core/profile.ts'
import { proofAlgorithms } from '../credentials/dpop.ts'

export interface ProtectedResource {
  /** The resource's identifier: the audience of its access tokens (RFC 8707). */
  readonly resource: string
  /** RFC 9728 section 3.1: the well-known part goes between host and path. */
  readonly metadataPath: string
  readonly metadata: object
}

export function protectedResource(profile: Profile, publicUrl: string): ProtectedResource {
  const resource = publicUrl + profile.basePath
  return {
    resource,
    metadataPath: `/.well-known/oauth-protected-resource${profile.basePath}`,
    metadata: {
      resource,
      authorization_servers: [publicUrl],
      // offline_access is between client and authorization server: no resource asks for it.
      scopes_supported: appScopes(profile),
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: proofAlgorithms,
      resource_name: `${profile.brand.name} API`,
    },
  }
}
