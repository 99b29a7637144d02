// Verifies the ledger: walks every chain once and names, in each, the first row that is not as it was sealed.
import type { Db, Tx } from '../db/connect.ts'
import { beforeFirst, type Link, linkOf } from './chain.ts'
import { type Fault, faultOf, whatIsWrong } from './fault.ts'
import {
  atOneInstant,
  countSeals,
  eventIdRange,
  findStrays,
  readNotes,
  readSeals,
  type SealedRow,
  type StrayEvent,
} from './verify-store.ts'

export interface ChainHead {
  /** null is the chain of what belongs to no organization. */
  readonly organization: string | null
  readonly rows: number
  /** The last link, in hex: kept elsewhere, it proves later that nothing was cut off. */
  readonly head: string
}

export interface Verification {
  /** The first fault of each chain that has one; none in a ledger that is whole. */
  readonly faults: readonly Fault[]
  readonly rows: number
  readonly chains: readonly ChainHead[]
  /** Events that wait for their seal. */
  readonly pending: number
}

export interface VerifyOptions {
  /** One organization alone. */
  readonly organization?: string
  /** A head of that organization's chain that was kept: it must still be one of its links. */
  readonly expectHead?: string
  readonly onProgress?: (rows: number, total: number) => void
}

const batchSize = 5000
/** Events looked through at once for those that have no seal. */
const idsAtOnce = 200_000

/** Reads one state of the whole ledger; what is recorded meanwhile is neither seen nor disturbed. */
export function verifyLedger(db: Db, options: VerifyOptions = {}): Promise<Verification> {
  return atOneInstant(db, async (tx) => {
    const only = options.organization ?? null
    const strays = await allStrays(tx, only)
    const walked = await walk(tx, only, strays, options)
    const { pending, gone } = await readNotes(tx, only)
    const faults = new Map(walked.faults)
    const add = (chain: string, fault: Fault) => {
      if (!faults.has(chain)) faults.set(chain, fault)
    }
    for (const { chain, event, sealedIn } of strays) {
      // An event that was moved away is told where it was sealed, as the change that it is.
      if (sealedIn === null || !walked.faults.has(sealedIn))
        add(chain, faultOf('unsealed', chain, null, event))
    }
    // Whose it was went with it: it is told with the chain of none, and whichever organization is asked for.
    for (const event of gone) add('', faultOf('removed', '', null, event))
    const { expectHead } = options
    if (only !== null && expectHead !== undefined && !walked.isHeadThere)
      add(only, faultOf('cut', only, null, null))
    const isSound = ({ organization }: ChainHead) => !faults.has(organization ?? '')
    return {
      faults: [...faults.values()],
      rows: walked.rows,
      chains: walked.chains.filter(isSound),
      pending,
    }
  })
}

interface Walk {
  readonly rows: number
  readonly chains: readonly ChainHead[]
  readonly faults: ReadonlyMap<string, Fault>
  readonly isHeadThere: boolean
}

async function walk(
  tx: Tx,
  only: string | null,
  strays: readonly StrayEvent[],
  { expectHead, onProgress }: VerifyOptions,
): Promise<Walk> {
  const total = onProgress ? await countSeals(tx, only) : 0
  const faults = new Map<string, Fault>()
  const heads = new Map<string, { readonly sequence: number; readonly hash: Link }>()
  let rows = 0
  let isHeadThere = false
  for await (const batch of batchesOf(tx, only)) {
    for (const row of batch) {
      if (faults.has(row.chain)) continue // what follows a broken link can't be judged
      const before = heads.get(row.chain) ?? { sequence: 0, hash: beforeFirst }
      const sequence = before.sequence + 1
      const hash =
        row.sequence === sequence && row.body !== null
          ? linkOf(before.hash, sequence, { event: row.event, body: row.body })
          : null
      if (hash === row.hash) {
        heads.set(row.chain, { sequence, hash })
        isHeadThere ||= expectHead !== undefined && hash === expectHead
      } else {
        faults.set(row.chain, await whatIsWrong(tx, { row, before: before.hash, sequence, strays }))
      }
    }
    rows += batch.length
    onProgress?.(rows, total)
  }
  const chains = [...heads].map(([chain, { sequence, hash }]) => ({
    organization: chain === '' ? null : chain,
    rows: sequence,
    head: hash,
  }))
  return { rows, chains, faults, isHeadThere }
}

/** The next batch is on its way while this one is hashed. */
async function* batchesOf(tx: Tx, only: string | null): AsyncGenerator<readonly SealedRow[]> {
  const read = (after: { chain: string; sequence: number }) => {
    const rows = readSeals(tx, only, after, batchSize)
    rows.catch(() => {}) // thrown where it is awaited
    return rows
  }
  for (let coming = read({ chain: '', sequence: 0 }); ; ) {
    const batch = await coming
    const last = batch.at(-1)
    if (last === undefined) return
    coming = read(last)
    yield batch
  }
}

async function allStrays(tx: Tx, only: string | null): Promise<StrayEvent[]> {
  const range = await eventIdRange(tx)
  const strays: StrayEvent[] = []
  if (range === null) return strays
  for (let first = range.first; first <= range.last; first += idsAtOnce) {
    strays.push(...(await findStrays(tx, only, { first, last: first + idsAtOnce - 1 })))
  }
  return strays
}
