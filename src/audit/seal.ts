// Sealing: takes the events that wait, in batches, and makes each the next link of its organization's chain. One
// process at a time; what is recorded meanwhile waits for nobody (decision 16).
import type { Log } from '../core/telemetry.ts'
import type { Db, Tx } from '../db/connect.ts'
import { underLock, underLockIfFree } from '../db/lock.ts'
import { beforeFirst, linkOf } from './chain.ts'
import { appendSeals, type Head, readHeads, readPending, type Seal } from './seal-store.ts'

const lock = 'sealing the ledger'
const pollEveryMs = 500
/** A server that was told to stop has little time; what still waits then is sealed by whoever comes next. */
const closeWithinMs = 200
/** Events in one transaction. */
const batchSize = 5000

export interface Sealer {
  /** Seals whatever is committed by now, and gives the number of seals. */
  seal(): Promise<number>
  /** Stops, and seals the rest as far as the database lets it in a moment. */
  close(): Promise<void>
}

/**
 * Seals until nothing waits; where another process is at it, waits for that one's batch.
 * @param withinMs begins no batch after that time
 */
export async function sealPending(db: Db, withinMs = Number.POSITIVE_INFINITY): Promise<number> {
  const end = performance.now() + withinMs
  for (let total = 0; ; ) {
    const { sealed, isLast } = await underLock(db, lock, sealBatch)
    total += sealed
    if (isLast || performance.now() > end) return total
  }
}

/** Seals about twice a second, unless another process does. A database that fails is asked again. */
export function createSealer(db: Db, log: Log): Sealer {
  let isClosed = false
  let isFailing = false
  let polling: Promise<void> | null = null

  const poll = async () => {
    try {
      for (let isLast = false; !isLast && !isClosed; ) {
        isLast = (await underLockIfFree(db, lock, sealBatch))?.isLast ?? true
      }
      if (isFailing) log.info('the ledger is sealed again')
      isFailing = false
    } catch (cause) {
      // Once, not twice a second for as long as a database is away.
      if (!isFailing) log.warn({ err: cause }, 'the ledger could not be sealed; it is tried again')
      isFailing = true
    }
  }
  const timer = setInterval(() => {
    polling ??= poll().finally(() => {
      polling = null
    })
  }, pollEveryMs).unref()

  return {
    seal: () => sealPending(db),
    close: async () => {
      isClosed = true
      clearInterval(timer)
      await polling
      if (isFailing) return // what waits is sealed by whoever comes next
      await sealPending(db, closeWithinMs).catch((cause: unknown) => {
        log.warn({ err: cause }, 'the ledger could not be sealed at the end; the next start does it')
      })
    },
  }
}

/** One batch, inside of the lock: all of it or nothing. */
async function sealBatch(tx: Tx): Promise<{ readonly sealed: number; readonly isLast: boolean }> {
  const pending = await readPending(tx, batchSize)
  if (pending.length === 0) return { sealed: 0, isLast: true }
  const unsealed = pending.filter(({ isSealed }) => !isSealed)
  const heads = await readHeads(tx, [...new Set(unsealed.map(({ chain }) => chain))])
  const seals: Seal[] = []
  for (const { chain, event, body } of unsealed) {
    const before: Head = heads.get(chain) ?? { sequence: 0, hash: beforeFirst }
    const sequence = before.sequence + 1
    const head = { sequence, hash: linkOf(before.hash, sequence, { event, body }) }
    heads.set(chain, head)
    seals.push({ chain, event, ...head })
  }
  await appendSeals(
    tx,
    seals,
    pending.map(({ event }) => event),
  )
  return { sealed: seals.length, isLast: pending.length < batchSize }
}
