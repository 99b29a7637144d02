// Where a person is sent back to, as they are told of it. Pure.
import { isLoopback } from '../../core/config.ts'

export type RedirectTarget =
  /** A host that only whoever has its certificate can answer for: whole, in ASCII, with its port. */
  | { readonly kind: 'web'; readonly place: string }
  /** Whatever program listens on this computer (RFC 8252 section 7.3). */
  | { readonly kind: 'computer'; readonly place: string }
  /** Whatever app has claimed the scheme on this device (RFC 8252 section 7.1). */
  | { readonly kind: 'device'; readonly place: string }

/** Never shortened: a name can be copied by anyone, a host can't. */
export function redirectTarget(redirectUri: string): RedirectTarget {
  const { protocol, host, hostname } = new URL(redirectUri)
  if (protocol !== 'https:' && protocol !== 'http:') return { kind: 'device', place: protocol }
  return { kind: isLoopback(hostname) ? 'computer' : 'web', place: host }
}

/** May an answer still go there? An app's redirect URIs can change while a person reads. */
export function isRegistered(redirectUri: string, registered: readonly string[]): boolean {
  return registered.some((uri) => uri === redirectUri || withoutPort(uri) === withoutPort(redirectUri))
}

/** On loopback any port will do (RFC 8252 section 7.3); elsewhere the URI as it is. */
function withoutPort(text: string): string {
  if (!URL.canParse(text)) return text
  const uri = new URL(text)
  if (uri.protocol !== 'http:' || !isLoopback(uri.hostname)) return text
  uri.port = ''
  return uri.href
}
