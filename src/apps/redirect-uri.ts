// Which redirect URIs an app may register (SECURITY A10 to A12; RFC 8252; OAuth 2.1 section 2.3).
import { isLoopback } from '../core/config.ts'

const loopbacks: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost'])
const longest = 2000

/** Why a redirect URI can't be registered, as a sentence; null when it can. */
export function redirectUriMistake(text: string): string | null {
  if (!URL.canParse(text)) return 'It must be an absolute URI.'
  const uri = new URL(text)
  if (text.includes('#')) return 'It must have no fragment (#).'
  if (text.includes('*')) return 'It must have no wildcard: it is compared exactly.'
  if (/^[^/]*\/\/[^/?]*@/.test(text)) return 'It must have no user or password.'
  if (/\s/.test(text) || text.length > longest)
    return `It must be one address of at most ${longest} characters.`
  if (uri.protocol === 'https:') {
    return isLoopback(uri.hostname)
      ? 'On this computer use plain http: nobody has a certificate for it.'
      : null
  }
  if (uri.protocol === 'http:') {
    return loopbacks.has(uri.hostname)
      ? null
      : 'Plain http is for this computer only: 127.0.0.1, [::1] or localhost. Use https.'
  }
  // RFC 8252 section 7.1: a scheme of one's own is a domain name in reverse, which nobody else may take.
  return /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(uri.protocol)
    ? null
    : 'A scheme of your own must be a domain name in reverse, such as com.example.app:/callback.'
}
