// The internet in which a published domain is the server under test: its names, and https, are the work of others.
import { request } from 'node:http'
import { mock } from 'node:test'
import type { House } from './house.ts'

/** Has fetch reach the house under every name of the domain, and leaves the rest of the internet as it is. */
export function publish(domain: string, house: Pick<House, 'url'>): void {
  const usual = globalThis.fetch
  const toHouse: typeof fetch = (input, init) => {
    const asked = new Request(input, init)
    const { hostname } = new URL(asked.url)
    return hostname.endsWith(`.${domain}`) ? send(house, asked) : usual(input, init)
  }
  mock.method(globalThis, 'fetch', toHouse)
}

async function send(house: Pick<House, 'url'>, asked: Request): Promise<Response> {
  const { host, pathname, search } = new URL(asked.url)
  const headers = { ...Object.fromEntries(asked.headers), host }
  const body = Buffer.from(await asked.arrayBuffer())
  return ask(house, { method: asked.method, target: pathname + search, headers, body })
}

export interface RawRequest {
  readonly method?: string
  /** As it stands in the request line. */
  readonly target: string
  /** With the Host that is wanted. */
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Buffer | string
}

/** A request with a Host that fetch would not send. */
export function ask(
  { url }: Pick<House, 'url'>,
  { method = 'GET', target, headers, body = '' }: RawRequest,
): Promise<Response> {
  const length = Buffer.byteLength(body)
  const options = {
    host: '127.0.0.1',
    port: new URL(url).port,
    method,
    path: target,
    headers: { ...headers, ...(length > 0 ? { 'content-length': String(length) } : {}) },
  }
  return new Promise((resolve, reject) => {
    request(options, (answer) => {
      const parts: Buffer[] = []
      answer.on('data', (part: Buffer) => parts.push(part))
      answer.on('end', () => {
        const answered = new Headers()
        for (let at = 0; at < answer.rawHeaders.length; at += 2)
          answered.append(answer.rawHeaders[at] ?? '', answer.rawHeaders[at + 1] ?? '')
        const status = answer.statusCode ?? 0
        resolve(
          new Response([204, 304].includes(status) ? null : Buffer.concat(parts), {
            status,
            headers: answered,
          }),
        )
      })
    })
      .on('error', reject)
      .end(body)
  })
}
