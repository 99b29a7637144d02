// An app's own little server on loopback: waits for the browser to bring the answer.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { TestContext } from 'node:test'

export interface CallbackServer {
  readonly redirectUri: string
  /** The address at which the next answer came. */
  next(): Promise<URL>
}

/** `onward`: the callback sends the browser on to yet another origin, as many apps do. */
export async function startCallbackServer(
  t: TestContext,
  { onward }: { onward?: string } = {},
): Promise<CallbackServer> {
  const arrived: URL[] = []
  const waiting: ((url: URL) => void)[] = []
  const server = createServer((req, res) => {
    const url = new URL(req.url ?? '/', `http://${req.headers.host}`)
    if (url.pathname !== '/callback') {
      // A whole browser asks for an icon by itself, and would say that there is none.
      res.writeHead(url.pathname === '/favicon.ico' ? 204 : 404).end()
      return
    }
    const hear = waiting.shift()
    if (hear) hear(url)
    else arrived.push(url)
    if (onward) res.writeHead(302, { Location: onward }).end()
    else
      res
        .writeHead(200, { 'Content-Type': 'text/html' })
        .end('<!doctype html><title>App</title><h1>Back in the app</h1>')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    redirectUri: `http://127.0.0.1:${address.port}/callback`,
    next: () => {
      const url = arrived.shift()
      return url ? Promise.resolve(url) : new Promise((resolve) => waiting.push(resolve))
    },
  }
}
