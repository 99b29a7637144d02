// The requests of several frameworks, as far as a credential is concerned. The types name what is needed of them alone,
// so that nobody has to have the types of a framework, or of Node.js.

/** `IncomingMessage`, and what frameworks make of it. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  /** Where a framework has changed `url`. */
  readonly originalUrl?: string | undefined
  readonly rawHeaders: readonly string[]
  readonly socket: { readonly remoteAddress?: string | undefined }
}

/** `Request` of the Fetch standard. */
export interface FetchRequest {
  readonly method: string
  readonly url: string
  readonly headers: { get(name: string): string | null }
}

/** Anything else: a function's event, a message. */
export interface PlainRequest {
  readonly method: string
  /** A path with its query, or a whole address. */
  readonly url: string
  /** Names in whichever case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Where it came from. */
  readonly address?: string | undefined
}

export type ServerRequest = NodeRequest | FetchRequest | PlainRequest

// Not all that is handed over is what the types say: an event without headers has no credential, and is no fault.
const isNode = (request: ServerRequest): request is NodeRequest =>
  'rawHeaders' in request && Array.isArray(request.rawHeaders)
const isFetch = (request: FetchRequest | PlainRequest): request is FetchRequest =>
  typeof request.headers?.get === 'function'

/** All values of a header. @param name in lower case */
export function valuesOf(request: ServerRequest, name: string): readonly string[] {
  if (isNode(request)) return rawValues(request.rawHeaders, name)
  if (isFetch(request)) {
    const value = request.headers.get(name)
    // Several are joined by a comma and a space there, which no credential has in it.
    return typeof value === 'string' ? value.split(', ') : []
  }
  return Object.entries(request.headers ?? {})
    .flatMap(([key, value]) => (key.toLowerCase() === name ? value : []))
    .filter((value) => typeof value === 'string')
}

// Not from `headers`: Node.js keeps the first of several credentials there, and says nothing of the others.
function rawValues(raw: readonly string[], name: string): readonly string[] {
  let values: string[] | null = null
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const key = raw[at] ?? ''
    if (key.length !== name.length || key.toLowerCase() !== name) continue
    values ??= []
    values.push(raw[at + 1] ?? '')
  }
  return values ?? none
}
const none: readonly string[] = []

export const methodOf = (request: ServerRequest): string => (request.method ?? 'GET').toUpperCase()

/** The path and the query as they were asked for. */
export function targetOf(request: ServerRequest): { readonly path: string; readonly query: string } {
  const url = (isNode(request) ? (request.originalUrl ?? request.url) : request.url) ?? '/'
  const target = url.startsWith('/') ? url : url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '')
  const [beforeHash = ''] = target.split('#', 1)
  const question = beforeHash.indexOf('?')
  return question < 0
    ? { path: beforeHash || '/', query: '' }
    : { path: beforeHash.slice(0, question) || '/', query: beforeHash.slice(question + 1) }
}

/** The address of who is at the other end; null where the request does not say. */
export function peerOf(request: ServerRequest): string | null {
  if (isNode(request)) return request.socket?.remoteAddress ?? null
  return isFetch(request) ? null : (request.address ?? null)
}
