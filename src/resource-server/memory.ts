// What is known of credentials, by the hash of each: the credential itself is kept nowhere. What is here is what the
// server said, and no change of it has been told since; until when that may be used, coverage.ts says.
import type { Known } from './answer.ts'
import type { Moment } from './moment.ts'

export interface Kept {
  readonly known: Known
  /** What was asked about; matters to a key that is bound to networks. */
  readonly address: string | null
  /** When the credential ends. */
  readonly endsAt: Moment
  /** In ms of the monotonic clock: used after it, it is asked about again meanwhile, so that its last use is known. */
  askAgainAt: number
  wasUsed: boolean
}

export interface Memory {
  get(hash: string): Kept | undefined
  /**
   * Keeps what was answered, unless a change may be missing in it.
   * @param truth the moment as of which it is so, on the monotonic clock
   */
  put(hash: string, kept: Kept, truth: number): void
  forget(hash: string): void
  /** A change of these was heard. */
  changed(hashes: readonly string[], at: number): void
  /** Whether a change of it was heard after that moment. */
  isChangedSince(hash: string, moment: number): boolean
  /** Changes may have been missed: nothing that was true before this moment counts. */
  clear(at: number): void
  readonly size: number
}

/** Changes that are remembered one by one; more than these at once, and everything is forgotten. */
const mostChanges = 100_000

/** @param rememberMs so old an answer may be when it comes; a change is remembered as long */
export function createMemory(most: number, rememberMs: number): Memory {
  const kept = new Map<string, Kept>()
  const changes = new Map<string, number>()
  /** Since then every change was told. */
  let coveredSince = Infinity

  const clear = (at: number) => {
    kept.clear()
    changes.clear()
    coveredSince = at
  }
  const forgetOldChanges = (at: number) => {
    for (const [hash, heardAt] of changes) {
      if (heardAt >= at - rememberMs) return // the oldest come first
      changes.delete(hash)
    }
  }
  const makeRoom = () => {
    // Second chance: what was used since it was last looked at goes to the back of the queue.
    for (const [hash, it] of kept) {
      if (kept.size < most) return
      kept.delete(hash)
      if (it.wasUsed) {
        it.wasUsed = false
        kept.set(hash, it)
      }
    }
  }
  return {
    get: (hash) => kept.get(hash),
    put: (hash, it, truth) => {
      kept.delete(hash)
      if (truth < coveredSince || (changes.get(hash) ?? -Infinity) > truth) return
      makeRoom()
      kept.set(hash, it)
    },
    forget: (hash) => void kept.delete(hash),
    changed: (hashes, at) => {
      forgetOldChanges(at)
      if (changes.size + hashes.length > mostChanges) return clear(at)
      for (const hash of hashes) {
        kept.delete(hash)
        changes.delete(hash)
        changes.set(hash, at)
      }
    },
    isChangedSince: (hash, moment) => (changes.get(hash) ?? -Infinity) > moment,
    clear,
    get size() {
      return kept.size
    },
  }
}
