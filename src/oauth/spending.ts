// What is spent once, a code or a refresh token, by however many at once: together with what others spend at that
// moment where it can be, alone where it must, and nobody waits for another's grant.
import { isRefusedStatement } from '../db/refused-statement.ts'
import { type Digest, type DigestText, textOf } from '../lib/digest.ts'
import { createGathering } from '../lib/gathering.ts'
import { unavailable } from './engine.ts'

export interface SpendingParts<Wanted> {
  readonly hashOf: (wanted: Wanted) => Digest
  /** Whether it may go with others. */
  readonly isOrdinary: (wanted: Wanted) => boolean
  /** Whether each was spent by this, in their order; what was not may have been passed by. */
  readonly spendMany: (wanted: readonly Wanted[]) => Promise<readonly boolean[]>
  /** Whether it was spent by this, for certain. Waits for locks. */
  readonly spendOne: (wanted: Wanted) => Promise<boolean>
}

/** What goes to the database together, and how many such statements at once. */
export const together = { most: 100, atOnce: 2 } as const
/** Those that wait for a lock, each with a connection of its own: fewer than would leave none for others. */
const alone = { most: 1, atOnce: 3 } as const
/** So long one may wait until it is among these, in ms: what keeps them waiting has then gone on for longer. */
const patienceMs = 5000

/**
 * @returns what spends one: true for exactly one of any number that want the same
 * @throws the engine's TemporarilyUnavailable where too many wait for locks
 */
export function createSpending<Wanted>({
  hashOf,
  isOrdinary,
  spendMany,
  spendOne,
}: SpendingParts<Wanted>): (wanted: Wanted) => Promise<boolean> {
  const ordinary = createGathering({ ...together, answer: spendMany })
  const late = createGathering({
    ...alone,
    answer: (waiting: readonly { readonly wanted: Wanted; readonly since: number }[]) =>
      Promise.all(
        waiting.map(({ wanted, since }) => {
          if (performance.now() - since > patienceMs)
            throw unavailable('too many authorizations are being changed; what was sent stays good')
          return spendOne(wanted)
        }),
      ),
  })

  const spend = async (wanted: Wanted): Promise<boolean> => {
    if (isOrdinary(wanted)) {
      const isDone = await ordinary.ask(wanted).catch((thrown: unknown) => {
        // What one of them brings upon the statement must not fail its neighbours: each is tried by itself. A database
        // that does not answer is not asked again.
        if (isRefusedStatement(thrown)) return false
        throw thrown
      })
      if (isDone) return true
    }
    return await late.ask({ wanted, since: performance.now() })
  }

  const underWay = new Map<DigestText, Promise<boolean>>()
  return async (wanted) => {
    const key = textOf(hashOf(wanted))
    const first = underWay.get(key)
    if (first) {
      // However it ends for the first, it has not been this one that spent it.
      await first
      return false
    }
    const mine = spend(wanted)
    underWay.set(key, mine)
    try {
      return await mine
    } finally {
      underWay.delete(key)
    }
  }
}
