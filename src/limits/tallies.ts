// Everybody's tallies, in this process's memory: so many at most, and none for long after its windows are over.
import { giveBack, isOver, newTally, type RateClass, type Tally, takeFrom, type Verdict } from './tally.ts'

export interface Tallies {
  /** The tally of this subject, a new one where there is none. Its windows may be over: see `renew`. */
  of(rateClass: RateClass, who: string, now: number): Tally
  take(rateClass: RateClass, who: string): Verdict
  giveBack(rateClass: RateClass, who: string): void
  size(): number
  close(): void
}

/**
 * Tallies of all classes together: 180 MB with two windows each. Addresses that nobody knows come without end, and
 * must not fill the memory.
 */
const usualMost = 500_000
/** So many are looked at for one that is over, before the oldest of them has to go. */
const lookedAt = 8
const sweepEveryMs = 1000
/** A sweep looks at so many, or at one in sixty where that is more. */
const leastSwept = 2000
const sweptPart = 1 / 60

interface Subjects {
  readonly tallies: Map<string, Tally>
  /** Goes around in the order in which they came. Beginning at the front each time would pass all that went before. */
  hand: Iterator<[string, Tally]>
}

/** @param most how many there may be; more make the oldest go of the class that has the most */
export function createTallies(most = usualMost): Tallies {
  const classes = new Map<RateClass, Subjects>()
  let size = 0

  const subjectsOf = (rateClass: RateClass): Subjects => {
    const known = classes.get(rateClass)
    if (known) return known
    const tallies = new Map<string, Tally>()
    const made = { tallies, hand: tallies.entries() }
    classes.set(rateClass, made)
    return made
  }
  const remove = (subjects: Subjects, tally: Tally) => {
    if (!subjects.tallies.delete(tally.who)) return
    size -= 1
    tally.isForgotten = true
  }
  /** The next one around; null when there is none. */
  const next = (subjects: Subjects): Tally | null => {
    for (let round = 0; round < 2; round += 1) {
      const { value, done } = subjects.hand.next()
      if (!done) return value[1]
      subjects.hand = subjects.tallies.entries()
    }
    return null
  }
  /** Of the class that has the most, so that a flood of strangers takes no customer's count. */
  const makeRoom = (now: number) => {
    let largest: Subjects | null = null
    for (const subjects of classes.values())
      if (subjects.tallies.size > (largest?.tallies.size ?? 0)) largest = subjects
    if (!largest) return
    let oldest: Tally | null = null
    const before = size
    for (let seen = 0; seen < lookedAt; seen += 1) {
      const tally = next(largest)
      if (!tally) break
      oldest ??= tally
      if (isOver(tally, now)) remove(largest, tally)
    }
    if (size === before && oldest) remove(largest, oldest)
  }
  const sweep = () => {
    const now = Date.now()
    for (const subjects of classes.values()) {
      const looks = Math.min(subjects.tallies.size, Math.max(leastSwept, subjects.tallies.size * sweptPart))
      for (let seen = 0; seen < looks; seen += 1) {
        const tally = next(subjects)
        if (tally && isOver(tally, now)) remove(subjects, tally)
      }
    }
  }
  const timer = setInterval(sweep, sweepEveryMs).unref()

  const of = (rateClass: RateClass, who: string, now: number): Tally => {
    const { tallies } = subjectsOf(rateClass)
    const known = tallies.get(who)
    if (known) return known
    if (size >= most) makeRoom(now)
    const made = newTally(rateClass, who, now)
    tallies.set(who, made)
    size += 1
    return made
  }
  return {
    of,
    take: (rateClass, who) => {
      const now = Date.now()
      return takeFrom(of(rateClass, who, now), now)
    },
    giveBack: (rateClass, who) => {
      const now = Date.now()
      giveBack(of(rateClass, who, now), now)
    },
    size: () => size,
    close: () => clearInterval(timer),
  }
}
