// An OAuth app (an RFC 6749 client): always public, never with a secret.
import type { ClientId, OrganizationId } from '../core/ids.ts'
import type { Mode } from '../core/principal.ts'

export interface App {
  readonly clientId: ClientId
  /** Whose developers registered it. */
  readonly organization: OrganizationId
  readonly mode: Mode
  readonly name: string
  readonly redirectUris: readonly string[]
  /** The most that it may ever ask for. */
  readonly scopes: readonly string[]
  /** For so long a lost answer to a refresh is given again (decision 5). */
  readonly refreshGraceSeconds: number
  /** So long after consent an authorization ends, however often it was refreshed. */
  readonly refreshLifetimeSeconds: number
  readonly createdAt: Date
  /** True while its organization is suspended: it can't be used, and nothing that it holds is lost. */
  readonly isStopped: boolean
}
