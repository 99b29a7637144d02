// The truth about the authorization server: what the engine's metadata says, less what is refused here
// (RFC 8414 section 2, SECURITY M6), and what it would serve though nobody may ask for it.
import type { Middleware } from 'koa'
import { Problem } from '../core/problems.ts'
import { isPublicDocument } from './well-known.ts'

/** They speak of identity tokens and user info, which do not exist without the scope `openid`. */
const aboutIdentity = [
  'claims_supported',
  'claim_types_supported',
  'claims_parameter_supported',
  'subject_types_supported',
  'id_token_signing_alg_values_supported',
]

/** Wraps the engine. @param more what is true beside what the engine says */
export function speakTruth(more: object): Middleware {
  return async (ctx, next) => {
    const { response_mode: mode } = ctx.query
    if (
      /^\/oauth\/authorize(\/|$)/i.test(ctx.path) &&
      mode !== undefined &&
      mode !== '' &&
      mode !== 'query'
    ) {
      // Answered by a page of ours: the engine would tell the app in the very way that is not offered.
      throw new Problem('unsupported_response_mode')
    }
    await next()
    if (!/^\/\.well-known\//.test(ctx.path) || !isMetadata(ctx.body)) return
    const kept = Object.entries(ctx.body).filter(([name]) => !aboutIdentity.includes(name))
    isPublicDocument(ctx)
    ctx.body = {
      ...Object.fromEntries(kept),
      ...ownEndpoints(ctx.body),
      ...more,
      response_modes_supported: ['query'],
      scopes_supported: ctx.body.scopes_supported.filter((scope) => scope !== 'openid'),
    }
  }
}

/** What the engine does not know of, or says nothing of. */
function ownEndpoints({ issuer, token_endpoint_auth_methods_supported: methods }: Metadata): object {
  return {
    introspection_endpoint: `${issuer}/oauth/introspect`,
    introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    // Left out, it would be client_secret_basic (RFC 8414 section 2).
    revocation_endpoint_auth_methods_supported: methods,
    service_documentation: `${issuer}/docs`,
  }
}

interface Metadata {
  readonly issuer: string
  readonly scopes_supported: readonly string[]
  readonly token_endpoint_auth_methods_supported: readonly string[]
}

/** Of what the engine serves below /.well-known/ only its metadata has scopes. */
function isMetadata(body: unknown): body is Metadata {
  return (
    typeof body === 'object' &&
    body !== null &&
    'scopes_supported' in body &&
    Array.isArray(body.scopes_supported)
  )
}
