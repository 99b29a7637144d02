// A sample resource server, driven by the profile: a new installation answers something, and a vendor
// sees where his own handlers go.
import type { Call, Handler } from '../core/handler.ts'
import { answerPage, readNumberedPage, readPage } from '../core/page.ts'
import { principalId, type TenantPrincipal } from '../core/principal.ts'
import { Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'
import type { Db } from '../db/connect.ts'
import { answerOnce } from '../keys/idempotent-answer.ts'
import type { Clock } from '../lib/time.ts'
import { ulid } from '../lib/ulid.ts'
import {
  changeRow,
  findFirstRow,
  findRow,
  insertRows,
  isInAnyMode,
  type Kind,
  listNumbered,
  listRows,
} from './sample-store.ts'

type Resource = Profile['sample']['resources'][string]

interface SampleHandlersParts {
  readonly profile: Profile
  readonly db: Db
  readonly clock: Clock
}

interface SampleParts extends SampleHandlersParts {
  readonly kind: string
  readonly resource: Resource
}

/** A handler for each operation that the profile's sample names. */
export function sampleHandlers({ profile, db, clock }: SampleHandlersParts): ReadonlyMap<string, Handler> {
  const handlers = new Map<string, Handler>()
  for (const [kind, resource] of Object.entries(profile.sample.resources)) {
    const parts = { profile, db, clock, kind, resource }
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

/** The last parameter of the path: a document may call it what it likes. */
function idIn(params: Call['params']): string {
  return Object.values(params).at(-1) ?? ''
}

function readOf(parts: SampleParts): Handler {
  const { db, kind } = parts
  return async ({ caller, params }) => {
    const id = idIn(params)
    const row = await findRow(db, caller, kind, id)
    if (!row) throw await whyNotFound(parts, caller, id)
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

function createOf({ db, clock, kind, resource }: SampleParts): Handler {
  return async ({ caller, body, idempotencyKey, credential }) => {
    const request = { operation: `create ${kind}`, body }
    const once = { owner: principalId(caller), credential, idempotencyKey, request }
    return answerOnce(db, once, clock(), async (tx) => {
      const row = { ...body, id: resource.idPrefix + ulid() }
      await insertRows(tx, caller, kind, [row])
      return { kind: 'item', status: 201, item: row }
    })
  }
}

function updateOf(parts: SampleParts): Handler {
  const { db, kind } = parts
  return async ({ caller, params, body }) => {
    const id = idIn(params)
    const row = await changeRow(db, caller, kind, id, { ...body, id })
    if (!row) throw await whyNotFound(parts, caller, id)
    return { kind: 'item', status: 200, item: row }
  }
}

/**
 * A test key that is sent to one of its organization's live resources, or the other way, is told so: whoever mixed up
 * the two would look long for a row that is there. Of another organization's rows nobody learns anything.
 */
async function whyNotFound(
  { profile, db, kind }: SampleParts,
  caller: TenantPrincipal,
  id: string,
): Promise<Problem> {
  const isOfOtherMode = profile.modes.length > 1 && (await isInAnyMode(db, caller, kind, id))
  return new Problem(isOfOtherMode ? 'wrong_mode' : 'resource_not_found')
}

/** A cursor is the last id of its page; opaque, so that nobody builds on that. */
function writeCursor(id: string): string {
  return Buffer.from(id).toString('base64url')
}

/** null for a text that the endpoint did not give. */
function readCursor(cursor: string, resource: Resource): string | null {
  const id = Buffer.from(cursor, 'base64url').toString('utf8')
  const isOurs = id.startsWith(resource.idPrefix) && /^[\w-]+$/.test(id) && writeCursor(id) === cursor
  return isOurs ? id : null
}
