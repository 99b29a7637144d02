// What can be wrong with the ledger, and how it is found out which of it is.
import type { Tx } from '../db/connect.ts'
import { type Link, linkOf } from './chain.ts'
import { readSeals, type SealedRow, type StrayEvent } from './verify-store.ts'

/** Each kind, and what is said of it to people. */
const faults = {
  changed: 'the event is not the one that was sealed: it was changed',
  removed: 'the event is gone: it was removed',
  reordered: 'the event stands where another was sealed: they were reordered',
  seal_changed: 'the event is as it was sealed, but its seal was changed',
  seal_missing: 'its seal is missing: it was removed',
  unsealed:
    "the event has no seal and waits for none: it was added behind the ledger's back, or its seal was removed or put into another chain",
  cut: 'the head that was kept is no link of this chain: its end was cut off, or all of it was written anew',
} as const

export type FaultKind = keyof typeof faults

export interface Fault {
  readonly kind: FaultKind
  /** null for what belongs to none. */
  readonly organization: string | null
  /** Its place in the chain, from 1; null where it has none. */
  readonly sequence: number | null
  /** The event's id; null where no event is left to name. */
  readonly event: number | null
  readonly say: string
}

export function faultOf(
  kind: FaultKind,
  chain: string,
  sequence: number | null,
  event: number | null,
): Fault {
  return { kind, organization: chain === '' ? null : chain, sequence, event, say: faults[kind] }
}

interface BrokenLink {
  readonly row: SealedRow
  /** The link before it, which is sound. */
  readonly before: Link
  /** The place where a link was expected. */
  readonly sequence: number
  readonly strays: readonly StrayEvent[]
}

/** Names what is wrong with the first row of a chain that does not follow from the one before. */
export async function whatIsWrong(tx: Tx, link: BrokenLink): Promise<Fault> {
  const { row, sequence } = link
  if (row.sequence !== sequence)
    return faultOf('seal_missing', row.chain, sequence, unsealedEventAt(link)?.event ?? null)
  if (row.body === null) return faultOf('removed', row.chain, sequence, row.event)
  return faultOf(await kindOfMismatch(tx, link, row.body), row.chain, sequence, row.event)
}

/** The event whose seal is missing: the one from which the next seal follows. */
function unsealedEventAt({ row, before, sequence, strays }: BrokenLink): StrayEvent | undefined {
  const { body } = row
  if (row.sequence !== sequence + 1 || body === null) return undefined
  return strays.find((stray) => {
    if (stray.chain !== row.chain) return false
    const missing = linkOf(before, sequence, stray)
    return linkOf(missing, row.sequence, { event: row.event, body }) === row.hash
  })
}

/** Another row of the chain that fits here tells that they were reordered; only then is the chain read further. */
async function kindOfMismatch(tx: Tx, link: BrokenLink, body: string): Promise<FaultKind> {
  const { row, before, sequence } = link
  const own = linkOf(before, sequence, { event: row.event, body })
  let last = row
  for (;;) {
    const batch = await readSeals(tx, row.chain, last, 5000)
    for (const other of batch) {
      if (other.body === null) continue
      // Its seal hangs on this place: the event is sound.
      if (other.sequence === sequence + 1) {
        const next = linkOf(own, other.sequence, { event: other.event, body: other.body })
        if (next === other.hash) return 'seal_changed'
      }
      const here = linkOf(before, sequence, { event: other.event, body: other.body })
      // The seals changed places, or the events that they name, or what the events say.
      if (here === other.hash || here === row.hash) return 'reordered'
      if (linkOf(before, sequence, { event: row.event, body: other.body }) === row.hash) return 'reordered'
    }
    const end = batch.at(-1)
    if (end === undefined) return 'changed'
    last = end
  }
}
