// Requests of this server to itself: through its own door, past whatever proxy stands before it, so that a page can
// show what really happens.
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface OwnRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  /** A form (application/x-www-form-urlencoded). */
  readonly form?: URLSearchParams
  /** In whose name: as proxies write it. */
  readonly address: string
}

export interface OwnAnswer {
  readonly status: number
  readonly statusText: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export type AskOurselves = (wanted: OwnRequest) => Promise<OwnAnswer>

export interface OwnRequestParts {
  readonly publicUrl: string
  readonly trustedProxies: number
  /** Where we listen, once we do. */
  readonly listening: () => AddressInfo | string | null
}

const patienceMs = 10_000

/** Rejects when there is no answer within ten seconds. */
export function createOwnRequests(parts: OwnRequestParts): AskOurselves {
  const { host, protocol } = new URL(parts.publicUrl)
  return ({ method, path, headers = {}, form, address }) =>
    new Promise((resolve, reject) => {
      const body = form?.toString() ?? ''
      const sent = request(
        {
          ...placeOf(parts.listening()),
          method,
          path,
          headers: {
            ...headers,
            host,
            'x-forwarded-proto': protocol.slice(0, -1),
            'x-forwarded-for': Array(Math.max(1, parts.trustedProxies)).fill(address).join(', '),
            ...(form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
            'content-length': Buffer.byteLength(body),
          },
          signal: AbortSignal.timeout(patienceMs),
        },
        (answer) => {
          const chunks: Buffer[] = []
          answer.on('data', (chunk: Buffer) => chunks.push(chunk))
          answer.on('error', reject)
          answer.on('end', () =>
            resolve({
              status: answer.statusCode ?? 0,
              statusText: answer.statusMessage ?? '',
              headers: Object.fromEntries(
                Object.entries(answer.headers).map(([name, value]) => [name, String(value)]),
              ),
              body: Buffer.concat(chunks).toString('utf8'),
            }),
          )
        },
      )
      sent.on('error', reject)
      sent.end(body)
    })
}

/** An address that stands for all of a machine's is asked for at its loopback. */
function placeOf(listening: AddressInfo | string | null) {
  if (listening === null) throw new Error('asked before listening')
  if (typeof listening === 'string') return { socketPath: listening }
  const anywhere: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' }
  return { host: anywhere[listening.address] ?? listening.address, port: listening.port }
}
