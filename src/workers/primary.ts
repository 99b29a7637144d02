// The primary of several workers: starts them, keeps their number, passes on what they ask each other, and stops
// them. It answers no request itself; node:cluster deals each new connection to one of them in turn.
import cluster, { type Worker } from 'node:cluster'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../core/telemetry.ts'
import { StartupError } from '../lib/startup-error.ts'
import { isOurs, type StopSignal } from './messages.ts'
import { createRounds, type Member, type Rounds } from './rounds.ts'
import { workerVariable } from './worker.ts'

export interface Workers {
  /** Resolves when each of them serves. @throws StartupError when one can't, for what it says itself */
  readonly serving: Promise<void>
  /** Only ever rejects: one of them ended at its start again and again. */
  readonly given: Promise<never>
  /** Asks all to finish; resolves when they are gone. Who has not ended by then is killed. */
  stop(signal: StopSignal, withinMs: number): Promise<void>
}

/** Who has served for so long has started well, in ms. */
const steadyMs = 10_000
const firstPauseMs = 100
const longestPauseMs = 10_000
/** So many bad starts in a row of one worker, some 13 s of pauses: nothing here will mend it. */
const mostBadStarts = 8

/** Before a worker that has begun badly so many times in a row is started again, in ms; none before the first. */
export function pauseBefore(badStarts: number): number {
  return badStarts === 0 ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** (badStarts - 1))
}

/** Starts so many, which run this very program again. */
export function startWorkers(count: number, log: Log, pause = pauseBefore): Workers {
  const rounds = createRounds()
  const living = new Set<Worker>()
  const stop = new AbortController()
  let haveAllServed = false
  // However this process ends: one that is stopped (SIGSTOP) would not notice.
  process.once('exit', () => {
    for (const worker of living) worker.process.kill('SIGKILL')
  })

  /** Runs one worker to its end. @throws StartupError when there is no point in another */
  const run = async (place: number, served: () => void): Promise<End> => {
    const worker = cluster.fork({ [workerVariable]: String(place) })
    living.add(worker)
    let why: string | null = null
    let servedAt: number | null = null
    worker.once('listening', () => {
      servedAt = performance.now()
      served()
    })
    hear(worker, rounds, (refusal) => {
      why = refusal
    })
    const { exitCode, signal } = await endOf(worker)
    living.delete(worker)
    if (stop.signal.aborted) return { kind: 'stopped' }
    // Nobody is served yet: what one can't do none can, and whoever has started us is there to read it.
    if (why !== null && !haveAllServed) throw new StartupError(why)
    log.error({ worker: place, pid: worker.process.pid, exitCode, signal, why }, 'a worker has ended')
    const isSteady = servedAt !== null && performance.now() - servedAt >= steadyMs
    return isSteady
      ? { kind: 'steady' }
      : { kind: 'bad start', how: why ?? signal ?? `exit code ${exitCode}` }
  }

  /** Keeps one place filled. @throws StartupError when that is of no use */
  const keep = async (place: number, served: () => void): Promise<void> => {
    for (let badStarts = 0; !stop.signal.aborted; ) {
      const end = await run(place, served)
      badStarts = end.kind === 'bad start' ? badStarts + 1 : 0
      if (end.kind === 'bad start' && badStarts >= mostBadStarts) {
        throw new StartupError(`A worker ended at its start ${badStarts} times in a row: ${end.how}`)
      }
      await sleep(pause(badStarts), null, { signal: stop.signal }).catch(() => {})
    }
  }

  const places = Array.from({ length: count }, (_, index) => {
    let served = () => {}
    const hasServed = new Promise<void>((resolve) => {
      served = resolve
    })
    return { hasServed, kept: keep(index + 1, served) }
  })
  // What keeping a place resolves to says nothing: it ends when all are stopped.
  const given = Promise.all(places.map(({ kept }) => kept)).then(() => new Promise<never>(() => {}))
  given.catch(() => {}) // whoever started us looks at it when there is time for it
  const serving = Promise.race([Promise.all(places.map(({ hasServed }) => hasServed)), given]).then(() => {
    haveAllServed = true
  })
  serving.catch(() => {})

  return {
    serving,
    given,
    stop: async (signal, withinMs) => {
      stop.abort()
      const ends = [...living].map(async (worker) => {
        worker.send({ latchkey: 'stop', signal }, () => {}) // who can't be told has ended, or is killed below
        const late = setTimeout(() => worker.process.kill('SIGKILL'), withinMs)
        if (!worker.isDead()) await endOf(worker)
        clearTimeout(late)
      })
      await Promise.all(ends)
    },
  }
}

type End =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'steady' }
  | { readonly kind: 'bad start'; readonly how: string }

function endOf(worker: Worker): Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve) => {
    // What can't be forked at all has no exit.
    worker.once('error', () => worker.process.pid === undefined && resolve({ exitCode: null, signal: null }))
    worker.process.once('exit', (exitCode, signal) => resolve({ exitCode, signal }))
  })
}

/** Passes on what the worker says. */
function hear(worker: Worker, rounds: Rounds, refuse: (why: string) => void): void {
  const member: Member = { tell: (message) => void worker.send(message, () => {}) }
  worker.on('message', (message: unknown) => {
    if (!isOurs(message)) return
    if (message.latchkey === 'joined') rounds.join(member)
    if (message.latchkey === 'ask') rounds.ask(member, message.id, message.asked)
    if (message.latchkey === 'answer') {
      rounds.hear(member, message.round, message.failed ? null : { value: message.answer })
    }
    if (message.latchkey === 'refused') refuse(message.why)
  })
  for (const end of ['disconnect', 'exit']) worker.once(end, () => rounds.leave(member))
}
