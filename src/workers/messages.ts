// What workers and their primary say to each other, over the channel that node:cluster has between them. Owns the
// words; who says them when stands beside. Others (a benchmark) may speak on the same channel.

/** Why the process was told to stop. */
export type StopSignal = 'SIGINT' | 'SIGTERM'

/** What a worker can ask the others, and what each of them answers. */
export interface Answers {
  /** Have you heard of every change that is committed by now? Answered when it is so. */
  'catch-up': null
  /** What have you counted? As prom-client writes it. */
  metrics: readonly object[]
  /** How many requests with this secret, by its hash, are with you? */
  presented: number
}

export type Question = keyof Answers

/** One question: `about` is what it is about, '' for those that are about nothing in particular. */
export interface Asked {
  readonly question: Question
  readonly about: string
}

export type ToPrimary =
  // Comes before the worker listens, so that nobody whose requests it may answer is ignorant of it.
  | { readonly latchkey: 'joined' }
  | { readonly latchkey: 'ask'; readonly id: number; readonly asked: Asked }
  | {
      readonly latchkey: 'answer'
      readonly round: number
      readonly answer: unknown
      readonly failed: boolean
    }
  // It can't start, and says so to people by way of the primary: once, and not once for each worker.
  | { readonly latchkey: 'refused'; readonly why: string }

export type ToWorker =
  | { readonly latchkey: 'question'; readonly round: number; readonly asked: Asked }
  | { readonly latchkey: 'answers'; readonly id: number; readonly answers: readonly unknown[] }
  | { readonly latchkey: 'stop'; readonly signal: StopSignal }

/** Whether a message on the channel is one of ours: only our own processes are at its ends. */
export function isOurs(message: unknown): message is ToPrimary | ToWorker {
  return typeof message === 'object' && message !== null && 'latchkey' in message
}
