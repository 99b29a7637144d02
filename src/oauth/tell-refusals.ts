// What the engine refuses, told to the app's developers (its error log) and counted.
import type { Refusal, Refusals } from '../apps/refusals.ts'
import { isClientId } from '../core/ids.ts'
import type { Metrics } from '../core/metrics.ts'
import { requestId } from '../web/request-id.ts'
import type { Engine, KoaContextWithOIDC } from './engine.ts'
import { inOurWords } from './reasons.ts'

const endpoints = {
  'authorization.error': 'authorization',
  'grant.error': 'token',
  'revocation.error': 'revocation',
} as const satisfies Record<string, Refusal['endpoint']>

export interface TellParts {
  readonly refusals: Refusals
  readonly metrics: Metrics
}

export function tellRefusals(engine: Engine, { refusals, metrics }: TellParts): void {
  engine.on('authorization.error', tell('authorization.error'))
  engine.on('grant.error', tell('grant.error'))
  engine.on('revocation.error', tell('revocation.error'))
  engine.on('grant.success', (ctx) => {
    const grantType = String(ctx.oidc.params?.['grant_type'])
    // A code is not spent yet: commitExchanges counts it when it is.
    if (grantType !== 'authorization_code') metrics.tokensIssued.inc({ grant_type: grantType })
  })

  function tell(event: keyof typeof endpoints) {
    return (ctx: KoaContextWithOIDC, error: EngineError) => {
      const endpoint = endpoints[event]
      const code = error.error ?? 'server_error'
      metrics.oauthRefused.inc({ endpoint, error: code })
      const clientId = ctx.oidc?.client?.clientId
      if (clientId === undefined || !isClientId(clientId)) return
      const reason = error.error_detail ?? error.error_description ?? error.message
      refusals.note({
        clientId,
        endpoint,
        error: code,
        reason: inOurWords(reason),
        requestId: requestId(ctx),
      })
    }
  }
}

interface EngineError {
  readonly message: string
  readonly error?: string | undefined
  readonly error_description?: string | undefined
  /** What the engine tells nobody else. */
  readonly error_detail?: string | undefined
}
