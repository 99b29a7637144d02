// What a resource server is made with, checked once.
import type { ServerRequest } from './request.ts'

export interface ResourceServerOptions {
  /** Where Latchkey answers: "https://app.example.com". Plain http is for this machine, or a network of your own. */
  readonly url: string
  /** Of `npx latchkey resource-server create`. */
  readonly clientId: string
  readonly clientSecret: string
  /** The resource that credentials must be for; whatever the server was told it is, unless said. */
  readonly audience?: string | undefined
  /**
   * The origin under which your callers reach you, which proofs of possession (RFC 9449) are signed for:
   * "https://reports.example.com". That of the audience, unless said.
   */
  readonly publicUrl?: string | undefined
  /** In which header credentials come; as the server's profile says, unless said here. */
  readonly header?: string | undefined
  /** Where your RFC 9728 metadata are, for challenges. */
  readonly resourceMetadata?: string | undefined
  /** What challenges call your API where there are no metadata. */
  readonly realm?: string | undefined
  /** No credential is let in later than so many ms after it was revoked. 2,000 unless said; 1,000 at least. */
  readonly boundMs?: number | undefined
  /** So many credentials are known at once. 100,000 unless said. */
  readonly cacheSize?: number | undefined
  /** So many ms a question may take. Half of `boundMs` unless said, and never more than it. */
  readonly timeoutMs?: number | undefined
  /**
   * What becomes of requests while the server can't be asked and the bound is over: `refuse` (unless said) answers 503;
   * `allow-known-reads` lets GET, HEAD and OPTIONS in with a credential that was good when it was last asked about. It
   * may have been revoked since.
   */
  readonly whenAway?: 'refuse' | 'allow-known-reads' | undefined
  /** So many ms after the server was last heard `allow-known-reads` ends. Needed with it. */
  readonly allowKnownReadsForMs?: number | undefined
  /** Where a request came from, for keys that are bound to networks; its connection's other end, unless said. */
  readonly clientAddress?: ((request: ServerRequest) => string | null | undefined) | undefined
  /** Hears why the server could not be asked or the stream ended; a warning of the process, unless said. */
  readonly onError?: ((error: Error) => void) | undefined
}

export interface Settings {
  /** Without a slash at its end. */
  readonly url: string
  readonly clientId: string
  readonly clientSecret: string
  readonly audience: string | null
  readonly publicOrigin: string | null
  /** In lower case. */
  readonly header: string | null
  readonly resourceMetadata: string | null
  readonly realm: string
  readonly boundMs: number
  readonly cacheSize: number
  readonly timeoutMs: number
  /** 0 for none. */
  readonly allowKnownReadsForMs: number
  readonly clientAddress: ResourceServerOptions['clientAddress']
  readonly onError: (error: Error) => void
}

const longestMs = 2 ** 31 - 1

/** @throws TypeError for options that can't work; the message names the option, and never the secret */
export function readOptions(options: ResourceServerOptions): Settings {
  const boundMs = readCount('boundMs', options.boundMs ?? 2000, 1000)
  const timeoutMs = readCount('timeoutMs', options.timeoutMs ?? Math.floor(boundMs / 2), 50)
  if (timeoutMs > boundMs) throw new TypeError('timeoutMs must not be more than boundMs.')
  const audience = options.audience === undefined ? null : normalizeResource(options.audience)
  return {
    url: readUrl('url', options.url).replace(/\/+$/, ''),
    clientId: readText('clientId', options.clientId),
    clientSecret: readText('clientSecret', options.clientSecret),
    audience,
    publicOrigin: originOf(options.publicUrl ?? audience),
    header: options.header === undefined ? null : readHeader(options.header),
    resourceMetadata:
      options.resourceMetadata === undefined ? null : readUrl('resourceMetadata', options.resourceMetadata),
    realm: (options.realm ?? 'API').replaceAll(/[^\x20-\x7e]|["\\]/g, ''),
    boundMs,
    cacheSize: readCount('cacheSize', options.cacheSize ?? 100_000, 1),
    timeoutMs,
    allowKnownReadsForMs: readAway(options),
    clientAddress: options.clientAddress,
    onError: guarded(options.onError ?? warn),
  }
}

/** Written one way, as the server does: scheme and host in small letters, and no slash alone. */
export function normalizeResource(resource: string): string {
  const url = readUrl('audience', resource)
  return new URL(url).pathname === '/' ? url.replace(/\/$/, '') : url
}

function readAway({ whenAway = 'refuse', allowKnownReadsForMs }: ResourceServerOptions): number {
  if (whenAway === 'allow-known-reads') {
    if (allowKnownReadsForMs === undefined)
      throw new TypeError("whenAway 'allow-known-reads' needs allowKnownReadsForMs: for how long, in ms.")
    return readCount('allowKnownReadsForMs', allowKnownReadsForMs, 1)
  }
  if (whenAway !== 'refuse') throw new TypeError("whenAway must be 'refuse' or 'allow-known-reads'.")
  if (allowKnownReadsForMs !== undefined)
    throw new TypeError("allowKnownReadsForMs is for whenAway 'allow-known-reads'.")
  return 0
}

function readUrl(name: string, value: unknown): string {
  const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : null
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password || url.hash)
    throw new TypeError(`${name} must be an address such as "https://api.example.com".`)
  return url.href
}

function originOf(address: string | null): string | null {
  return address === null ? null : new URL(readUrl('publicUrl', address)).origin
}

function readText(name: string, value: unknown): string {
  const text = typeof value === 'string' ? value.trim() : ''
  if (text === '') throw new TypeError(`${name} is missing: it must be a text that is not empty.`)
  return text
}

function readHeader(name: string): string {
  if (/^[A-Za-z][A-Za-z0-9-]*$/.test(name)) return name.toLowerCase()
  throw new TypeError('header must be the name of a header.')
}

function readCount(name: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least && value <= longestMs) return value
  throw new TypeError(`${name} must be a whole number from ${least} to ${longestMs}.`)
}

/** One that throws would end the process, or a verdict: it is called where nobody waits. */
function guarded(onError: (error: Error) => void): (error: Error) => void {
  return (error) => {
    try {
      onError(error)
    } catch {
      warn(error)
    }
  }
}

const warned = new Map<string, number>()
const warnEveryMs = 60_000

/** A server that is away would otherwise say so with each request. */
function warn({ message }: Error): void {
  const at = performance.now()
  if (at - (warned.get(message) ?? -Infinity) < warnEveryMs) return
  if (warned.size > 100) warned.clear()
  warned.set(message, at)
  process.emitWarning(message, 'LatchkeyWarning')
}
