// Whether everybody reads a path alike. A proxy, we and the server behind it each read it by rules of their own; what
// one of them could take for another path is refused, since it would be checked as one operation and run as another.
import { unclear } from './forwarded-request.ts'

/** Segments that are not empty and not of dots alone, of what RFC 3986 lets stand in them, but for ";". */
const certain = /^(?:\/(?!\.+(?:\/|$))(?:[\w\-~!$&'()*+,=:@.]|%[0-9a-f]{2})+)*\/?$/i
/** "/", "\" and ";" in an escape: some decode a path before they take it apart. */
const hiddenSeparator = /%(?:2f|5c|3b)/i
const escaped = /%[0-9a-f]{2}/i
const dots = /\/\.+(?:\/|$)/

/**
 * The path with its escapes read, as the server behind the proxy may read it.
 * @throws Problem unclear_request for dot segments, empty segments, separators in escapes, escapes of escapes, path
 *   parameters (";"), control characters, and whatever no path may have
 */
export function readCertainPath(path: string): string {
  if (!certain.test(path)) throw unclear(whatIsWrong)
  if (!path.includes('%')) return path
  const decoded = hiddenSeparator.test(path) ? null : decode(path)
  if (decoded === null || escaped.test(decoded) || dots.test(decoded) || /\p{Cc}/u.test(decoded))
    throw unclear(whatIsWrong)
  return decoded
}

const whatIsWrong =
  'The path can be read in more than one way. Send it without dot segments, doubled slashes, ";", and escapes of these.'

function decode(path: string): string | null {
  try {
    return decodeURIComponent(path)
  } catch {
    return null // escapes that are no UTF-8
  }
}
