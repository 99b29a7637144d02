// Where a page of keys begins, as a text that callers pass on without looking into it.
import { isKeyId } from '../core/ids.ts'
import type { ApiKey } from './key.ts'
import type { KeyCursor } from './key-store.ts'

/** After this key. */
export function writeKeyCursor({ createdAt, id }: Pick<ApiKey, 'createdAt' | 'id'>): string {
  return Buffer.from(`${createdAt.getTime()}.${id}`).toString('base64url')
}

/** null for a text that `writeKeyCursor` did not give. */
export function readKeyCursor(text: string): KeyCursor | null {
  const [time = '', id = ''] = Buffer.from(text, 'base64url').toString('utf8').split('.')
  const createdAt = new Date(Number(time))
  if (!/^\d{1,15}$/.test(time) || !isKeyId(id) || Number.isNaN(createdAt.getTime())) return null
  return writeKeyCursor({ createdAt, id }) === text ? { createdAt, id } : null
}
