// When this process is to stop: asked by a signal or by the primary whose worker it is. Asked again, it ends at once.
import type { StopSignal } from './workers/messages.ts'
import { onStop } from './workers/worker.ts'

/** So long may requests in flight take once we were told to stop, in ms. */
export const graceMs = { SIGINT: 1000, SIGTERM: 8000 } as const satisfies Record<StopSignal, number>
/** And so long may closing take after that. */
export const lastWordMs = 500
/** Signals of one kind that come closer together than this, in ms, are one keystroke. */
const sameKeystrokeMs = 300

export interface Stop {
  isAsked(): boolean
  readonly asked: Promise<StopSignal>
}

export function stopOfWorker(): Stop {
  return createStop(onStop, lastWordMs)
}

/** @param lastWord so long closing may take, in ms */
export function stopOfProcess(lastWord: number): Stop {
  let first: { readonly signal: StopSignal; readonly at: number } | null = null
  return createStop((ask) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.on(signal, () => {
        // Asked again: whoever waits has had enough. The embedded database stops by itself, and so do workers. But a
        // Ctrl-C in the terminal of npm comes twice at once: from the terminal, and passed on by npm.
        if (first && (signal !== first.signal || Date.now() - first.at > sameKeystrokeMs)) process.exit(130)
        first ??= { signal, at: Date.now() }
        ask(signal)
      })
    }
  }, lastWord)
}

function createStop(listen: (ask: (signal: StopSignal) => void) => void, lastWord: number): Stop {
  let isAsked = false
  const asked = new Promise<StopSignal>((resolve) => {
    listen((signal) => {
      if (isAsked) return
      isAsked = true
      resolve(signal)
      // Whatever still holds us then, a query that waits for a lock say, is left to the database.
      setTimeout(() => process.exit(130), graceMs[signal] + lastWord).unref()
    })
  })
  return { isAsked: () => isAsked, asked }
}
