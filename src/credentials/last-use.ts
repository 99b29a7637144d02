// Notes when each credential's owner (a key, a grant) was last used, from where and for what: in memory, and
// written in one batch every few seconds, never per request. A process that is killed loses what it noted since
// the last batch. The rooms above say how their kind is written: this one knows the batches alone.
import { type Principal, principalId, type TenantPrincipal } from '../core/principal.ts'
import type { Log } from '../core/telemetry.ts'
import type { Db } from '../db/connect.ts'
import type { Clock } from '../lib/time.ts'

/** When a credential was last used, from where, with which client and for what. */
export interface CredentialUse {
  readonly at: Date
  readonly address: string | null
  /** As it calls itself (User-Agent). */
  readonly client: string | null
  /** As the contract writes it: "GET /bookings/{id}"; null for an address that it does not know. */
  readonly operation: string | null
}

/** What is told of a use, as it was sent. */
export interface PresentedUse {
  readonly address: string | null
  readonly userAgent: string | undefined
  readonly operation: string | null
}

export interface NotedUse<Kind extends TenantPrincipal = TenantPrincipal> extends CredentialUse {
  readonly who: Kind
}

type Kind = TenantPrincipal['kind']
type OfKind<K extends Kind> = Extract<TenantPrincipal, { readonly kind: K }>

/**
 * Writes uses of one kind, one for each owner, in one statement. An earlier use than the one that is known must
 * change nothing, and an owner that is gone by now must be left out instead of failing the others.
 */
export type Writers = {
  readonly [K in Kind]: (db: Db, uses: readonly NotedUse<OfKind<K>>[]) => Promise<void>
}

/** So long a use may be known to this process alone, in ms; a minute is what is promised. */
export const writeEveryMs = 5000
/** A batch is written at once when it has grown to this many owners. */
const mostInMemory = 20_000
/** Owners in one statement. */
const batchSize = 5000

export interface LastUse {
  /** To be told of each good credential that is presented. A platform key's use is kept by nobody. */
  note(who: Principal, use: PresentedUse): void
  /** Writes what has been noted. What can't be written now is kept for the next time. */
  write(): Promise<void>
  /** Writes the rest and stops. */
  close(): Promise<void>
}

/** @param clientOf how a User-Agent is kept and shown */
export function createLastUse(
  db: Db,
  writers: Writers,
  clock: Clock,
  log: Log,
  clientOf: (userAgent: string | undefined) => string | null,
): LastUse {
  const keys = createBatches(writers.api_key, db, log)
  const grants = createBatches(writers.access_token, db, log)
  const write = async () => {
    await keys.write()
    await grants.write()
  }
  const timer = setInterval(() => void write(), writeEveryMs).unref()

  return {
    note: (who, { address, userAgent, operation }) => {
      const use = { address, client: clientOf(userAgent), operation, at: clock() }
      if (who.kind === 'api_key') keys.add({ ...use, who })
      if (who.kind === 'access_token') grants.add({ ...use, who })
    },
    write,
    close: async () => {
      clearInterval(timer)
      await write()
    },
  }
}

function createBatches<Who extends TenantPrincipal>(
  writeUses: (db: Db, uses: readonly NotedUse<Who>[]) => Promise<void>,
  db: Db,
  log: Log,
) {
  let noted = new Map<string, NotedUse<Who>>()
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
  const keepForNextTime = (uses: readonly NotedUse<Who>[]) => {
    // A database that is away for long must not fill the memory: the latest uses are the ones that count.
    for (const use of uses.slice(0, Math.max(0, mostInMemory - noted.size))) {
      const id = principalId(use.who)
      if (!noted.has(id)) noted.set(id, use)
    }
  }
  // One batch after the other: two at once could write the same owner in the wrong order.
  const write = (): Promise<void> => {
    writing = writing.then(() => (noted.size > 0 ? writeAll() : undefined))
    return writing
  }
  return {
    add: (use: NotedUse<Who>) => {
      noted.set(principalId(use.who), use)
      if (noted.size === mostInMemory) void write()
    },
    write,
  }
}
