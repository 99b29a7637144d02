// A sample resource server, driven by the profile: a new installation answers something, and a vendor
// sees where his own handlers go.
import type { Handler } from '../core/handler.ts'
import { answerPage, readNumberedPage, readPage } from '../core/page.ts'
import { Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'
import type { Db } from '../db/connect.ts'
import { ulid } from '../lib/ulid.ts'
import {
  changeRow,
  findFirstRow,
  findRow,
  insertRows,
  type Kind,
  listNumbered,
  listRows,
} from './sample-store.ts'

type Resource = Profile['sample']['resources'][string]

interface SampleParts {
  readonly profile: Profile
  readonly db: Db
  readonly kind: string
  readonly resource: Resource
}

/** A handler for each operation that the profile's sample names. */
export function sampleHandlers(profile: Profile, db: Db): ReadonlyMap<string, Handler> {
  const handlers = new Map<string, Handler>()
  for (const [kind, resource] of Object.entries(profile.sample.resources)) {
    const parts = { profile, db, kind, resource }
    const { list, read, create, update, only, listBy } = resource.operations
    if (list) handlers.set(list, listOf(parts))
    if (read) handlers.set(read, readOf(parts))
    if (create) handlers.set(create, createOf(parts))
    if (update) handlers.set(update, updateOf(parts))
    if (only) handlers.set(only, onlyOf(parts))
    if (listBy) handlers.set(listBy.operation, listOf(parts, listBy))
  }
  return handlers
}

function listOf(
  { profile, db, kind, resource }: SampleParts,
  by?: { readonly parameter: string; readonly field: string },
): Handler {
  return async ({ caller, query, params }) => {
    const rowsOf: Kind = by
      ? { kind, where: { field: by.field, value: params[by.parameter] ?? '' } }
      : { kind }
    if (profile.pagination.style === 'page') {
      const asked = readNumberedPage(profile, query)
      const { rows, total } = await listNumbered(db, caller, rowsOf, asked.offset, asked.limit)
      const numbers = { page: asked.page, limit: asked.limit, total }
      return { kind: 'list', items: rows, nextCursor: null, numbers }
    }
    const { limit, after } = readPage(profile, query, (text) => readCursor(text, resource))
    // One more than asked for tells whether there is another page.
    const rows = await listRows(db, caller, rowsOf, after, limit + 1)
    return answerPage(
      rows,
      limit,
      (row) => row,
      ({ id }) => writeCursor(id),
    )
  }
}

function readOf({ db, kind }: SampleParts): Handler {
  return async ({ caller, params }) => {
    const row = await findRow(db, caller, kind, params['id'] ?? '')
    if (!row) throw new Problem('resource_not_found')
    return { kind: 'item', status: 200, item: row }
  }
}

function onlyOf({ db, kind }: SampleParts): Handler {
  return async ({ caller }) => {
    const row = await findFirstRow(db, caller, kind)
    if (!row) throw new Problem('resource_not_found')
    return { kind: 'item', status: 200, item: row }
  }
}

function createOf({ db, kind, resource }: SampleParts): Handler {
  return async ({ caller, body }) => {
    const row = { ...body, id: resource.idPrefix + ulid() }
    await insertRows(db, caller, kind, [row])
    return { kind: 'item', status: 201, item: row }
  }
}

function updateOf({ db, kind }: SampleParts): Handler {
  return async ({ caller, params, body }) => {
    const id = params['id'] ?? ''
    const row = await changeRow(db, caller, kind, id, { ...body, id })
    if (!row) throw new Problem('resource_not_found')
    return { kind: 'item', status: 200, item: row }
  }
}

/** A cursor is the last id of its page; opaque, so that nobody builds on that. */
function writeCursor(id: string): string {
  return Buffer.from(id).toString('base64url')
}

/** null for a text that the endpoint did not give. */
function readCursor(cursor: string, resource: Resource): string | null {
  const id = Buffer.from(cursor, 'base64url').toString('utf8')
  const isOurs = id.startsWith(resource.idPrefix) && /^\w+$/.test(id) && writeCursor(id) === cursor
  return isOurs ? id : null
}
