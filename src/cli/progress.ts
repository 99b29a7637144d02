// For a person who waits: how far a long command has come, on standard error.

const everyMs = { terminal: 200, lines: 2000 } as const
const barWidth = 24

export interface Progress {
  /** Tells it, unless it has just been told. The total is null where nobody knows it. */
  tell(done: number, total: number | null): void
  /** Takes the last line off the terminal. */
  end(): void
}

/** On a terminal one line that changes; elsewhere a line every two seconds, and none at all when `isQuiet`. */
export function createProgress(what: string, isQuiet: boolean, unit = 'rows'): Progress {
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
      const text = `${what}: ${describe(done, total, unit)}`
      process.stderr.write(isTTY ? `\r\u001b[K${bar(done, total)}${text}` : `${text}\n`)
    },
    end: () => {
      if (isShown && isTTY) process.stderr.write('\r\u001b[K')
      isShown = false
    },
  }
}

function describe(done: number, total: number | null, unit: string): string {
  if (total === null) return `${count(done)} ${unit}`
  const share = total > 0 ? ` (${Math.floor((done / total) * 100)} %)` : ''
  return `${count(done)} of ${count(total)} ${unit}${share}`
}

function bar(done: number, total: number | null): string {
  if (!total) return ''
  const full = Math.min(barWidth, Math.round((done / total) * barWidth))
  return `[${'='.repeat(full)}${' '.repeat(barWidth - full)}] `
}

/** With commas between the thousands. */
export const count = (value: number): string => value.toLocaleString('en-US')
