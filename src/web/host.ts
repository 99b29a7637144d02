// Which host was asked for: PUBLIC_URL decides every address that we emit, whatever a request says.
import type { IncomingMessage } from 'node:http'
import type { Middleware } from 'koa'
import { isLoopback } from '../core/config.ts'
import type { Profile } from '../core/profile.ts'

/**
 * Notes whether the request was sent to the public host (`ctx.state.isPublicHost`), then pins it: whatever
 * comes after, the engine first, sees the public host and scheme, and no X-Forwarded-Host. Needs
 * `app.proxy = true`, since the scheme is told by X-Forwarded-Proto.
 */
export function pinHost(publicUrl: string): Middleware {
  const { host, hostname, protocol } = new URL(publicUrl)
  return (ctx, next) => {
    const { req } = ctx
    const absolute = absoluteTarget(req)
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

/** Where the API is, on whichever host. */
export interface ApiHosts {
  /** The path of a request as the contract writes it, whatever stands before it; null where no API is. */
  pathOf(req: IncomingMessage): string | null
  /** The address without its query, as the public knows it: of a host of ours as it was asked for, else PUBLIC_URL's. */
  addressOf(req: IncomingMessage): string
}

/**
 * The hosts under which the API answers alike: whose data it is, the credential says. The profile's base path is
 * there on every host, and a short form on the host whose first label it has.
 */
export function createApiHosts(publicUrl: string, { basePath, hosts }: Profile): ApiHosts {
  const { protocol, hostname, port } = new URL(publicUrl)
  const domain = isLoopback(hostname) ? hostname : hostname.slice(hostname.indexOf('.') + 1)
  const shortForms = new Map(Object.entries(hosts.shortForms))
  /** A host beside that of PUBLIC_URL, on its scheme and port. */
  const isSibling = (label: string, host: string) =>
    host === `${label}.${domain}${port && `:${port}`}` && (hosts.organizations || shortForms.has(label))
  return {
    pathOf: (req) => {
      const { path, label } = placeOf(req)
      const shortForm = shortForms.get(label)
      return under(basePath, path) ?? (shortForm === undefined ? null : under(shortForm, path))
    },
    addressOf: (req) => {
      const { path, label, host } = placeOf(req)
      return (isSibling(label, host) ? `${protocol}//${host}` : publicUrl) + path
    },
  }
}

function placeOf(req: IncomingMessage) {
  const absolute = absoluteTarget(req)
  const [path = ''] = (absolute ? absolute.pathname : (req.url ?? '/')).split('?')
  const host = (absolute?.host ?? req.headers.host ?? '').toLowerCase()
  const [label = ''] = host.split('.')
  return { path, host, label: host.includes('.') ? label : '' }
}

function under(base: string, path: string): string | null {
  if (path === base) return ''
  return path.startsWith(`${base}/`) ? path.slice(base.length) : null
}

/** A request line with an absolute address (RFC 9112 section 3.2.2) overrules the Host header. */
function absoluteTarget(req: IncomingMessage): URL | null {
  const target = req.url ?? '/'
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(target) && URL.canParse(target) ? new URL(target) : null
}
