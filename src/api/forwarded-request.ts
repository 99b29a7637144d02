// What a proxy asks about: the method and the address of the request that it holds, out of the headers that proxies use.
// A client writes headers too, so nothing is guessed: what is told twice, differs, or is told by halves is refused.
import type { IncomingMessage } from 'node:http'
import { Problem } from '../core/problems.ts'
import { headerValue } from '../web/header-values.ts'

export interface Forwarded {
  readonly method: string
  /** As it was sent, without the query; not looked at yet. */
  readonly path: string
  /** null for none. */
  readonly query: URLSearchParams | null
  /** In lower case; '' where the proxy says none. */
  readonly host: string
}

/** Where a proxy asks that tells the request by headers; below it one that puts its path behind. */
export const forwardAuthPath = '/verify'
const below = `${forwardAuthPath}/`

/** RFC 9110 section 4.1 has everybody take 8000 at least; no operation of an API needs more. */
const longestTarget = 8000

/** How proxies tell it, in lower case. */
const told = {
  'x-forwarded-method': 'forwardedMethod',
  'x-forwarded-uri': 'forwardedUri',
  'x-forwarded-host': 'forwardedHost',
  'x-original-method': 'originalMethod',
  'x-original-uri': 'originalUri',
  'x-original-url': 'originalUrl',
} as const
type Told = Record<(typeof told)[keyof typeof told], string | undefined>
const tellers: ReadonlyMap<string, keyof Told> = new Map(Object.entries(told))

/** By these some frameworks take a request for another one than it is. */
const overriding: ReadonlySet<string> = new Set([
  ...['x-http-method-override', 'x-http-method', 'x-method-override', 'x-rewrite-url'],
])
/** So do some by this parameter, which PHP hears in spellings of its own. */
const overridingParameter = /^\s*[_.[]method\b/i

/** Node.js drops what comes after some thousand, and says nothing: what we don't see, the server behind may. */
const mostHeaders = 200

/** @throws Problem unclear_request where it is not said, or can be read in more than one way */
export function readForwarded(req: IncomingMessage): Forwarded {
  const said = readTold(req)
  const url = req.url ?? ''
  const heard: Heard = { method: undefined, target: undefined, host: '' }
  if (url.startsWith(below))
    hear(heard, req.method, url.slice(forwardAuthPath.length), headerValue(req, 'host') ?? '')
  if (said.forwardedMethod !== undefined || said.forwardedUri !== undefined)
    hear(heard, said.forwardedMethod, said.forwardedUri, said.forwardedHost ?? '')
  if (said.originalUri !== undefined) hear(heard, said.originalMethod, said.originalUri, '')
  if (said.originalUrl !== undefined) {
    const [, authority = '', rest] = /^https?:\/\/([^/?#]+)(\/.*)$/i.exec(said.originalUrl) ?? []
    hear(heard, said.originalMethod, rest, authority)
  } else if (said.originalMethod !== undefined && said.originalUri === undefined) {
    throw unclear(`The proxy told half of the request. ${whatToSet}`)
  }
  const { method, target, host } = heard
  if (method === undefined || target === undefined)
    throw unclear(`The proxy did not tell what is asked for. ${whatToSet}`)
  if (!target.startsWith('/') || target.includes('#') || target.length > longestTarget)
    throw unclear('The address is none that an API has.')
  const query = target.indexOf('?')
  if (query < 0) return { method, path: target, query: null, host }
  const parameters = new URLSearchParams(target.slice(query + 1))
  for (const name of parameters.keys())
    if (overridingParameter.test(name))
      throw unclear('The parameter _method would make another request of this one. Leave it out.')
  return { method, path: target.slice(0, query), query: parameters, host }
}

const whatToSet = 'The proxy must set X-Forwarded-Method and X-Forwarded-Uri, and pass on no others.'

interface Heard {
  method: string | undefined
  target: string | undefined
  host: string
}

/** @throws Problem unclear_request for half of a request, and for another one than was heard before */
function hear(heard: Heard, method: string | undefined, target: string | undefined, host: string): void {
  if (!method || !target) throw unclear(`The proxy told half of the request. ${whatToSet}`)
  if (heard.target !== undefined && (heard.method !== method || heard.target !== target))
    throw unclear(`The request is told in two ways that differ. ${whatToSet}`)
  heard.method = method
  heard.target = target
  heard.host ||= host.toLowerCase()
}

function readTold(req: IncomingMessage): Told {
  const said: Told = {
    forwardedMethod: undefined,
    forwardedUri: undefined,
    forwardedHost: undefined,
    originalMethod: undefined,
    originalUri: undefined,
    originalUrl: undefined,
  }
  const raw = req.rawHeaders
  if (raw.length > 2 * mostHeaders) throw unclear(`More than ${mostHeaders} headers came.`)
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? ''
    // Nearly all others are over with this: "X-" or "X_", in either case.
    const second = name.charCodeAt(1)
    if ((second !== 0x2d && second !== 0x5f) || (name.charCodeAt(0) | 0x20) !== 0x78) continue
    const lower = name.toLowerCase()
    const teller = tellers.get(lower)
    if (teller !== undefined) {
      if (said[teller] !== undefined) throw unclear(`The header ${lower} came twice. ${whatToSet}`)
      said[teller] = raw[at + 1] ?? ''
      continue
    }
    // Servers of CGI's line (PHP, Rack, WSGI) read both spellings as one. No proxy writes this one.
    const plain = lower.replaceAll('_', '-')
    if (overriding.has(plain) || (plain !== lower && tellers.has(plain)))
      throw unclear(`The header ${lower} would make another request of this one. Leave it out.`)
  }
  return said
}

export function unclear(say: string): Problem {
  return new Problem('unclear_request', { say })
}
