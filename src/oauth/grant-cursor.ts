// Where a page of grants begins, as a text that callers pass on without looking into it.
import { isGrantId } from '../core/ids.ts'
import type { GrantCursor } from './connected-app-store.ts'

/** After this grant. */
export function writeGrantCursor({ createdAt, id }: GrantCursor): string {
  return Buffer.from(`${createdAt.getTime()}.${id}`).toString('base64url')
}

/** null for a text that `writeGrantCursor` did not give. */
export function readGrantCursor(text: string): GrantCursor | null {
  const [time = '', id = ''] = Buffer.from(text, 'base64url').toString('utf8').split('.')
  const createdAt = new Date(Number(time))
  if (!/^\d{1,15}$/.test(time) || !isGrantId(id) || Number.isNaN(createdAt.getTime())) return null
  return writeGrantCursor({ createdAt, id }) === text ? { createdAt, id } : null
}
