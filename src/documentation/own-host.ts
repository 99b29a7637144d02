// The documentation's own host, where the profile has one: what programs read is there too, and who comes with a browser
// is led to the canonical host, where the reader's own examples and the console are.
import type { Middleware } from 'koa'
import type { ApiHosts } from '../web/host.ts'

const forPrograms = /^\/(llms\.txt|docs(\/[a-z-]+)?\.md)$/
const forPeople = /^\/(docs(\/[a-z-]+)?)?$/

/** Stands before what pins the host, and lets through what it may answer by `ctx.state.isReadersHost`. */
export function ownHost(publicUrl: string, hosts: ApiHosts): Middleware {
  return (ctx, next) => {
    if (!['GET', 'HEAD'].includes(ctx.method) || !hosts.isDocumentation(ctx.req)) return next()
    if (forPeople.test(ctx.path)) {
      ctx.status = 302
      ctx.redirect(publicUrl + (ctx.path === '/' ? '/docs' : ctx.path))
      return undefined
    }
    ctx.state['isReadersHost'] = forPrograms.test(ctx.path)
    return next()
  }
}
