// Lists: `await` gives one page, `for await` everything.
import { at, isObject } from './answers.ts'
import type { Contract } from './contract.ts'

export type Query = Readonly<Record<string, unknown>>

/** One page of a list. */
export interface Page<T> {
  readonly data: readonly T[]
  /** What `cursor` (or `page`, where pages are numbered) is for the next page; null on the last. */
  readonly nextCursor: string | null
  /** The next page; null after the last. */
  next(): Promise<Page<T> | null>
}

/**
 * A list that was asked for. `await` it for its first page, or go through all of it with `for await`, page after page.
 * Nothing is sent before.
 */
export interface Listing<T> extends Promise<Page<T>>, AsyncIterable<T> {
  /** Page after page. */
  pages(): AsyncIterable<Page<T>>
}

export interface ListAnswer {
  readonly body: unknown
  /** The header Link; undefined where there is none. */
  readonly link: string | undefined
}

/** @param ask sends the request with this query */
export function createListing<T>(
  contract: Contract,
  query: Query,
  ask: (query: Query) => Promise<ListAnswer>,
): Listing<T> {
  const read = async (asked: Query): Promise<Page<T>> => {
    const answer = await ask(asked)
    const next = nextOf(contract, asked, answer)
    const items = at(answer.body, contract.envelope.items)
    return {
      data: Array.isArray(items) ? items : [],
      nextCursor: next?.cursor ?? null,
      next: async () => (next ? read({ ...asked, ...next.query }) : null),
    }
  }
  let first: Promise<Page<T>> | undefined
  const start = () => {
    first ??= read(query)
    return first
  }
  async function* pages() {
    for (let page: Page<T> | null = await start(); page; page = await page.next()) yield page
  }
  async function* items() {
    for await (const page of pages()) yield* page.data
  }
  return {
    // It is a promise of its first page: what `await` looks for.
    // biome-ignore lint/suspicious/noThenProperty: see above
    then: (onFulfilled, onRejected) => start().then(onFulfilled, onRejected),
    catch: (onRejected) => start().catch(onRejected),
    finally: (onSettled) => start().finally(onSettled),
    [Symbol.toStringTag]: 'Listing',
    pages,
    [Symbol.asyncIterator]: items,
  }
}

interface Next {
  readonly cursor: string
  readonly query: Query
}

function nextOf(contract: Contract, asked: Query, { body, link }: ListAnswer): Next | null {
  const { envelope, pagination } = contract
  if (pagination === 'link') {
    const query = queryOfNext(link)
    return query && { cursor: query['cursor'] ?? query['page'] ?? '', query }
  }
  if (pagination === 'cursor') {
    const cursor = envelope.nextCursor && at(body, envelope.nextCursor)
    return typeof cursor === 'string' && cursor !== '' ? { cursor, query: { cursor } } : null
  }
  const page = Number((envelope.page && at(body, envelope.page)) ?? asked['page'] ?? 1)
  const total = Number((envelope.totalPages && at(body, envelope.totalPages)) ?? Number.NaN)
  return page < total ? { cursor: String(page + 1), query: { page: page + 1 } } : null
}

/** The query of the address that the header Link calls the next (RFC 8288); null where it names none. */
function queryOfNext(link: string | undefined): Readonly<Record<string, string>> | null {
  const [, target] = /<([^>]*)>[^,<]*;\s*rel="?next"?/i.exec(link ?? '') ?? []
  if (target === undefined) return null
  return Object.fromEntries(new URL(target, 'http://localhost').searchParams)
}

/** A query as text; what is undefined or null is left out, and a list is said more than once. */
export function queryText(query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value])
      .filter((it) => it !== undefined && it !== null)
      .map((it): [string, string] => [name, isObject(it) ? JSON.stringify(it) : String(it)]),
  )
  return pairs.length === 0 ? '' : `?${new URLSearchParams(pairs)}`
}
