// Where a request came from: the connection's peer, or what our own proxies say of it.
import type { IncomingMessage } from 'node:http'
import type { Context } from 'koa'
import type { Origin } from '../core/attribution.ts'
import { plainAddress } from '../lib/network.ts'
import { requestId } from './request-id.ts'

/** Of what a program calls itself so many characters are kept. */
export const longestClientName = 200

/**
 * The caller's network address. With n trusted proxies it is the n-th of X-Forwarded-For from the right:
 * what stands further left was written by whoever sent the request.
 */
export function clientAddress(req: IncomingMessage, trustedProxies: number): string {
  const peer = plainAddress(req.socket.remoteAddress ?? '')
  if (trustedProxies === 0) return peer
  const chain = String(req.headers['x-forwarded-for'] ?? '')
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  return plainAddress(chain.at(-trustedProxies) ?? peer)
}

/** How the caller's program calls itself (User-Agent), as far as it is kept and shown; null when it does not. */
export function clientName(req: IncomingMessage): string | null {
  return shownClient(req.headers['user-agent'])
}

/** The same of a User-Agent that was read before. */
export function shownClient(userAgent: string | undefined): string | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const text = (userAgent ?? '').replace(/[\u0000-\u001f\u007f]/g, '').trim()
  return text === '' ? null : text.slice(0, longestClientName)
}

/** What the ledger is told of where a request came from. */
export function originOf(ctx: Context, trustedProxies: number): Origin {
  return { address: clientAddress(ctx.req, trustedProxies), requestId: requestId(ctx) }
}

/** The same with the browser, for a session that begins. */
export function sessionOrigin(
  ctx: Context,
  trustedProxies: number,
): Origin & { readonly client: string | null } {
  return { ...originOf(ctx, trustedProxies), client: clientName(ctx.req) }
}
