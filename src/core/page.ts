// A page of a list, as operations of the API read what was asked for and give what was found.
import type { Answer, Call } from './handler.ts'
import { Problem } from './problems.ts'
import type { Profile } from './profile.ts'

/** What was asked for: so many, after that one (null: from the beginning). */
export interface AskedPage<Cursor> {
  readonly limit: number
  readonly after: Cursor | null
}

/**
 * @param readCursor null for a text that the endpoint did not give
 * @throws Problem invalid_parameter that names the cursor
 */
export function readPage<Cursor>(
  { pagination }: Pick<Profile, 'pagination'>,
  query: Call['query'],
  readCursor: (text: string) => Cursor | null,
): AskedPage<Cursor> {
  const limit = limitOf(pagination, query)
  if (query['cursor'] === undefined) return { limit, after: null }
  const after = readCursor(String(query['cursor']))
  if (after) return { limit, after }
  const say = 'cursor: it is not one that this endpoint gave.'
  throw new Problem('invalid_parameter', { param: 'cursor', say })
}

/** @param found one more than `limit` where there is another page */
export function answerPage<Item>(
  found: readonly Item[],
  limit: number,
  show: (item: Item) => object,
  writeCursor: (last: Item) => string,
): Answer {
  const page = found.slice(0, limit)
  const last = page.at(-1)
  return {
    kind: 'list',
    items: page.map(show),
    nextCursor: found.length > limit && last !== undefined ? writeCursor(last) : null,
  }
}

/** A page by its number, as profiles have it that count their pages: so many, after the first `offset`. */
export interface NumberedPage {
  readonly limit: number
  readonly page: number
  readonly offset: number
}

export function readNumberedPage(
  { pagination }: Pick<Profile, 'pagination'>,
  query: Call['query'],
): NumberedPage {
  const limit = limitOf(pagination, query)
  const page = wholeNumber(query, 'page', 1)
  return { limit, page, offset: (page - 1) * limit }
}

/** Beyond it offsets are no whole numbers any more, in JavaScript and in PostgreSQL. */
const highestNumber = 1_000_000_000

function limitOf({ defaultLimit, maxLimit }: Profile['pagination'], query: Call['query']): number {
  return Math.min(wholeNumber(query, 'limit', defaultLimit), maxLimit)
}

/** The document's schema has mostly been over it; a vendor's may say nothing of it, or too little. */
function wholeNumber(query: Call['query'], param: 'page' | 'limit', usual: number): number {
  const number = Number(query[param] ?? usual)
  if (Number.isInteger(number) && number >= 1 && number <= highestNumber) return number
  const say = `${param}: it must be a whole number from 1 to ${highestNumber}.`
  throw new Problem('invalid_parameter', { param, say })
}
