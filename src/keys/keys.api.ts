// The API's own operations on keys: for keys that hold keys:read and keys:write. What a credential can't see
// here is as what is not there: another organization's keys, and those of the other mode.
import type { Answer, Call, Handler } from '../core/handler.ts'
import { isKeyId, type KeyId } from '../core/ids.ts'
import { answerPage, readPage } from '../core/page.ts'
import type { ApiKeyPrincipal, Caller } from '../core/principal.ts'
import { Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'
import type { SecretFormat } from '../credentials/format.ts'
import type { Database, Db } from '../db/connect.ts'
import { asTenant } from '../db/tenant.ts'
import { addSeconds, type Clock } from '../lib/time.ts'
import { activateKey, deactivateKey, deleteKey, type KeyChangeRequest, revokeKey } from './change-key.ts'
import { answerOnce, type IdempotentRequest } from './idempotent-answer.ts'
import { type IssuedKey, issueKey, type NewKey } from './issue-key.ts'
import { createIssuing } from './issue-together.ts'
import { type ApiKey, type KeyListing, keyState } from './key.ts'
import { readKeyCursor, writeKeyCursor } from './key-cursor.ts'
import { keyLimits, requireWithin } from './key-limits.ts'
import { findListing, listKeys } from './key-store.ts'
import { checkExpiry, readAllowedAddresses, readKeyName, readKeyScopes } from './new-key.ts'
import { endOverlap, rotateKey } from './rotate-key.ts'

export interface KeysApiParts {
  readonly database: Database
  readonly db: Db
  readonly profile: Profile
  readonly format: SecretFormat
  readonly clock: Clock
}

/** By operation id. */
export function keysHandlers(parts: KeysApiParts): ReadonlyMap<string, Handler> {
  return new Map([
    ['listKeys', listOperation(parts)],
    ['createKey', createOperation(parts)],
    ['getKey', readOperation(parts)],
    ['rotateKey', rotateOperation(parts)],
    ['endKeyOverlap', changeOperation(parts, endOverlap)],
    ['revokeKey', changeOperation(parts, revokeKey)],
    ['deactivateKey', changeOperation(parts, deactivateKey)],
    ['activateKey', changeOperation(parts, activateKey)],
    ['deleteKey', deleteOperation(parts)],
  ])
}

function listOperation({ db, profile, clock }: KeysApiParts): Handler {
  return async ({ caller, query }) => {
    const { limit, after } = readPage(profile, query, readKeyCursor)
    const { organization, mode } = caller
    const found = await asTenant(db, caller, (tx) =>
      listKeys(tx, { organization, mode, after, limit: limit + 1 }),
    )
    const now = clock()
    return answerPage(
      found,
      limit,
      (listing) => showListing(listing, now),
      ({ key }) => writeKeyCursor(key),
    )
  }
}

function createOperation({ database, db, profile, format, clock }: KeysApiParts): Handler {
  const issueTogether = createIssuing(database, format)
  return async (call) => {
    const { caller, body } = call
    const maker = requireKey(caller)
    const now = clock()
    if (body['mode'] !== undefined && body['mode'] !== maker.mode) {
      const say = `A key of ${maker.mode} mode makes keys of ${maker.mode} mode alone.`
      throw new Problem('wrong_mode', { param: 'mode', say })
    }
    if (call.idempotencyKey === null) {
      const issued = await issueTogether(readNewKey(profile, call, maker, now), now)
      return { kind: 'item', status: 201, item: showIssued(issued, now), isAddition: true }
    }
    // Read where it is run: what may be asked for now is no matter to who is given an answer again.
    return answerOnce(db, onceOf(call, maker, 'createKey'), now, async (tx) => {
      const issued = await issueKey(tx, format, readNewKey(profile, call, maker, now), now)
      return { kind: 'item', status: 201, item: showIssued(issued, now) }
    })
  }
}

/** @throws Problem invalid_parameter; exceeds_creator */
function readNewKey(
  profile: Profile,
  { body, attribution }: Call,
  maker: ApiKeyPrincipal,
  now: Date,
): NewKey {
  const allowed = body['allowed_addresses'] ?? maker.allowedAddresses ?? []
  const wanted = {
    organization: maker.organization,
    mode: maker.mode,
    name: readKeyName(String(body['name'])),
    scopes: readKeyScopes(profile, texts(body['scopes'])),
    expiresAt: readExpiry(body, maker, now),
    allowedAddresses: readAllowedAddresses(texts(allowed)),
    by: attribution,
  }
  requireWithin(keyLimits(maker), wanted)
  return wanted
}

function readOperation({ db, clock }: KeysApiParts): Handler {
  return async ({ caller, params }) => {
    const listing = await asTenant(db, caller, (tx) => findListing(tx, caller, keyIdOf(params)))
    if (!listing) throw new Problem('key_not_found')
    return { kind: 'item', status: 200, item: showListing(listing, clock()) }
  }
}

function rotateOperation({ db, format, clock }: KeysApiParts): Handler {
  return async (call) => {
    const maker = requireKey(call.caller)
    const limits = keyLimits(maker)
    const now = clock()
    const request = { ...requestOf(call, now), check: (wanted: ApiKey) => requireWithin(limits, wanted) }
    const overlap = Number(call.body['overlap_seconds'])
    return answerOnce(db, onceOf(call, maker, 'rotateKey'), now, async (tx) => {
      // A key that ends may rotate itself, and lives no longer for it.
      const given = { notAfter: maker.expiresAt }
      const { old, ...issued } = await rotateKey(tx, format, request, overlap, given)
      return {
        kind: 'item',
        status: 201,
        item: { ...showIssued(issued, now), old: show(old, now) },
      }
    })
  }
}

function changeOperation(
  { db, clock }: KeysApiParts,
  change: (db: Db, request: KeyChangeRequest) => Promise<ApiKey>,
): Handler {
  return async (call): Promise<Answer> => {
    const request = requestOf(call, clock())
    return { kind: 'item', status: 200, item: show(await change(db, request), request.now) }
  }
}

function deleteOperation({ db, clock }: KeysApiParts): Handler {
  return async (call) => {
    await deleteKey(db, requestOf(call, clock()))
    return { kind: 'nothing' }
  }
}

function requestOf({ caller, params, attribution }: Call, now: Date): KeyChangeRequest {
  const { organization, mode } = caller
  return { reach: { organization, mode }, id: keyIdOf(params), by: attribution, now }
}

/** Sent again with the same Idempotency-Key, it makes nothing more and is answered as before. */
function onceOf(
  { credential, idempotencyKey, params, body }: Call,
  { key }: ApiKeyPrincipal,
  operation: string,
): IdempotentRequest {
  return { owner: key, credential, idempotencyKey, request: { operation, params, body } }
}

/** What is no id names nothing. @throws Problem key_not_found */
function keyIdOf({ id = '' }: Readonly<Record<string, string>>): KeyId {
  if (!isKeyId(id)) throw new Problem('key_not_found')
  return id
}

/** No app may ask for the scopes of keys: so none comes here, and if one did it would go no further. */
function requireKey(caller: Caller): ApiKeyPrincipal {
  if (caller.kind === 'api_key') return caller
  throw new Problem('wrong_credential_kind', { say: 'Keys are made by keys and by people, not by apps.' })
}

/** Without a word of it, a key that ends makes keys that end with it. */
function readExpiry(body: Call['body'], maker: ApiKeyPrincipal, now: Date): Date | null {
  const { expires_at: at, expires_in: seconds } = body
  if (at != null && seconds != null) {
    throw new Problem('invalid_parameter', {
      param: 'expires_in',
      say: 'expires_in: send it or expires_at, not both.',
    })
  }
  if (seconds != null) return checkExpiry(addSeconds(now, Number(seconds)), now, 'expires_in')
  return at == null ? maker.expiresAt : checkExpiry(new Date(String(at)), now)
}

/** The document's schema says that it is an array of strings. */
const texts = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [])

function show(key: ApiKey, now: Date) {
  return {
    id: key.id,
    name: key.name,
    mode: key.mode,
    scopes: key.scopes,
    prefix: key.prefix,
    last_four: key.lastFour,
    status: keyState(key, now),
    allowed_addresses: key.allowedAddresses ?? [],
    created_by: key.createdBy,
    created_at: key.createdAt.toISOString(),
    expires_at: key.expiresAt?.toISOString() ?? null,
    retires_at: key.retiresAt?.toISOString() ?? null,
    rotated_from: key.rotatedFrom,
  }
}

/** The only time that the secret leaves the house (SECURITY K6). */
const showIssued = ({ key, secret }: IssuedKey, now: Date) =>
  Object.assign(show(key, now), { secret: secret.reveal() })

function showListing({ key, lastUse }: KeyListing, now: Date) {
  return Object.assign(show(key, now), {
    last_used_at: lastUse?.at.toISOString() ?? null,
    last_used_from: lastUse?.address ?? null,
    last_used_by: lastUse?.client ?? null,
    last_used_for: lastUse?.operation ?? null,
  })
}
