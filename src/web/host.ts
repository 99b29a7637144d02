// Which host was asked for: PUBLIC_URL decides every address that we emit, whatever a request says.
import type { Middleware } from 'koa'
import { isLoopback } from '../core/config.ts'

/**
 * Notes whether the request was sent to the public host (`ctx.state.isPublicHost`), then pins it: whatever
 * comes after, the engine first, sees the public host and scheme, and no X-Forwarded-Host. Needs
 * `app.proxy = true`, since the scheme is told by X-Forwarded-Proto.
 */
export function pinHost(publicUrl: string): Middleware {
  const { host, hostname, protocol } = new URL(publicUrl)
  return (ctx, next) => {
    const { req } = ctx
    // A request line with an absolute address (RFC 9112 section 3.2.2) would overrule the Host header.
    const target = req.url ?? '/'
    const absolute = /^[a-z][a-z0-9+.-]*:\/\//i.test(target) && URL.canParse(target) ? new URL(target) : null
    if (absolute) ctx.originalUrl = ctx.request.originalUrl = req.url = absolute.pathname + absolute.search
    const sent = absolute?.host ?? req.headers.host ?? ''
    ctx.state['isPublicHost'] =
      (req.headersDistinct['host']?.length ?? 0) <= 1 &&
      (sent.toLowerCase() === host || (isLoopback(hostname) && isLoopbackHost(sent)))
    req.headers.host = host
    delete req.headers['x-forwarded-host']
    req.headers['x-forwarded-proto'] = protocol.slice(0, -1)
    return next()
  }
}

function isLoopbackHost(host: string): boolean {
  return (
    URL.canParse(`http://${host}`) && !host.includes('@') && isLoopback(new URL(`http://${host}`).hostname)
  )
}
