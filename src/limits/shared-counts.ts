// Counts of several processes without Redis: each counts in its memory, tells the shared table what it has counted,
// and hears the sums. A process decides alone as long as its part of what is left lasts; then it asks first.
import type { Log } from '../core/telemetry.ts'
import { answerWithin } from '../lib/answer-within.ts'
import type { Heard, Told } from './rate-count-store.ts'
import { apply, type Line, linesOf, mostTallies, takeBack } from './sums.ts'
import type { Tallies } from './tallies.ts'
import { isFull, type RateClass, renew, type Tally, takeFrom, type Verdict } from './tally.ts'

export interface SharedCounts {
  /** At once, unless the shared table has to be asked. */
  take(rateClass: RateClass, who: string): Verdict | Promise<Verdict>
  giveBack(rateClass: RateClass, who: string): void
  /** Tells what is left to tell, and stops. */
  close(): Promise<void>
}

export interface SharedCountsParts {
  /** How many processes count, this one included, as far as is known at the moment. */
  readonly nodes: () => number
  /** Adds to the shared table, and answers with the sums. */
  readonly exchange: (told: readonly Told[]) => Promise<readonly Heard[]>
}

/** From the end of one exchange to the next, in ms; so many times as long as the last one took, where that is more. */
const restMs = 100
const restOf = 4
/** A class of so few requests is asked about at each of them. */
const fewRequests = 20
/** So long a request waits for the table, in ms, before it is counted here. */
const answerMs = 1000
/** So long the table is left alone when it did not answer, in ms. */
const awayMs = 1000

interface Asked {
  readonly tally: Tally
  readonly answer: (verdict: Verdict) => void
}

export function createSharedCounts(
  { nodes, exchange }: SharedCountsParts,
  tallies: Tallies,
  log: Log,
): SharedCounts {
  const changed = new Set<Tally>()
  let asked: Asked[] = []
  let underWay: Promise<void> | null = null
  let timer: NodeJS.Timeout | null = null
  let isDue = false
  let isAway = false

  const decidesAlone = (tally: Tally, now: number) => {
    if (isAway) return true
    const { rateClass, counts, heardAt } = tally
    const isFew = rateClass.windows.some(({ requests }) => requests <= fewRequests)
    // Others may have given something back; but whoever knocks on and on is not asked about each time.
    if (isFull(tally)) return !isFew || now - heardAt < restMs
    if (isFew) return false
    const parts = nodes()
    return counts.every(({ count, untold }, index) => {
      const requests = rateClass.windows[index]?.requests ?? 0
      return (untold + 1) * parts <= requests - (count - untold)
    })
  }

  const change = (tally: Tally) => {
    changed.add(tally)
    if (!underWay) rest(restMs)
  }
  const rest = (ms: number) => {
    timer ??= setTimeout(() => {
      timer = null
      isDue = true
      goOn()
    }, ms).unref()
  }
  /** One exchange at a time: what one has told, the next must not tell again. */
  const goOn = () => {
    if (underWay || (!isDue && asked.length === 0)) return
    const batch = asked.slice(0, mostTallies)
    asked = asked.slice(mostTallies)
    const others = isDue ? changed : []
    isDue = false
    underWay = trade(batch, others).finally(() => {
      underWay = null
      if (asked.length > 0 || isDue) setImmediate(goOn)
    })
  }

  const trade = async (batch: readonly Asked[], others: Iterable<Tally>) => {
    const began = performance.now()
    // While the table is away, what a flood of addresses has changed would be kept without end.
    for (const tally of changed) if (tally.isForgotten) changed.delete(tally)
    const lines = linesOf(
      batch.map(({ tally }) => tally),
      others,
    )
    for (const { tally } of lines) changed.delete(tally)
    const answer = exchange(lines.map(({ name, delta, windowMs }) => ({ name, delta, windowMs })))
    await answerWithin(answerMs, answer).then(
      (heard) => hear(lines, heard),
      (cause) => miss(lines, cause),
    )
    decide(batch)
    // One that is late goes on, and the next waits for it: a database that hangs would soon have all connections.
    await answer.catch(() => {})
    if (changed.size > 0) rest(isAway ? awayMs : Math.max(restMs, restOf * (performance.now() - began)))
  }
  const hear = (lines: readonly Line[], heard: readonly Heard[]) => {
    apply(lines, heard)
    if (isAway) log.info('the rate limits of all processes are counted together again')
    isAway = false
  }
  const miss = (lines: readonly Line[], cause: unknown) => {
    takeBack(lines)
    for (const { tally } of lines) if (!tally.isForgotten) changed.add(tally)
    if (!isAway)
      log.warn({ err: cause }, 'the database does not answer: each process counts the rate limits by itself')
    isAway = true
    decide(asked)
    asked = []
  }
  const decide = (some: readonly Asked[]) => {
    const now = Date.now()
    for (const { tally, answer } of some) {
      answer(takeFrom(tally, now))
      changed.add(tally)
    }
  }

  return {
    take: (rateClass, who) => {
      const now = Date.now()
      const tally = tallies.of(rateClass, who, now)
      if (nodes() <= 1) return takeFrom(tally, now)
      renew(tally, now)
      if (decidesAlone(tally, now)) {
        // Also after a refusal: what others have given back is heard in the answer.
        change(tally)
        return takeFrom(tally, now)
      }
      return new Promise((answer) => {
        // What is asked in one turn goes in one statement.
        if (asked.length === 0) setImmediate(goOn)
        asked.push({ tally, answer })
      })
    },
    giveBack: (rateClass, who) => {
      tallies.giveBack(rateClass, who)
      if (nodes() > 1) change(tallies.of(rateClass, who, Date.now()))
    },
    close: async () => {
      if (timer) clearTimeout(timer)
      timer = null
      if (isAway) return
      await underWay
      isDue = changed.size > 0 && nodes() > 1
      goOn()
      await underWay
      if (timer) clearTimeout(timer)
    },
  }
}
