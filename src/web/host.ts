// Which host was asked for: PUBLIC_URL decides every address that we emit, whatever a request says.
import type { IncomingMessage } from 'node:http'
import type { Middleware } from 'koa'
import { isLoopback } from '../core/config.ts'
import { equalHostsDomain } from '../core/equal-hosts.ts'
import type { Profile } from '../core/profile.ts'

/**
 * Notes whether the request was sent to the public host (`ctx.state.isPublicHost`), then pins it: whatever
 * comes after, the engine first, sees the public host and scheme, and no X-Forwarded-Host. Needs
 * `app.proxy = true`, since the scheme is told by X-Forwarded-Proto.
 */
export function pinHost(publicUrl: string): Middleware {
  const { host, protocol } = new URL(publicUrl)
  const isPublicHost = createPublicHost(publicUrl)
  return (ctx, next) => {
    const { req } = ctx
    ctx.state['isPublicHost'] = isPublicHost(req)
    const absolute = absoluteTarget(req)
    if (absolute) ctx.originalUrl = ctx.request.originalUrl = req.url = absolute.pathname + absolute.search
    req.headers.host = host
    delete req.headers['x-forwarded-host']
    req.headers['x-forwarded-proto'] = protocol.slice(0, -1)
    return next()
  }
}

/** Whether a request was sent to the public host; on loopback, whichever of its names and ports it was called by. */
export function createPublicHost(publicUrl: string): (req: IncomingMessage) => boolean {
  const { host, hostname, protocol } = new URL(publicUrl)
  return (req) => {
    if (hasHosts(req)) return false
    const sent = absoluteTarget(req)?.host ?? req.headers.host ?? ''
    return (
      withoutUsualPort(sent.toLowerCase(), protocol) === host ||
      (isLoopback(hostname) && isLoopbackHost(sent))
    )
  }
}

function isLoopbackHost(host: string): boolean {
  return (
    URL.canParse(`http://${host}`) && !host.includes('@') && isLoopback(new URL(`http://${host}`).hostname)
  )
}

/** The path that was asked for, on whichever host, without the query. */
export function pathOf(req: IncomingMessage): string {
  const url = req.url ?? '/'
  if (!url.startsWith('/')) return placeOf(req).path
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

/** Where the API is, on whichever host. */
export interface ApiHosts {
  /** The path of a request as the contract writes it, whatever stands before it; null where no API is. */
  pathOf(req: IncomingMessage): string | null
  /**
   * The address without its query, as the public knows it: of a host of ours as it was asked for, else PUBLIC_URL's. No
   * other host's, whatever a request says: a proof of possession that was signed for another server is held against it.
   */
  addressOf(req: IncomingMessage): string
  /** As `pathOf`, of a request that somebody else has, with the host in lower case that it was sent to ('' for none). */
  pathAt(host: string, path: string): string | null
  /** As `addressOf`, of such a request. */
  addressAt(host: string, path: string): string
  /** Whether the request is for the documentation's own host. */
  isDocumentation(req: IncomingMessage): boolean
}

/**
 * The hosts under which the API answers alike: whose data it is, the credential says. The profile's base path is
 * there on every host, and a short form on the host whose first label it has.
 */
export function createApiHosts(publicUrl: string, profile: Profile): ApiHosts {
  const { basePath, hosts } = profile
  const { protocol } = new URL(publicUrl)
  const domain = equalHostsDomain(publicUrl, profile)
  const shortForms = new Map(Object.entries(hosts.shortForms))
  const below = `${basePath}/`
  /** The origin of a host beside that of PUBLIC_URL, on its scheme and port; null for any other text. */
  const siblingOrigin = (sent: string): string | null => {
    const host = withoutUsualPort(sent, protocol)
    const [label = ''] = host.split('.')
    const isOurs = domain !== null && hostLabel.test(label) && host === `${label}.${domain}`
    return isOurs && (hosts.organizations || shortForms.has(label)) ? `${protocol}//${host}` : null
  }
  const pathAt = (host: string, path: string): string | null => {
    const shortForm = shortForms.get(labelOf(host))
    return under(basePath, path) ?? (shortForm === undefined ? null : under(shortForm, path))
  }
  return {
    pathAt,
    addressAt: (host, path) => (siblingOrigin(host) ?? publicUrl) + path,
    isDocumentation: (req) =>
      hosts.documentation !== null && labelOf(placeOf(req).host) === hosts.documentation,
    pathOf: (req) => {
      // Nearly every request: an address without its host, below the base path.
      const asked = pathOf(req)
      if (asked.startsWith(below)) return asked.slice(basePath.length)
      if (shortForms.size === 0) return asked === basePath ? '' : null
      const { path, host } = placeOf(req)
      return pathAt(host, path)
    },
    addressOf: (req) => {
      const { path, host } = placeOf(req)
      return ((hasHosts(req) ? null : siblingOrigin(host)) ?? publicUrl) + path
    },
  }
}

/** What stands before the first dot; '' for a host of one word. */
function labelOf(host: string): string {
  return host.includes('.') ? host.slice(0, host.indexOf('.')) : ''
}

/** Whatever else stands before the first dot ("evil%2eexample/x", "[::1]/x") would make an address of another host. */
const hostLabel = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/

/** More than one: what is before us may have looked at another than we do (RFC 9112 section 3.2). */
function hasHosts(req: IncomingMessage): boolean {
  return (req.headersDistinct['host']?.length ?? 0) > 1
}

/** A host with its scheme's own port is the host alone (RFC 9110 section 4.2.3); some clients write it. */
function withoutUsualPort(host: string, protocol: string): string {
  const usual = protocol === 'https:' ? ':443' : ':80'
  return host.endsWith(usual) ? host.slice(0, -usual.length) : host
}

function placeOf(req: IncomingMessage) {
  const absolute = absoluteTarget(req)
  const [path = ''] = (absolute ? absolute.pathname : (req.url ?? '/')).split('?')
  return { path, host: (absolute?.host ?? req.headers.host ?? '').toLowerCase() }
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
