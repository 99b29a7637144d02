// What `latchkey/client` publishes. This folder imports nothing of the house and nothing of Node.js: fetch, Web
// Crypto and AbortSignal are all that it needs.

export type { ApiAnswer, ApiRequest, CallOptions } from './caller.ts'
export { type ClientOptions, ContractClient } from './client.ts'
export type { Contract, Operation, PartialContract } from './contract.ts'
export type { Credential, GetToken } from './credential.ts'
export {
  type ErrorResponse,
  LatchkeyConnectionError,
  LatchkeyError,
  LatchkeyTimeoutError,
} from './errors.ts'
export * from './generated/contracts.ts'
export {
  createOrganizationApiKey,
  LatchkeyClient,
  type LatchkeyClientOptions,
  type LatchkeyPlatformConfig,
} from './latchkey-client.ts'
export type { Listing, Page } from './listing.ts'
export {
  type AuthorizationLink,
  OAuthClient,
  type OAuthClientOptions,
  type PendingAuthorization,
} from './oauth-client.ts'
export { AuthorizationNeededError, OAuthError } from './oauth-errors.ts'
export type { Lock, StoredTokens, TokenStore } from './oauth-tokens.ts'
export {
  type NewOrganization,
  type OrganizationApiKey,
  type PlatformConfig,
  provision,
  type TeamMember,
} from './provision.ts'
export type { Fetch, Surroundings, WireOptions } from './wire.ts'
