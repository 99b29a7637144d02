// The arithmetic of an exchange with the shared table: what is told of a tally, and what the sums mean for it.
import { sha256 } from '../lib/digest.ts'
import { secondMs } from '../lib/time.ts'
import type { Heard, Told } from './rate-count-store.ts'
import { renew, type Tally, type WindowCount } from './tally.ts'

/** In one statement. */
export const mostTallies = 1000

/** One window in an exchange. */
export interface Line extends Told {
  readonly tally: Tally
  readonly count: WindowCount
  /** When it was to end as this process saw it then: another end afterwards, and it is another window. */
  readonly endsAt: number
  /** How many of `delta` have been asked for, and are counted here only after the answer. */
  readonly asked: number
}

/**
 * What is to be told, and is told by that: of each who asks, once for each time, and then of others, those first that
 * have the most to tell. Who does not fit is left out.
 */
export function linesOf(asking: readonly Tally[], others: Iterable<Tally>): readonly Line[] {
  const asked = new Map<Tally, number>()
  for (const tally of asking) asked.set(tally, (asked.get(tally) ?? 0) + 1)
  const now = Date.now()
  const lines = new Map<string, Line>()
  for (const tally of [...asked.keys(), ...mostUsed(others, asked)].slice(0, mostTallies)) {
    renew(tally, now)
    const some = tally.counts.map((count, index) => lineOf(tally, count, index, asked.get(tally) ?? 0))
    // Forgotten for want of memory and begun anew: two tallies of one subject can't stand in one statement.
    if (some.some(({ name }) => lines.has(name))) continue
    for (const line of some) {
      lines.set(line.name, line)
      line.count.untold = 0
    }
  }
  return [...lines.values()]
}

function mostUsed(some: Iterable<Tally>, without: ReadonlyMap<Tally, number>): readonly Tally[] {
  const all = [...some].filter((tally) => !without.has(tally))
  if (all.length <= mostTallies) return all
  // By powers of two, in one go: to sort half a million, as a flood of addresses makes of them, would keep everybody.
  const byMagnitude: Tally[][] = []
  for (const tally of all) {
    const magnitude = 32 - Math.clz32(mostToTell(tally))
    const some = byMagnitude[magnitude]
    if (some) some.push(tally)
    else byMagnitude[magnitude] = [tally]
  }
  const chosen: Tally[] = []
  for (let at = byMagnitude.length - 1; at >= 0 && chosen.length < mostTallies; at -= 1)
    chosen.push(...(byMagnitude[at] ?? []).slice(0, mostTallies - chosen.length))
  return chosen
}

/** Of its windows; none where something was given back. */
function mostToTell({ counts }: Tally): number {
  let most = 0
  for (const { untold } of counts) if (untold > most) most = untold
  return most
}

function lineOf(tally: Tally, count: WindowCount, index: number, asked: number): Line {
  const { rateClass, who } = tally
  const seconds = rateClass.windows[index]?.seconds ?? 0
  return {
    name: sha256(`${rateClass.name} ${seconds} ${who}`).toString('base64'),
    delta: count.untold + asked,
    windowMs: seconds * secondMs,
    tally,
    count,
    endsAt: count.endsAt,
    asked,
  }
}

/**
 * The sums are what is known from now on, with what was counted here in the meantime. Whoever asked is in the sum and
 * not in the count: told of, and still to be counted or, refused, to be taken back by the next exchange.
 */
export function apply(lines: readonly Line[], heard: readonly Heard[]): void {
  const now = Date.now()
  const sums = new Map(heard.map((sum) => [sum.name, sum]))
  for (const { name, tally, count, endsAt, asked, windowMs } of lines) {
    tally.heardAt = now
    const sum = sums.get(name)
    if (!sum || count.endsAt !== endsAt) continue
    count.count = Math.max(0, sum.count - asked + count.untold)
    count.untold -= asked
    // Not before the table's own end of it: what is told afterwards then belongs to the next one there too.
    count.endsAt = now + Math.min(windowMs, Math.ceil(sum.msLeft))
  }
}

/** Nobody has heard it: it is to be told again. */
export function takeBack(lines: readonly Line[]): void {
  for (const { count, delta, endsAt, asked } of lines)
    if (count.endsAt === endsAt) count.untold += delta - asked
}
