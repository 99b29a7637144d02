// A process that serves: the app, listening; and how that ends.
import type { Server } from 'node:http'
import { type AppParts, build } from './app.ts'
import type { Config } from './core/config.ts'
import { StartupError } from './lib/startup-error.ts'
import { graceMs } from './stop-signal.ts'
import type { StopSignal } from './workers/messages.ts'

/** What serves, here or in workers. */
export interface Serving {
  /** Resolves when all of it serves. @throws StartupError when it can't */
  readonly begun: Promise<void>
  /** Only ever rejects: it can't go on. */
  readonly given: Promise<never>
  /** Takes no new connection, lets begun requests end, then closes what is left. */
  finish(signal: StopSignal): Promise<void>
  /** Leaves nothing running. */
  close(): Promise<void>
}

/** @throws StartupError when the app can't be built, or the port can't be had */
export async function serveHere(parts: AppParts): Promise<Serving> {
  const app = build(parts)
  try {
    await listen(app.server, parts.config)
  } catch (cause) {
    await app.close()
    throw cause
  }
  return {
    begun: Promise.resolve(),
    given: new Promise(() => {}),
    finish: (signal) => finish(app.server, signal),
    close: async () => {
      if (app.server.listening) await closeNow(app.server)
      await app.close()
    },
  }
}

function listen(server: Server, config: Config): Promise<void> {
  // A client that sends its request drop by drop must not hold a connection for ever (SECURITY U11).
  server.requestTimeout = 30_000
  server.headersTimeout = 10_000
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(new StartupError(whyDeaf(cause, config), { cause })),
    )
    server.listen(config.port, config.host, resolve)
  })
}

function whyDeaf({ code, message }: NodeJS.ErrnoException, { host, port }: Config): string {
  if (code === 'EADDRINUSE') {
    return `Port ${port} on ${host} is in use. Stop what uses it, or choose another: PORT=${port + 1} npm start`
  }
  if (code === 'EACCES')
    return `Port ${port} may not be opened by this user. Choose one above 1023 with PORT.`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return `HOST is "${host}", which is no address of this machine. Use 127.0.0.1 or 0.0.0.0.`
  }
  return `The server can't listen on ${host}:${port}: ${message}`
}

/** Takes no new connection, lets begun requests end, then closes what is left. */
async function finish(server: Server, signal: StopSignal): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  // A connection whose request has been answered would otherwise wait for another one.
  const patience = setInterval(() => server.closeIdleConnections(), 20)
  const impatience = setTimeout(() => server.closeAllConnections(), graceMs[signal])
  await closed
  clearInterval(patience)
  clearTimeout(impatience)
}

function closeNow(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeAllConnections()
  return closed
}
