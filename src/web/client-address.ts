// Where a request came from: the connection's peer, or what our own proxies say of it.
import type { IncomingMessage } from 'node:http'

/**
 * The caller's network address. With n trusted proxies it is the n-th of X-Forwarded-For from the right:
 * what stands further left was written by whoever sent the request.
 */
export function clientAddress(req: IncomingMessage, trustedProxies: number): string {
  const peer = req.socket.remoteAddress ?? ''
  if (trustedProxies === 0) return peer
  const chain = String(req.headers['x-forwarded-for'] ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  return chain.at(-trustedProxies) ?? peer
}
