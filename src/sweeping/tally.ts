// What was swept so far, by table.
import type { Swept } from './sweep.ts'

export interface Tally {
  add(swept: Swept): void
  readonly rows: Readonly<Record<string, number>>
  readonly total: number
}

export function createTally(): Tally {
  const rows: Record<string, number> = {}
  let total = 0
  return {
    add: ({ sweep, rows: more }) => {
      rows[sweep.name] = (rows[sweep.name] ?? 0) + more
      total += more
    },
    rows,
    get total() {
      return total
    },
  }
}
