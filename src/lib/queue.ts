// So many at once, so many more in line, and nobody beyond that.

export interface Turn {
  /** Resolves when it is one's turn; never, once the signal has told that nobody waits any more. */
  readonly begun: Promise<void>
  /** Gives the place to the next; to be called once, whether the turn had come or not. */
  end(): void
}

export interface Queue {
  /** null when the line is full. A place in it is given up when `signal` says so. */
  turn(signal: AbortSignal): Turn | null
}

export function createQueue(atOnce: number, waiting: number): Queue {
  let busy = 0
  const line = new Set<() => void>()
  const next = () => {
    const [first] = line
    if (!first || busy >= atOnce) return
    line.delete(first)
    busy += 1
    first()
  }
  return {
    turn: (signal) => {
      if (line.size >= waiting && busy >= atOnce) return null
      let isOn = false
      let come = () => {}
      const begun = new Promise<void>((resolve) => {
        come = () => {
          isOn = true
          resolve()
        }
      })
      line.add(come)
      signal.addEventListener('abort', () => line.delete(come), { once: true })
      next()
      return {
        begun,
        end: () => {
          line.delete(come)
          if (!isOn) return
          isOn = false
          busy -= 1
          next()
        },
      }
    },
  }
}
