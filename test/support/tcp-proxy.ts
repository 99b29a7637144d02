// Stands between a resource server and Latchkey, and breaks what goes by. No promises of its own.
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** `stream`: the connections of the stream of changes alone. */
export type Which = 'all' | 'stream'

export interface TcpProxy {
  readonly url: string
  /** Ends the connections, and each new one as soon as it is known which it is. */
  cut(which: Which): void
  /** Keeps them open, and what comes from now on to itself. */
  hold(which: Which): void
  /** Lets go on what was held, and all that is new. */
  mend(): void
}

interface Pair {
  readonly near: Socket
  readonly far: Socket
  isStream: boolean
}

export async function startTcpProxy(t: TestContext, target: string): Promise<TcpProxy> {
  const { hostname, port } = new URL(target)
  const pairs = new Set<Pair>()
  let fault: { readonly kind: 'cut' | 'hold'; readonly which: Which } | null = null

  const suffer = (pair: Pair) => {
    if (!fault || (fault.which === 'stream' && !pair.isStream)) return
    if (fault.kind === 'cut') pair.near.destroy()
    else for (const socket of [pair.near, pair.far]) socket.pause()
  }
  const server = createServer((near) => {
    const far = connect(Number(port), hostname)
    const pair: Pair = { near, far, isStream: false }
    pairs.add(pair)
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.setNoDelay(true)
      from.on('data', (chunk: Buffer) => {
        if (from === near && chunk.toString('latin1', 0, 30).startsWith('GET /verify/changes'))
          pair.isStream = true
        to.write(chunk)
        suffer(pair)
      })
      from.on('error', () => {})
      from.on('close', () => {
        to.destroy()
        pairs.delete(pair)
      })
    }
    if (fault?.which === 'all') suffer(pair)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const { near, far } of pairs) for (const socket of [near, far]) socket.destroy()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const begin = (kind: 'cut' | 'hold') => (which: Which) => {
    fault = { kind, which }
    for (const pair of pairs) suffer(pair)
  }
  return {
    url: `http://127.0.0.1:${address.port}`,
    cut: begin('cut'),
    hold: begin('hold'),
    mend: () => {
      fault = null
      for (const { near, far } of pairs) for (const socket of [near, far]) socket.resume()
    },
  }
}
