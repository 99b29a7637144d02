// For tests that count by day: while one runs it stays one day.
import { dayMs } from '../../src/lib/day.ts'
import type { House } from './house.ts'

const longestTestMs = 300_000

/** Moves the server's clock past midnight (UTC) when that is near. */
export function leaveMidnight({ now, travel }: Pick<House, 'now' | 'travel'>): void {
  const left = dayMs - (now().getTime() % dayMs)
  if (left < longestTestMs) travel(left / 1000)
}
