// Where a page of grants begins, as a text that callers pass on without looking into it.
import { isGrantId } from '../core/ids.ts'
import { readTimeCursor, writeTimeCursor } from '../lib/time-cursor.ts'
import type { GrantCursor } from './connected-app-store.ts'

/** After this grant. */
export const writeGrantCursor = ({ createdAt, id }: GrantCursor): string => writeTimeCursor({ createdAt, id })

/** null for a text that `writeGrantCursor` did not give. */
export const readGrantCursor = (text: string): GrantCursor | null => readTimeCursor(text, isGrantId)
