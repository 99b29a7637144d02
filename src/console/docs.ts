// /docs: the first page that a developer reads, made from the profile and the contract.
import Router from '@koa/router'
import type { Contract } from '../core/contract.ts'
import type { Profile } from '../core/profile.ts'
import type { Views } from '../web/views.ts'

export function docsRoutes(profile: Profile, contract: Contract, publicUrl: string, views: Views): Router {
  const router = new Router({ sensitive: true, strict: true })
  const api = publicUrl + profile.basePath
  const first = contract.operations.find(
    (operation) => operation.method === 'GET' && operation.requiredScopes.length > 0,
  )

  router.get('/', (ctx) => {
    ctx.status = 302
    ctx.redirect('/docs')
  })

  router.get('/docs', (ctx) => {
    views.show(ctx, 'docs', {
      api,
      publicUrl,
      example: `${api}${first?.path ?? '/me'}`,
      openapi: `${profile.basePath}/openapi.json`,
      prefixes: profile.credentials.prefixes,
      headers: profile.headers,
      rateClasses: profile.rateClasses,
      operations: contract.operations,
      scopes: Object.entries(profile.scopes).map(([name, { sentence, detail }]) => ({
        name,
        sentence: sentence.en,
        detail: detail.en,
      })),
    })
  })

  return router
}
