// Headers as they were sent. `req.headers` merges and drops some of those that come twice, and costs more than all
// that is asked of it here.
import type { IncomingMessage } from 'node:http'

/** Every value of the header, in the order of their sending. @param name in lower case */
export function headerValues(req: IncomingMessage, name: string): string[] {
  const raw = req.rawHeaders
  const values: string[] = []
  for (let at = 0; at < raw.length; at += 2) {
    if (isNamed(raw[at], name)) values.push(raw[at + 1] ?? '')
  }
  return values
}

/** The first value; undefined for none. @param name in lower case */
export function headerValue(req: IncomingMessage, name: string): string | undefined {
  const raw = req.rawHeaders
  for (let at = 0; at < raw.length; at += 2) if (isNamed(raw[at], name)) return raw[at + 1]
  return undefined
}

/** How often the header was sent. @param name in lower case */
export function headerCount(req: IncomingMessage, name: string): number {
  const raw = req.rawHeaders
  let count = 0
  for (let at = 0; at < raw.length; at += 2) if (isNamed(raw[at], name)) count += 1
  return count
}

function isNamed(raw: string | undefined, name: string): boolean {
  return raw !== undefined && raw.length === name.length && (raw === name || raw.toLowerCase() === name)
}
