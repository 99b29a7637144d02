// The server process: starts in order, says where it is, and stops in order.
import type { Server } from 'node:http'
import { type App, build } from './app.ts'
import { impactLines, printBanner } from './banner.ts'
import { loadBase, openConfiguredDatabase } from './base.ts'
import { cookieKeysOf } from './cookie-keys.ts'
import type { Config, Environment } from './core/config.ts'
import { examplePath, firstCall, loadContract } from './core/contract.ts'
import { createLog, type Log } from './core/telemetry.ts'
import { underLock } from './db/lock.ts'
import { migrate } from './db/migrate.ts'
import { seedDemo } from './demo.ts'
import { StartupError } from './lib/startup-error.ts'
import { systemClock } from './lib/time.ts'
import { createMailer } from './mail/mailer.ts'
import { loadSigningKeys } from './oauth/signing-keys.ts'
import { atStart, type Impact, impactOf } from './profiles/impact.ts'

/** So long may requests in flight take once we were told to stop, in ms. */
const graceMs = { SIGINT: 1000, SIGTERM: 8000 } as const
type StopSignal = keyof typeof graceMs
/** And so long may closing take after that. */
const lastWordMs = 500
/** Signals of one kind that come closer together than this, in ms, are one keystroke. */
const sameKeystrokeMs = 300

/**
 * Starts the server and resolves when it has stopped, after SIGINT or SIGTERM.
 * @throws StartupError for a mistake in the surroundings; nothing is left running
 */
export async function serve(env: Environment): Promise<void> {
  const { config, profile, format } = loadBase(env)
  const contract = loadContract(profile, config.publicUrl)
  const log = createLog(config.logLevel)
  const cookieKeys = cookieKeysOf(config)
  const stop = stopSignal()
  const opened = await openConfiguredDatabase(config, 'owner')
  const { database, address } = opened
  let app: App | null = null
  let server: Server | null = null
  try {
    const applied = await migrate(address)
    const impacts = await impactOf(database.knex, profile, config.publicUrl, atStart)
    tellImpacts(impacts, config, log)
    const signingKeys = await underLock(database.knex, 'first start', (tx) => loadSigningKeys(tx, cookieKeys))
    app = build({
      config,
      profile,
      contract,
      format,
      database,
      log,
      clock: systemClock,
      cookieKeys,
      signingKeys: signingKeys.keys,
      mailer: createMailer(config, log, (text) => console.log(text)),
      isStopping: stop.isAsked,
    })
    if (stop.isAsked()) return
    server = await listen(app.server, config)
    if (config.environment === 'production') {
      log.info({ url: config.publicUrl, migrations: applied.length, profile: profile.name }, 'ready')
    } else {
      // Last, when nothing can refuse the start any more: the demo's secrets are shown at the start that
      // makes them, or never.
      const demo = await underLock(database.knex, 'first start', (tx) =>
        seedDemo(tx, profile, format, systemClock()),
      )
      printBanner({
        config,
        profile,
        database: opened.description,
        applied,
        signingKeys: signingKeys.created,
        demo,
        examplePath: firstCall(contract, profile)?.path ?? examplePath(contract, profile),
      })
    }
    await finish(server, await stop.asked)
    if (config.environment === 'production') log.info('stopped')
  } finally {
    if (server?.listening) await closeNow(server)
    await app?.close()
    await opened.close()
  }
}

/** What the profile would break is said before anything is served by it; the start goes on. */
function tellImpacts(impacts: readonly Impact[], { environment }: Config, log: Log): void {
  if (environment === 'production') {
    for (const { kind, value, holders, organizations, say } of impacts)
      log.warn({ kind, value, holders, organizations }, `the profile and the database: ${say}`)
    return
  }
  if (impacts.length > 0) console.log(impactLines(impacts).join('\n'))
}

function listen(server: Server, config: Config): Promise<Server> {
  // A client that sends its request drop by drop must not hold a connection for ever (SECURITY U11).
  server.requestTimeout = 30_000
  server.headersTimeout = 10_000
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(new StartupError(whyDeaf(cause, config), { cause })),
    )
    server.listen(config.port, config.host, () => resolve(server))
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

function stopSignal() {
  let first: { readonly signal: StopSignal; readonly at: number } | null = null
  return {
    isAsked: () => first !== null,
    asked: new Promise<StopSignal>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        process.on(signal, () => {
          // Asked again: whoever waits has had enough. The embedded database stops by itself. But a Ctrl-C in
          // the terminal of npm comes twice at once: from the terminal, and passed on by npm.
          if (first && (signal !== first.signal || Date.now() - first.at > sameKeystrokeMs)) process.exit(130)
          if (first) return
          first = { signal, at: Date.now() }
          resolve(signal)
          // Whatever still holds us then, a query that waits for a lock say, is left to the database.
          setTimeout(() => process.exit(130), graceMs[signal] + lastWordMs).unref()
        })
      }
    }),
  }
}
