// Where a page of keys begins, as a text that callers pass on without looking into it.
import { isKeyId } from '../core/ids.ts'
import { readTimeCursor, writeTimeCursor } from '../lib/time-cursor.ts'
import type { KeyCursor } from './key-store.ts'

/** After this key. */
export const writeKeyCursor = ({ createdAt, id }: KeyCursor): string => writeTimeCursor({ createdAt, id })

/** null for a text that `writeKeyCursor` did not give. */
export const readKeyCursor = (text: string): KeyCursor | null => readTimeCursor(text, isKeyId)
