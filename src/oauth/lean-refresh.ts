// The ordinary refresh without the engine: a public client's form, nothing unusual about it, and a token that is good.
// This way says yes. Whatever is unusual, and whoever is refused, is handed on to the engine, whose words and headers an
// error has; with what was found out, so that it is not found out again.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { parse } from 'node:querystring'
import type { RequestId } from '../core/ids.ts'
import type { Metrics } from '../core/metrics.ts'
import type { Mode } from '../core/principal.ts'
import type { Profile } from '../core/profile.ts'
import { type Log, RequestLine, requestLines } from '../core/telemetry.ts'
import { sha256 } from '../lib/digest.ts'
import { clientAddress, clientName } from '../web/client-address.ts'
import { pageHeaderValues } from '../web/headers.ts'
import { createPublicHost } from '../web/host.ts'
import { peekText } from '../web/peek-body.ts'
import { keepArrival, newRequestId } from '../web/request-id.ts'
import { present } from './presentation.ts'
import { normalizeResource } from './resource-uri.ts'
import type { Refresh, RefreshRequest } from './rotation.ts'

export interface LeanRefreshParts {
  readonly refresh: Refresh
  readonly profile: Profile
  readonly publicUrl: string
  readonly trustedProxies: number
  readonly metrics: Pick<Metrics, 'tokensIssued' | 'oauthRefused'>
  readonly log: Log
}

/**
 * Answers a request, and says so. False, at once or after a while: it is somebody else's to answer, and as if nobody
 * had looked at it, body and all.
 */
export type LeanStep = (req: IncomingMessage, res: ServerResponse) => false | Promise<boolean>

/** What is known of a request that was handed on. */
interface HandedOn {
  readonly request: RefreshRequest
  /** What the refresh was refused with; null when it was not asked. */
  readonly refusal: { readonly thrown: unknown } | null
}

const allHandedOn = new WeakMap<IncomingMessage, HandedOn>()

/** For the engine's refresh grant; undefined for a request that was never on the lean way, or left it unread. */
export function handedOn(req: IncomingMessage): HandedOn | undefined {
  return allHandedOn.get(req)
}

const path = '/oauth/token'
/** The engine's answer to a client that names no origin. */
const engineHeaders = {
  Vary: 'Origin',
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers': 'WWW-Authenticate',
  'Cache-Control': 'no-store',
  'Content-Type': 'application/json; charset=utf-8',
}

export function createLeanRefresh(parts: LeanRefreshParts): LeanStep {
  const { refresh, profile, publicUrl, trustedProxies, metrics, log } = parts
  const isPublicHost = createPublicHost(publicUrl)
  const headers = Object.entries({ ...pageHeaderValues(publicUrl), ...engineHeaders }).flat()
  const modes: readonly Mode[] = profile.modes
  const writeLine = requestLines(log)
  const logAnswer = (requestId: RequestId, status: number, arrivedAt: number) => {
    const ms = Math.round((performance.now() - arrivedAt) * 10) / 10
    writeLine({ id: requestId, method: 'POST', path, status, ms }, new RequestLine())
  }

  const answer = async (req: IncomingMessage, res: ServerResponse, length: number): Promise<boolean> => {
    const arrivedAt = performance.now()
    const text = await peekText(req, length)
    if (text === null) {
      // Who sent half of it is gone: there is nobody to answer, as there would be nobody for the engine.
      metrics.oauthRefused.inc({ endpoint: 'token', error: 'invalid_request' })
      logAnswer(newRequestId(), 400, arrivedAt)
      return true
    }
    const form = readForm(text)
    if (!form) return false
    const requestId = newRequestId()
    const { clientId, refreshToken, scope, resource } = form
    const request: RefreshRequest = {
      clientId,
      refreshToken,
      scope,
      resource,
      proof: null,
      presentation: present(sha256(refreshToken)),
      elapsedMs: () => performance.now() - arrivedAt,
      origin: { address: clientAddress(req, trustedProxies), requestId, client: clientName(req) },
    }
    const handOn = (refusal: HandedOn['refusal']) => {
      keepArrival(req, { requestId, at: arrivedAt })
      allHandedOn.set(req, { request, refusal })
      return false
    }
    let body: string
    try {
      const token = await refresh.find(request)
      // The engine, which looks for the client first, has its own words for it.
      if (token.app.isStopped || !modes.includes(token.app.mode)) return handOn(null)
      body = await refresh.answer(request, token)
    } catch (thrown) {
      return handOn({ thrown })
    }
    metrics.tokensIssued.inc({ grant_type: 'refresh_token' })
    const own = [profile.headers.requestId, requestId, 'Content-Length', String(Buffer.byteLength(body))]
    res.writeHead(200, [...headers, ...own]).end(body)
    logAnswer(requestId, 200, arrivedAt)
    return true
  }

  return (req, res) => {
    if (req.url !== path || req.method !== 'POST') return false
    const length = ordinaryLength(req)
    if (length === null || !isPublicHost(req)) return false
    return answer(req, res, length)
  }
}

const longestForm = 8 * 1024

/**
 * The length of a small form; null where the request has anything about it that the engine may want to look at: another
 * way to say who the client is, a page's origin, a proof of possession, a body in another shape.
 */
function ordinaryLength({ headers }: IncomingMessage): number | null {
  if (!/^application\/x-www-form-urlencoded(; ?charset=utf-8)?$/i.test(headers['content-type'] ?? ''))
    return null
  if (unusualHeaders.some((name) => headers[name] !== undefined)) return null
  const length = Number(headers['content-length'])
  return length > 0 && length <= longestForm ? length : null
}

const unusualHeaders = [
  ...['authorization', 'dpop', 'origin', 'oauth-client-attestation', 'oauth-client-attestation-pop'],
  ...['transfer-encoding', 'content-encoding', 'expect'],
]

/** null where a field is missing, came twice, or is not of the usual characters. */
function readForm(
  text: string,
): Pick<RefreshRequest, 'clientId' | 'refreshToken' | 'scope' | 'resource'> | null {
  const {
    grant_type: grantType,
    client_id: clientId,
    refresh_token: refreshToken,
    scope,
    resource,
  } = parse(text)
  if (grantType !== 'refresh_token' || typeof clientId !== 'string' || typeof refreshToken !== 'string')
    return null
  // Clients that are named by an address go the long way.
  if (!/^app_[0-9a-z]+$/.test(clientId) || !/^[0-9A-Za-z_]+$/.test(refreshToken)) return null
  if (scope !== undefined && (typeof scope !== 'string' || !/^[\w:.-]+( [\w:.-]+)*$/.test(scope))) return null
  if (resource !== undefined && (typeof resource !== 'string' || resource === '')) return null
  return {
    clientId,
    refreshToken,
    scope,
    resource: resource === undefined ? [] : [normalizeResource(resource) ?? resource],
  }
}
