// Notes when each key was last used, from where and with what: in memory, and written in one batch every few
// seconds, never per request. A process that is killed loses what it noted since the last batch.
import type { Principal } from '../core/principal.ts'
import type { Log } from '../core/telemetry.ts'
import type { Db } from '../db/connect.ts'
import type { Clock } from '../lib/time.ts'
import type { KeyUse } from './key.ts'
import { type NotedUse, writeUses } from './last-use-store.ts'

/** So long a use may be known to this process alone, in ms; a minute is what is promised. */
export const writeEveryMs = 5000
/** A batch is written at once when it has grown to this many keys. */
const mostInMemory = 20_000
/** Keys in one statement. */
const batchSize = 5000

export interface LastUse {
  note(who: Principal, use: Omit<KeyUse, 'at'>): void
  /** Writes what has been noted. What can't be written now is kept for the next time. */
  write(): Promise<void>
  /** Writes the rest and stops. */
  close(): Promise<void>
}

export function createLastUse(db: Db, clock: Clock, log: Log): LastUse {
  let noted = new Map<string, NotedUse>()
  let writing: Promise<void> = Promise.resolve()

  const writeAll = async () => {
    const taken = [...noted.values()]
    noted = new Map()
    for (let at = 0; at < taken.length; at += batchSize) {
      try {
        await writeUses(db, taken.slice(at, at + batchSize))
      } catch (cause) {
        log.warn({ err: cause }, 'last use could not be written; it is tried again')
        keepForNextTime(taken.slice(at))
        return
      }
    }
  }
  const keepForNextTime = (uses: readonly NotedUse[]) => {
    // A database that is away for long must not fill the memory: the latest uses are the ones that count.
    for (const use of uses.slice(0, Math.max(0, mostInMemory - noted.size))) {
      if (!noted.has(use.key)) noted.set(use.key, use)
    }
  }
  // One batch after the other: two at once could write the same key in the wrong order.
  const write = (): Promise<void> => {
    writing = writing.then(() => (noted.size > 0 ? writeAll() : undefined))
    return writing
  }
  const timer = setInterval(() => void write(), writeEveryMs).unref()

  return {
    note: (who, use) => {
      if (who.kind !== 'api_key') return
      const { key, organization, mode } = who
      noted.set(key, { ...use, key, organization, mode, at: clock() })
      if (noted.size === mostInMemory) void write()
    },
    write,
    close: async () => {
      clearInterval(timer)
      await write()
    },
  }
}
