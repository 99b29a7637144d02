// Uses of credentials as they are noted, in memory: one entry for each owner (a key, a grant). It is written to at
// each request of the API, so that nothing here is made anew for one which can be made when a batch is written.
import type { TenantPrincipal } from '../core/principal.ts'
import { type Day, dayMs, dayOf } from '../lib/day.ts'
import { longestClientName, shownClient } from '../web/client-address.ts'
import type { NotedUse, PresentedUse, UseBatch } from './last-use.ts'

/** Owners that one process holds in memory, of a kind and a day: those beyond are not counted. */
export const mostOwners = 100_000
/** At so many the tally asks to be taken and written, before its time. */
const manyOwners = 20_000
/** Owners in one transaction: what keeps the event loop for a millisecond or two. */
const batchSize = 1000
/** Of User-Agent so many characters are held: what is kept of it is less, and a batch must not hold megabytes. */
const longestHeld = 4 * longestClientName

interface Entry<Who> {
  readonly who: Who
  calls: number
  limited: number
  /** Of the last call, in ms; 0 when there was none, but a refusal that came late for the batch of its call. */
  at: number
  address: string | null
  userAgent: string | undefined
  operation: string | null
}

export interface UseTally<Who extends TenantPrincipal> {
  note(id: string, who: Who, use: PresentedUse, at: number): void
  noteLimited(id: string, who: Who, at: number): void
  /** Calls that were not counted since there were too many owners. */
  readonly lost: number
  /** All that is noted, the earliest day first; from here on it is the caller's. */
  take(): TakenBatch<Who>[]
}

/** Calls of one day, of so many owners as are written at once. */
export interface TakenBatch<Who> {
  readonly calls: number
  /** What is to be written: made anew each time, when it is needed. */
  read(): UseBatch<Who>
}

/** @param onMany there are so many owners that they should be written soon */
export function createUseTally<Who extends TenantPrincipal>(onMany: () => void): UseTally<Who> {
  let noted = new Map<string, Entry<Who>>()
  /** Days that were over before they were written. */
  let earlier: { readonly day: Day; readonly noted: ReadonlyMap<string, Entry<Who>> }[] = []
  let dayStart = 0
  let owners = 0
  let lost = 0

  const beginDay = (at: number) => {
    if (noted.size > 0) earlier.push({ day: dayOf(dayStart), noted })
    noted = new Map()
    dayStart = Math.floor(at / dayMs) * dayMs
  }

  /** null when there is no room for one more. */
  const entryOf = (id: string, who: Who, at: number): Entry<Who> | null => {
    if (at < dayStart || at >= dayStart + dayMs) beginDay(at)
    const known = noted.get(id)
    if (known !== undefined) return known
    if (owners >= mostOwners) return null
    owners += 1
    const entry = { who, calls: 0, limited: 0, at: 0, address: null, userAgent: undefined, operation: null }
    noted.set(id, entry)
    if (owners === manyOwners) onMany()
    return entry
  }

  return {
    note: (id, who, { address, userAgent, operation }, at) => {
      const entry = entryOf(id, who, at)
      if (entry === null) {
        lost += 1
        return
      }
      entry.calls += 1
      entry.at = at
      entry.address = address
      entry.userAgent = userAgent !== undefined && userAgent.length > longestHeld ? cut(userAgent) : userAgent
      entry.operation = operation
    },
    noteLimited: (id, who, at) => {
      const entry = entryOf(id, who, at)
      if (entry !== null) entry.limited += 1
    },
    get lost() {
      return lost
    },
    take: () => {
      const days = [...earlier, { day: dayOf(dayStart), noted }]
      earlier = []
      noted = new Map()
      owners = 0
      return days.flatMap((it) => batchesOf(it.day, [...it.noted.values()]))
    },
  }
}

/** A copy: a part of a string keeps the whole of it in memory. */
function cut(text: string): string {
  return Buffer.from(text.slice(0, longestHeld)).toString()
}

function batchesOf<Who>(day: Day, entries: readonly Entry<Who>[]): TakenBatch<Who>[] {
  const count = Math.ceil(entries.length / batchSize)
  return Array.from({ length: count }, (_, index) => {
    const part = entries.slice(index * batchSize, (index + 1) * batchSize)
    return {
      calls: part.reduce((sum, { calls }) => sum + calls, 0),
      read: () => ({ day, uses: part.map(toUse) }),
    }
  })
}

function toUse<Who>({ who, calls, limited, at, address, userAgent, operation }: Entry<Who>): NotedUse<Who> {
  const last = at === 0 ? null : { at: new Date(at), address, client: shownClient(userAgent), operation }
  return { who, calls, limited, last }
}
