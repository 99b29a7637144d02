// Which page of a collection a request asks for, as the profile's pagination has it.
import type { Profile } from './profile.ts'

export type AskedPage =
  | { readonly style: 'cursor'; readonly limit: number; readonly cursor: string | null }
  | { readonly style: 'page'; readonly limit: number; readonly page: number; readonly offset: number }

/** @param query checked against the document before: `limit`, and `cursor` or `page` */
export function askedPage({ pagination }: Profile, query: Readonly<Record<string, unknown>>): AskedPage {
  const limit = Math.min(Number(query['limit'] ?? pagination.defaultLimit), pagination.maxLimit)
  if (pagination.style === 'page') {
    const page = Number(query['page'] ?? 1)
    return { style: 'page', limit, page, offset: (page - 1) * limit }
  }
  return { style: 'cursor', limit, cursor: query['cursor'] === undefined ? null : String(query['cursor']) }
}
