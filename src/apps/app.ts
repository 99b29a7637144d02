// An OAuth app (an RFC 6749 client): always public, never with a secret.
import type { ClientId, OrganizationId } from '../core/ids.ts'
import type { Mode } from '../core/principal.ts'
import type { Digest } from '../lib/digest.ts'

/** `manual`: by an organization's developers, in the console or by command line; the others by themselves. */
export type Registration = 'manual' | 'dynamic' | 'metadata_document'

/** What a refresh token that comes back after its grace window does: end its family, or be refused and no more. */
export type ReuseResponse = 'revoke' | 'refuse'

export interface App {
  readonly clientId: ClientId
  /** Whose developers registered it; null for one that registered itself. */
  readonly organization: OrganizationId | null
  readonly registration: Registration
  readonly mode: Mode
  readonly name: string
  readonly homepage: string | null
  readonly policyUri: string | null
  readonly termsUri: string | null
  readonly redirectUris: readonly string[]
  /** The most that it may ever ask for. */
  readonly scopes: readonly string[]
  /** Those of `scopes` that a person may leave out. */
  readonly optionalScopes: readonly string[]
  /** For so long a lost answer to a refresh is given again (decision 5). */
  readonly refreshGraceSeconds: number
  /** So long after consent an authorization ends, however often it was refreshed. */
  readonly refreshLifetimeSeconds: number
  /** A refresh token that is not used for so long is no longer good; null for no such limit. */
  readonly refreshIdleSeconds: number | null
  readonly reuseResponse: ReuseResponse
  /** True when its tokens are bound to a key of its own (RFC 9449). */
  readonly requiresDpop: boolean
  /** The vendor says who it is (by command line). */
  readonly isVerified: boolean
  /** By its developers or the vendor; `isStopped` says what comes of it. */
  readonly isSuspended: boolean
  readonly createdAt: Date
  /** True while it or its organization is suspended: it can't be used, and nothing that it holds is lost. */
  readonly isStopped: boolean
  /** Of what people consented to, where that can change under them (an app that registered itself); else null. */
  readonly fingerprint: Digest | null
}
