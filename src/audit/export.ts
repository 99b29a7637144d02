// The ledger as a file: CSV for spreadsheets, NDJSON for programs, a batch of rows at a time.
import { csvLine } from '../lib/csv.ts'
import type { Cursor, LedgerEvent } from './read-store.ts'

export type ExportFormat = 'csv' | 'ndjson'
export const exportFormats = ['csv', 'ndjson'] as const satisfies readonly ExportFormat[]

export const isExportFormat = (text: unknown): text is ExportFormat => text === 'csv' || text === 'ndjson'

export const exportTypes = {
  csv: 'text/csv; charset=utf-8; header=present',
  ndjson: 'application/x-ndjson; charset=utf-8',
} as const satisfies Record<ExportFormat, string>

/** Rows that are in memory at once. */
const batchSize = 1000

/** Reads the next rows after the cursor: newest first. */
export type ReadEvents = (after: Cursor | null, limit: number) => Promise<readonly LedgerEvent[]>

/**
 * The file, in pieces. It asks for the next rows only when the piece before has been taken, and for no more once
 * nobody takes any: memory is the same for a hundred rows and for a hundred million.
 * @param onRows told how many rows have been written so far
 */
export async function* exportEvents(
  format: ExportFormat,
  read: ReadEvents,
  onRows: (rows: number) => void = () => {},
): AsyncGenerator<string> {
  if (format === 'csv') yield csvLine(Object.keys(columns))
  const line = { csv: toCsv, ndjson: toJson }[format]
  let rows = 0
  for (let after: Cursor | null = null; ; ) {
    const events: readonly LedgerEvent[] = await read(after, batchSize)
    if (events.length > 0) yield events.map(line).join('')
    rows += events.length
    onRows(rows)
    after = events.at(-1) ?? null
    if (after === null || events.length < batchSize) return
  }
}

const columns = {
  id: (it) => it.id,
  time: (it) => it.at,
  organization_id: (it) => it.organization,
  actor_kind: (it) => it.actorKind,
  actor_id: (it) => it.actorId,
  on_behalf_of: (it) => it.onBehalfOf,
  action: (it) => it.action,
  target: (it) => it.target,
  address: (it) => it.address,
  request_id: (it) => it.requestId,
  details: (it) => it.details,
} as const satisfies Record<string, (it: LedgerEvent) => unknown>

const named = (it: LedgerEvent) => Object.entries(columns).map(([name, of]) => [name, of(it)] as const)

/** An event as programs read it, in the file and in the API. */
export const showEvent = (it: LedgerEvent): object => Object.fromEntries(named(it))

const toJson = (it: LedgerEvent) => `${JSON.stringify(showEvent(it))}\n`

const toCsv = (it: LedgerEvent) =>
  csvLine(
    named(it).map(([, value]) =>
      value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value),
    ),
  )
