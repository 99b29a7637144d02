// The internet as a test has it: one https server for all names that it answers to, and what is asked of it.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { createGuardedFetch, type GuardedFetch, type Surroundings } from '../../src/lib/guarded-fetch.ts'
import { selfSigned } from './certificate.ts'

export interface Outside {
  readonly port: number
  /** The address of a path on a host of it. */
  at(path: string, host?: string): string
  /** The paths that were asked for, the oldest first. */
  readonly asked: string[]
  /** How many connections there were. */
  readonly connections: () => number
  /** What it answers; by default 404. */
  answer: (req: IncomingMessage, res: ServerResponse) => void
  /** Asks it as the server does, but that it may, on its port; `change` makes other surroundings. */
  guardedFetch(change?: Partial<Surroundings>): GuardedFetch
}

export const outsideHost = 'client.example.com'

export async function startOutside(t: TestContext): Promise<Outside> {
  const { cert, key } = selfSigned([outsideHost, '*.example.com'])
  let connections = 0
  const asked: string[] = []
  const server = createServer({ cert, key }, (req, res) => {
    asked.push(req.url ?? '')
    outside.answer(req, res)
  })
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo // it listens on a port, not on a socket
  const outside: Outside = {
    port,
    at: (path, host = outsideHost) => `https://${host}:${port}${path}`,
    asked,
    connections: () => connections,
    answer: (_req, res) => {
      res.writeHead(404).end()
    },
    guardedFetch: (change = {}) =>
      createGuardedFetch({
        resolve: async () => ['127.0.0.1'],
        mayConnectTo: (address) => address === '127.0.0.1',
        ports: [port],
        ca: cert,
        ...change,
      }),
  }
  return outside
}

/** Answers with JSON. */
export function json(res: ServerResponse, body: unknown, headers: Readonly<Record<string, string>> = {}) {
  res.writeHead(200, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify(body))
}
