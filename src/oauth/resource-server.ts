// Resource servers: APIs beside our own that ask us about the credentials that they are sent.
import type { ResourceServerId } from '../core/ids.ts'

export interface ResourceServer {
  readonly id: ResourceServerId
  readonly name: string
  /** The resource that its access tokens are for (RFC 8707), normalized. Several may share one. */
  readonly audience: string
  /** What is granted for it, and what it is told of; null for all that an app may ask for. */
  readonly scopes: readonly string[] | null
  readonly createdAt: Date
}
