// Notes when each credential's owner (a key, a grant) was last used, from where and for what, and how many calls it
// made on each day: in memory, and written in batches every few seconds, never per request. A process that is killed
// loses what it noted since the last batch. The rooms above say how their kind is written: this one knows the
// batches alone.
import type { Principal, TenantPrincipal } from '../core/principal.ts'
import type { Log } from '../core/telemetry.ts'
import type { Db, Tx } from '../db/connect.ts'
import type { Day } from '../lib/day.ts'
import type { Milliseconds } from '../lib/time.ts'
import { createUseTally } from './use-tally.ts'
import { createUseWriter } from './use-writer.ts'

/** When a credential was last used, from where, with which client and for what. */
export interface CredentialUse {
  readonly at: Date
  readonly address: string | null
  /** As it calls itself (User-Agent). */
  readonly client: string | null
  /** As the contract writes it: "GET /bookings/{id}"; null for an address that it does not know. */
  readonly operation: string | null
}

/** One use as the request has it: nothing of it is looked at before it is written. */
export interface PresentedUse {
  readonly address: string | null
  /** The header as it came, or the name of the resource server that asks. */
  readonly userAgent: string | undefined
  /** The operation's title in the contract; null for none. */
  readonly operation: string | null
}

/** What one owner did in a batch's time. */
export interface NotedUse<Who = TenantPrincipal> {
  readonly who: Who
  readonly calls: number
  /** Those of them that a limit refused. */
  readonly limited: number
  /** null when there were refusals alone, of calls that were written before. */
  readonly last: CredentialUse | null
}

/** Uses of one day, at most one for each owner. */
export interface UseBatch<Who = TenantPrincipal> {
  readonly day: Day
  readonly uses: readonly NotedUse<Who>[]
}

/**
 * Writes uses of one kind, and adds their calls to what the day has. An earlier use than the one that is known must
 * change nothing, and an owner that is gone by now must be left out instead of failing the others. Rows have to be
 * locked in the order of their owners' ids: so no two nodes wait for each other.
 */
export type WriteUses<Who> = (tx: Tx, batch: UseBatch<Who>) => Promise<void>

type Kind = TenantPrincipal['kind']
type OfKind<K extends Kind> = Extract<TenantPrincipal, { readonly kind: K }>
export type Writers = { readonly [K in Kind]: WriteUses<OfKind<K>> }

/** So long a use may be known to this process alone, in ms; a minute is what is promised. */
export const writeEveryMs = 5000
export interface LastUse {
  /**
   * To be told of each good credential that is presented: costs a fraction of a microsecond. A platform key's use is
   * kept by nobody.
   */
  note(who: Principal, use: PresentedUse): void
  /** To be told when a call that was noted is refused by a limit. */
  noteLimited(who: Principal): void
  /** Writes what has been noted. What can't be written now is kept for the next time. */
  write(): Promise<void>
  /** Writes the rest and stops. */
  close(): Promise<void>
}

export function createLastUse(db: Db, writers: Writers, now: Milliseconds, log: Log): LastUse {
  const keys = createUseTally<OfKind<'api_key'>>(() => void write())
  const grants = createUseTally<OfKind<'access_token'>>(() => void write())
  const keyWriter = createUseWriter(keys, writers.api_key, db, log)
  const grantWriter = createUseWriter(grants, writers.access_token, db, log)
  let toldLost = 0

  const write = async () => {
    await keyWriter.write()
    await grantWriter.write()
    const lost = keys.lost + grants.lost
    if (lost > toldLost) log.warn({ calls: lost - toldLost }, 'calls of too many owners were not counted')
    toldLost = lost
  }
  const timer = setInterval(() => void write(), writeEveryMs).unref()

  return {
    note: (who, use) => {
      if (who.kind === 'api_key') keys.note(who.key, who, use, now())
      else if (who.kind === 'access_token') grants.note(who.grant, who, use, now())
    },
    noteLimited: (who) => {
      if (who.kind === 'api_key') keys.noteLimited(who.key, who, now())
      else if (who.kind === 'access_token') grants.noteLimited(who.grant, who, now())
    },
    write,
    close: async () => {
      clearInterval(timer)
      await write()
      const calls = keyWriter.giveUp() + grantWriter.giveUp()
      if (calls > 0) log.warn({ calls }, 'calls could not be written before the end, and are not counted')
    },
  }
}
