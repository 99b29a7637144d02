// Work that takes a core or much memory: a little of it at a time, the rest in a short queue.
import { Problem } from './problems.ts'

/**
 * Runs what it is given, at most `atOnce` at the same time, in the order in which it came.
 * @throws Problem busy, at once, when `most` others are waiting
 */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>

export function createInTurn(atOnce: number, most: number): InTurn {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running >= atOnce) {
      if (waiting.length >= most) throw new Problem('busy', { retryAfter: 1 })
      await new Promise<void>((resolve) => waiting.push(resolve))
    } else {
      running += 1
    }
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running -= 1
    }
  }
}
