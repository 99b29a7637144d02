// Who asks: a resource server with its client_id and client_secret, in one of the two ways of RFC 6749 section 2.3.1.
import type { IncomingMessage } from 'node:http'
import { headerValues } from '../web/header-values.ts'

export type Presented =
  | { readonly kind: 'credentials'; readonly id: string; readonly secret: string }
  /** Nothing that could be a resource server's: no secret, another scheme, a header that can't be read. */
  | { readonly kind: 'none' }
  /** Two ways at once (RFC 6749 section 2.3). */
  | { readonly kind: 'both' }

/** By header (client_secret_basic) or in the form (client_secret_post), where one was sent. */
export function readPresented(req: IncomingMessage, form: URLSearchParams | null): Presented {
  const headers = headerValues(req, 'authorization')
  const inForm = form?.has('client_secret') ?? false
  if (headers.length > 1 || (headers.length === 1 && inForm)) return { kind: 'both' }
  const [header] = headers
  if (header === undefined) {
    const [id, secret] = [form?.get('client_id'), form?.get('client_secret')]
    return id && secret ? { kind: 'credentials', id, secret } : { kind: 'none' }
  }
  const basic = readBasic(header)
  if (!basic) return { kind: 'none' }
  const inBody = form?.get('client_id') ?? null
  return inBody !== null && inBody !== basic.id ? { kind: 'both' } : { kind: 'credentials', ...basic }
}

/** Both halves are form-encoded before they are joined (RFC 6749 section 2.3.1). */
function readBasic(header: string): { readonly id: string; readonly secret: string } | null {
  const encoded = /^basic +([A-Za-z0-9+/]+=*)$/i.exec(header)?.[1]
  if (encoded === undefined) return null
  const text = Buffer.from(encoded, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 0) return null
  const [id, secret] = [formDecode(text.slice(0, colon)), formDecode(text.slice(colon + 1))]
  return id && secret ? { id, secret } : null
}

function formDecode(text: string): string | null {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return null // a malformed escape
  }
}
