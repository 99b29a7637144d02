// How a resource is named (RFC 8707): one text for each, so that names can be compared letter by letter.
import { isLoopback } from '../core/config.ts'

/**
 * The one way in which we write a resource's name: scheme and host in small letters, no default port, no slash
 * for an empty path. A slash at the end of any other path counts. null for what names no resource: a relative
 * address, one with a fragment or a user's name (RFC 8707 section 2), another scheme than http and https.
 */
export function normalizeResource(text: string): string | null {
  if (!/^https?:\/\/[^/]/i.test(text) || text.includes('#') || !URL.canParse(text)) return null
  const { origin, protocol, username, password, pathname, search, href } = new URL(text)
  if (username !== '' || password !== '') return null
  if (protocol !== 'https:' && protocol !== 'http:') return null
  return pathname === '/' && search === '' ? origin : href
}

/** May tokens be made for it? They are sent there: https, or this machine. @param resource normalized */
export function isSafeResource(resource: string): boolean {
  const { protocol, hostname } = new URL(resource)
  return protocol === 'https:' || isLoopback(hostname)
}
