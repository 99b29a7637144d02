// Writes what a tally has noted, each batch once: one whose commit was not answered is asked for before it is
// written again.
import type { TenantPrincipal } from '../core/principal.ts'
import type { Log } from '../core/telemetry.ts'
import { numberTransaction, outcomeOf, type TransactionId } from '../db/commit.ts'
import type { Db } from '../db/connect.ts'
import type { WriteUses } from './last-use.ts'
import { addOrganizationCalls } from './organization-call-store.ts'
import type { TakenBatch, UseTally } from './use-tally.ts'

interface Waiting<Who> {
  readonly batch: TakenBatch<Who>
  /** The transaction that may have written it: its COMMIT was sent. */
  transaction: TransactionId | null
}

export interface UseWriter {
  /** Writes what has been noted. What can't be written now is kept for the next time. */
  write(): Promise<void>
  /** Forgets what could not be written, at the end, and says how many calls that were. */
  giveUp(): number
}

export function createUseWriter<Who extends TenantPrincipal>(
  tally: UseTally<Who>,
  writeUses: WriteUses<Who>,
  db: Db,
  log: Log,
): UseWriter {
  let waiting: Waiting<Who>[] = []
  let isFailing = false
  let writing: Promise<void> = Promise.resolve()

  const isWritten = async (transaction: TransactionId): Promise<boolean> => {
    const outcome = await outcomeOf(db, transaction)
    // Its server process has not noticed yet that we are gone; it will within seconds.
    if (outcome === 'in progress') throw new Error(`transaction ${transaction} is still under way`)
    // Of what nobody can tell we would rather count too little.
    return outcome !== 'aborted'
  }

  const writeOne = async (it: Waiting<Who>): Promise<void> => {
    if (it.transaction !== null && (await isWritten(it.transaction))) return
    it.transaction = null
    await db.transaction(async (tx) => {
      const transaction = await numberTransaction(tx)
      const { day, uses } = it.batch.read()
      await writeUses(tx, { day, uses })
      await addOrganizationCalls(tx, { day, uses })
      // Until here nothing can have been committed.
      it.transaction = transaction
    })
  }

  const drain = async (): Promise<void> => {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      await writeOne(next)
      waiting.shift()
    }
  }

  const writeAll = async (): Promise<void> => {
    try {
      await drain()
      waiting = tally.take().map((batch) => ({ batch, transaction: null }))
      await drain()
      if (isFailing) log.info('last use and calls are written again')
      isFailing = false
    } catch (cause) {
      // Once, not every few seconds for as long as a database is away.
      if (!isFailing) log.warn({ err: cause }, 'last use could not be written; it is tried again')
      isFailing = true
    }
  }

  return {
    // One batch after the other: two at once could write the same owner in the wrong order.
    write: () => {
      writing = writing.then(writeAll)
      return writing
    },
    giveUp: () => {
      const left = [...waiting.map(({ batch }) => batch), ...tally.take()]
      waiting = []
      return left.reduce((sum, { calls }) => sum + calls, 0)
    },
  }
}
