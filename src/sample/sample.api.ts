// A sample resource server, driven by the profile: a new installation answers something, and a vendor
// sees where his own handlers go.
import type { Handler } from '../core/handler.ts'
import { Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'
import type { Db } from '../db/connect.ts'
import { ulid } from '../lib/ulid.ts'
import { findRow, insertRows, listRows } from './sample-store.ts'

type Resource = Profile['sample']['resources'][string]

/** A handler for each operation that the profile's sample names. */
export function sampleHandlers(profile: Profile, db: Db): ReadonlyMap<string, Handler> {
  const handlers = new Map<string, Handler>()
  for (const [kind, resource] of Object.entries(profile.sample.resources)) {
    const { list, read, create } = resource.operations
    if (list) handlers.set(list, listOf(kind, resource, profile, db))
    if (read) handlers.set(read, readOf(kind, db))
    if (create) handlers.set(create, createOf(kind, resource, db))
  }
  return handlers
}

function listOf(kind: string, resource: Resource, { pagination }: Profile, db: Db): Handler {
  return async ({ caller, query }) => {
    const limit = Math.min(Number(query['limit'] ?? pagination.defaultLimit), pagination.maxLimit)
    const after = query['cursor'] === undefined ? null : readCursor(String(query['cursor']), resource)
    // One more than asked for tells whether there is another page.
    const rows = await listRows(db, caller, kind, after, limit + 1)
    const page = rows.slice(0, limit)
    return {
      kind: 'list',
      items: page,
      nextCursor: rows.length > limit ? writeCursor(page.at(-1)?.id ?? '') : null,
    }
  }
}

function readOf(kind: string, db: Db): Handler {
  return async ({ caller, params }) => {
    const row = await findRow(db, caller, kind, params['id'] ?? '')
    if (!row) throw new Problem('resource_not_found')
    return { kind: 'item', status: 200, item: row }
  }
}

function createOf(kind: string, resource: Resource, db: Db): Handler {
  return async ({ caller, body }) => {
    const row = { ...body, id: resource.idPrefix + ulid() }
    await insertRows(db, caller, kind, [row])
    return { kind: 'item', status: 201, item: row }
  }
}

/** A cursor is the last id of its page; opaque, so that nobody builds on that. */
function writeCursor(id: string): string {
  return Buffer.from(id).toString('base64url')
}

function readCursor(cursor: string, resource: Resource): string {
  const id = Buffer.from(cursor, 'base64url').toString('utf8')
  if (!id.startsWith(resource.idPrefix) || !/^\w+$/.test(id) || writeCursor(id) !== cursor) {
    throw new Problem('invalid_parameter', {
      param: 'cursor',
      say: 'cursor: it is not one that this endpoint gave.',
    })
  }
  return id
}
