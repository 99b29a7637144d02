// What `latchkey/resource-server` publishes. This folder imports nothing of the house and no library: Node.js alone.
// The adapters for frameworks are entries of their own: `latchkey/resource-server/koa`, `/express`, `/fastify`, `/hono`
// and `/fetch`.

export type { ResourceServerOptions } from './options.ts'
export type { FetchRequest, NodeRequest, PlainRequest, ServerRequest } from './request.ts'
export { createResourceServer, type ResourceServer } from './resource-server.ts'
export type {
  Allowed,
  AllowedAccessToken,
  AllowedApiKey,
  CredentialKind,
  Refused,
  RefusedCode,
  Verdict,
  VerifyOptions,
} from './verdict.ts'
