// What a run has to undo, however it ends: at its end, at a failure, at Ctrl-C.

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
type StopSignal = (typeof signals)[number]

export interface Cleanup {
  /** Aborted when the run is to stop: everything that waits for long looks at it. */
  readonly signal: AbortSignal
  /** Last added, first done. */
  add(step: () => unknown): void
}

export class Interrupted extends Error {
  override readonly name = 'Interrupted'
  /** What a shell reports for a process that this signal ended. */
  readonly exitCode: number

  constructor(signal: StopSignal) {
    super(`Stopped by ${signal}.`)
    this.exitCode = 128 + { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 }[signal]
  }
}

/** @throws Interrupted when a signal stopped the work; by then everything is undone */
export async function withCleanup<T>(work: (cleanup: Cleanup) => Promise<T>): Promise<T> {
  const stop = new AbortController()
  const steps: (() => unknown)[] = []
  // Not once: npm passes on the Ctrl-C that the terminal has sent us already.
  const interrupt = (signal: StopSignal) => stop.abort(new Interrupted(signal))
  for (const signal of signals) process.on(signal, interrupt)
  try {
    return await work({ signal: stop.signal, add: (step) => steps.push(step) })
  } catch (thrown) {
    throw stop.signal.aborted ? stop.signal.reason : thrown
  } finally {
    for (const step of steps.reverse()) await step()
    for (const signal of signals) process.off(signal, interrupt)
  }
}
