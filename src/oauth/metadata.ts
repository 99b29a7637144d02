// The truth about the authorization server: what the engine's metadata says, less what is refused here
// (RFC 8414 section 2, SECURITY M6), and what it would serve though nobody may ask for it.
import type { Middleware } from 'koa'
import { Problem } from '../core/problems.ts'

/** They speak of identity tokens and user info, which do not exist without the scope `openid`. */
const aboutIdentity = [
  'claims_supported',
  'claim_types_supported',
  'claims_parameter_supported',
  'subject_types_supported',
  'id_token_signing_alg_values_supported',
]

/** Wraps the engine. */
export function speakTruth(): Middleware {
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
    ctx.body = {
      ...Object.fromEntries(kept),
      response_modes_supported: ['query'],
      scopes_supported: ctx.body.scopes_supported.filter((scope) => scope !== 'openid'),
    }
  }
}

function isMetadata(body: unknown): body is { readonly scopes_supported: readonly string[] } {
  return (
    typeof body === 'object' &&
    body !== null &&
    'scopes_supported' in body &&
    Array.isArray(body.scopes_supported)
  )
}
