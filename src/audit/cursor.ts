// Where a page of the ledger begins, as a text that callers pass on without looking into it.
import type { Cursor } from './read-store.ts'

/** After this event. */
export function writeCursor({ at, id }: Cursor): string {
  return Buffer.from(`${at}~${id}`).toString('base64url')
}

/** null for a text that `writeCursor` did not give. */
export function readCursor(text: string): Cursor | null {
  const [at = '', id = ''] = Buffer.from(text, 'base64url').toString('utf8').split('~')
  // PostgreSQL knows no year 0.
  const isTime = /^(?!0000)\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/.test(at)
  const day = new Date(at)
  const isReal = isTime && !Number.isNaN(day.getTime()) && day.toISOString().slice(0, 23) === at.slice(0, 23)
  return isReal && /^\d{1,15}$/.test(id) ? { at, id: Number(id) } : null
}
