// Stands between a server and its PostgreSQL, and cuts the line: with a word, or without one. No promises of its own.
import { once } from 'node:events'
import { connect, createServer, type NetConnectOpts, type Socket } from 'node:net'
import type { Ending } from './database.ts'

export interface CuttableProxy {
  /** The database's address by way of the proxy. */
  readonly url: string
  /** Ends every connection; new ones are taken. */
  cut(): void
  /** From now on nothing passes, on any connection, and nobody is told; false ends that, and cuts what hung. */
  silence(isSilent: boolean): void
  /** From now on everything that the database says takes so many ms more. */
  delay(ms: number): void
}

export async function startCuttableProxy(t: Ending, databaseUrl: string): Promise<CuttableProxy> {
  const sockets = new Set<Socket>()
  let isSilent = false
  let delayMs = 0
  const proxy = createServer((near) => {
    const far = connect(placeOf(databaseUrl))
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from)
      from.on('data', (chunk) => {
        if (isSilent) return
        if (delayMs > 0 && from === far) setTimeout(() => to.write(chunk), delayMs)
        else to.write(chunk)
      })
      from.on('error', () => {})
      from.on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
    }
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  t.after(async () => {
    cut()
    proxy.close()
    await once(proxy, 'close')
  })
  const address = proxy.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String(address.port)
  url.searchParams.delete('host')
  return {
    url: url.href,
    cut,
    delay: (ms) => {
      delayMs = ms
    },
    silence: (wanted) => {
      isSilent = wanted
      // What was not passed on can't be made up for.
      if (!wanted) cut()
    },
  }
}

/** Where a database listens: a port, or a socket. */
export function placeOf(databaseUrl: string): NetConnectOpts {
  const url = new URL(databaseUrl)
  const folder = url.searchParams.get('host')
  const port = Number(url.port || 5432)
  return folder ? { path: `${folder}/.s.PGSQL.${port}` } : { host: url.hostname, port }
}
