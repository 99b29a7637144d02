// For a person who waits: how far a long command has come, on standard error.

const everyMs = { terminal: 200, lines: 2000 } as const

export interface Progress {
  /** Tells it, unless it has just been told. */
  tell(done: number, total: number): void
  /** Takes the last line off the terminal. */
  end(): void
}

/** On a terminal one line that changes; elsewhere a line every two seconds, and none at all when `isQuiet`. */
export function createProgress(what: string, isQuiet: boolean): Progress {
  const { isTTY } = process.stderr
  const pause = isTTY ? everyMs.terminal : everyMs.lines
  let last = Date.now()
  let isShown = false
  return {
    tell: (done, total) => {
      const now = Date.now()
      if (now - last < pause || (isQuiet && !isTTY)) return
      last = now
      isShown = true
      const share = total > 0 ? ` (${Math.floor((done / total) * 100)} %)` : ''
      const text = `${what}: ${count(done)} of ${count(total)} rows${share}`
      process.stderr.write(isTTY ? `\r\u001b[K${text}` : `${text}\n`)
    },
    end: () => {
      if (isShown && isTTY) process.stderr.write('\r\u001b[K')
      isShown = false
    },
  }
}

/** With commas between the thousands. */
export const count = (value: number): string => value.toLocaleString('en-US')
