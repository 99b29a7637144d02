// One round of sweeping: every table in turn, in batches so small and so far apart that nobody notices.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Db } from '../db/connect.ts'
import { underLock, underLockIfFree } from '../db/lock.ts'
import { deadBefore, type Sweep } from '../db/sweep.ts'

/** What a batch took. */
export interface Swept {
  readonly sweep: Sweep
  readonly rows: number
}

export interface RoundParts {
  readonly db: Db
  readonly sweeps: readonly Sweep[]
  readonly now: Date
  /** Ends the round after the batch that is under way. */
  readonly signal: AbortSignal
  readonly tell: (swept: Swept) => void
}

const lock = 'sweeping'
/** So long one process sweeps before it gives the lock up, and takes it again unless somebody waits for it. */
const turnMs = 5000
/** So long a batch should take: others may wait for what it holds. */
const batchMs = { low: 4, high: 12 } as const
const batchRows = { first: 200, least: 100, most: 500 } as const
/** How much longer than a batch the rest after it is. */
const restFactor = 4

/**
 * Sweeps until nothing dead is left that can be had. One process at a time, by a lock on a connection that does
 * nothing else meanwhile (it holds no snapshot, and keeps no vacuum from its work); each batch is a short transaction
 * of its own, with four times as much rest after it as it took.
 * @returns false when another process is sweeping, and this one left it to that
 */
export async function sweepRound(parts: RoundParts, whenTaken: 'leave' | 'wait'): Promise<boolean> {
  const take = whenTaken === 'wait' ? underLock : underLockIfFree
  const batches = batchesOf(parts, await deadBefore(parts.db, parts.now))
  for (let isDone: boolean | null = false; !isDone; ) {
    isDone = await take(parts.db, lock, async () => {
      for (const end = performance.now() + turnMs; performance.now() < end; ) {
        const { value, done } = await batches.next()
        if (done) return true
        parts.tell(value)
      }
      return false
    })
    if (isDone === null) return false
  }
  return true
}

async function* batchesOf(
  { db, sweeps, signal }: RoundParts,
  before: Date,
): AsyncGenerator<Swept, undefined> {
  for (const sweep of sweeps) {
    const take = sweep.start(before)
    let limit: number = batchRows.first
    for (let isLast = false; !isLast && !signal.aborted; ) {
      const began = performance.now()
      const batch = await db.transaction((tx) => take(tx, limit))
      const ms = performance.now() - began
      if (batch.rows > 0) yield { sweep, rows: batch.rows }
      isLast = batch.isLast
      limit = nextLimit(limit, ms)
      if (batch.rows > 0 || !isLast) await rest(ms * restFactor, signal)
    }
  }
  return undefined
}

/** Smaller when the last batch took long, larger when it took next to nothing. */
function nextLimit(limit: number, ms: number): number {
  if (ms > batchMs.high) return Math.max(batchRows.least, Math.floor(limit / 2))
  return ms < batchMs.low ? Math.min(batchRows.most, limit * 2) : limit
}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {}) // woken: the round ends
}
