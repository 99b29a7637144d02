// The server process: starts in order, says where it is, and stops in order. With several workers it is their primary,
// or one of them.
import { impactLines, printBanner } from './banner.ts'
import { type Base, loadBase, openConfiguredDatabase } from './base.ts'
import { cookieKeysOf } from './cookie-keys.ts'
import type { Config, Environment } from './core/config.ts'
import { type Contract, examplePath, firstCall, loadContract } from './core/contract.ts'
import { createLog, type Log } from './core/telemetry.ts'
import type { Database } from './db/connect.ts'
import { underLock } from './db/lock.ts'
import { migrate } from './db/migrate.ts'
import { seedDemo } from './demo.ts'
import type { Secret } from './lib/secret.ts'
import { StartupError } from './lib/startup-error.ts'
import { systemClock } from './lib/time.ts'
import { createMailer } from './mail/mailer.ts'
import type { JWKS } from './oauth/engine.ts'
import { loadSigningKeys } from './oauth/signing-keys.ts'
import { atStart, type Impact, impactOf } from './profiles/impact.ts'
import { type Serving, serveHere } from './serving.ts'
import { graceMs, lastWordMs, type Stop, stopOfProcess, stopOfWorker } from './stop-signal.ts'
import { startWorkers } from './workers/primary.ts'
import { alone, joinSiblings, type Siblings } from './workers/siblings.ts'
import { channel, leave, refuse, workerPlace } from './workers/worker.ts'

/** What is known before anything is opened. */
interface Start extends Base {
  readonly contract: Contract
  readonly log: Log
  readonly cookieKeys: readonly Secret[]
}

/** A worker ends by itself, as this process would; one that does not is killed so much later, in ms. */
const killAfterMs = 100

/**
 * Starts the server and resolves when it has stopped, after SIGINT or SIGTERM.
 * @throws StartupError for a mistake in the surroundings; nothing is left running
 */
export async function serve(env: Environment): Promise<void> {
  const place = workerPlace(env)
  await (place === null ? serveAsOwner(readStart(env)) : serveAsWorker(env, place))
}

function readStart(env: Environment): Start {
  const base = loadBase(env)
  const { config, profile } = base
  const contract = loadContract(profile, config.publicUrl)
  return { ...base, contract, log: createLog(config.logLevel), cookieKeys: cookieKeysOf(config) }
}

/** Owns the database, and what is done once; serves itself, or has workers for it. */
async function serveAsOwner(start: Start): Promise<void> {
  const { config, profile, contract, format, log } = start
  const stop = stopOfProcess(config.workers > 1 ? 2 * lastWordMs : lastWordMs)
  const opened = await openConfiguredDatabase(config, 'owner')
  const { database } = opened
  let serving: Serving | null = null
  try {
    const applied = await migrate(opened.address)
    const impacts = await impactOf(database.knex, profile, config.publicUrl, atStart)
    tellImpacts(impacts, config, log)
    const signingKeys = await readSigningKeys(database, start)
    if (stop.isAsked()) return
    serving =
      config.workers > 1
        ? serveByWorkers(config, log)
        : await serveHere(partsOf(start, database, signingKeys.keys, stop, alone))
    await Promise.race([serving.begun, stop.asked])
    if (config.environment === 'production') {
      log.info({ url: config.publicUrl, migrations: applied.length, profile: profile.name }, 'ready')
    } else if (!stop.isAsked()) {
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
    await serving.finish(await Promise.race([stop.asked, serving.given]))
    if (config.environment === 'production') log.info('stopped')
  } finally {
    await serving?.close()
    await opened.close()
  }
}

function serveByWorkers({ workers: count }: Config, log: Log): Serving {
  const workers = startWorkers(count, log)
  const finish: Serving['finish'] = (signal) =>
    workers.stop(signal, graceMs[signal] + lastWordMs + killAfterMs)
  return { begun: workers.serving, given: workers.given, finish, close: () => finish('SIGINT') }
}

/** Serves on what its primary has opened, which says to people what there is to say. */
async function serveAsWorker(env: Environment, place: number): Promise<void> {
  const stop = stopOfWorker()
  const siblings = joinSiblings(channel, place)
  try {
    const start = readStart(env)
    const opened = await openConfiguredDatabase(start.config, 'borrower')
    let serving: Serving | null = null
    try {
      const { keys } = await readSigningKeys(opened.database, start)
      serving = await serveHere(partsOf(start, opened.database, keys, stop, siblings))
      await serving.finish(await stop.asked)
    } finally {
      await serving?.close()
      await opened.close()
    }
  } catch (thrown) {
    if (!(thrown instanceof StartupError)) throw thrown
    await refuse(thrown.message)
    process.exitCode = 1
  } finally {
    leave()
  }
}

const readSigningKeys = ({ knex }: Database, { cookieKeys }: Start) =>
  underLock(knex, 'first start', (tx) => loadSigningKeys(tx, cookieKeys))

function partsOf(start: Start, database: Database, signingKeys: JWKS, stop: Stop, siblings: Siblings) {
  const { config, log } = start
  return {
    ...start,
    database,
    signingKeys,
    siblings,
    clock: systemClock,
    mailer: createMailer(config, log, (text) => console.log(text)),
    isStopping: stop.isAsked,
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
