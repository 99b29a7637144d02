// Calls by day as the pages show them: a chart, and the same in words for its table.
import type { DayCalls, Days } from '../credentials/calls.ts'
import { type Day, lastDays, startOf } from '../lib/day.ts'
import { onDay } from './words.ts'

/** Days that a chart shows, today's among them. */
export const daysShown = 30

/** The days that are shown at this time. */
export function shownDays(now: Date): Days & { readonly all: readonly Day[] } {
  const all = lastDays(daysShown, now)
  const [from, to] = [all[0], all.at(-1)]
  if (!from || !to) throw new Error('a chart of no days')
  return { from, to, all }
}

const number = new Intl.NumberFormat('en')

/** "1,234 calls", "1 call" */
export const callsInWords = (calls: number): string =>
  `${number.format(calls)} ${calls === 1 ? 'call' : 'calls'}`

/** Of a bar and the gap after it, in the units of the drawing, which is stretched to the room that there is. */
const step = { bar: 8, whole: 10 } as const
const height = 100
/** A day with one call among thousands is seen to be no day without. */
const least = 2

/** @param found days that had calls; a day that is not among them had none */
export function describeCalls(found: readonly DayCalls[], now: Date) {
  const { all, from, to } = shownDays(now)
  const byDay = new Map(found.map((it) => [it.day, it]))
  const days = all.map((day) => byDay.get(day) ?? { day, calls: 0, limited: 0 })
  const most = days.reduce((a, b) => (b.calls > a.calls ? b : a))
  const calls = sum(days.map((it) => it.calls))
  const limited = sum(days.map((it) => it.limited))
  return {
    days: daysShown,
    isEmpty: calls === 0,
    from: nameOf(from),
    to: nameOf(to),
    calls: callsInWords(calls),
    limited: limited === 0 ? null : number.format(limited),
    most: `${number.format(most.calls)} on ${nameOf(most.day)}`,
    width: daysShown * step.whole,
    height,
    bars: days.map((it, index) => barOf(it, index, most.calls)),
    // The newest first, as everywhere.
    rows: days.toReversed().map((it) => ({
      day: it.day,
      name: nameOf(it.day),
      calls: number.format(it.calls),
      limited: number.format(it.limited),
    })),
  }
}

export type DescribedCalls = ReturnType<typeof describeCalls>

function barOf({ day, calls, limited }: DayCalls, index: number, most: number) {
  const heightOf = (count: number) => (count > 0 ? Math.max(least, (count / most) * height) : 0)
  const whole = heightOf(calls)
  const refused = Math.min(whole, heightOf(limited))
  return {
    x: index * step.whole + (step.whole - step.bar) / 2,
    width: step.bar,
    // From the top: what a limit refused stands on what was answered.
    whole: { y: rounded(height - whole), height: rounded(whole) },
    refused: { y: rounded(height - whole), height: rounded(refused) },
    title: `${nameOf(day)}: ${callsInWords(calls)}${limited > 0 ? `, ${number.format(limited)} over a limit` : ''}`,
  }
}

const nameOf = (day: Day) => onDay(new Date(startOf(day)))
const sum = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0)
const rounded = (length: number) => Math.round(length * 100) / 100
