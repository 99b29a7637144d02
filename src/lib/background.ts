// Work that no answer waits for, so that how long it takes tells nobody anything; the end waits for it.

export interface Background {
  /** Begins the work after what runs now has had its turn. What goes wrong is told to `onError`. */
  run(work: () => Promise<unknown>): void
  /** Resolves when nothing is left to do. */
  settled(): Promise<void>
}

export function createBackground(onError: (cause: unknown) => void): Background {
  const underWay = new Set<Promise<unknown>>()
  return {
    run: (work) => {
      const turn = new Promise<void>((resolve) => setImmediate(resolve))
      const job = turn
        .then(work)
        .catch(onError)
        .finally(() => underWay.delete(job))
      underWay.add(job)
    },
    settled: async () => {
      while (underWay.size > 0) await Promise.all(underWay)
    },
  }
}
