// The API's own operations on grants: for keys that hold grants:read and grants:write. A key sees what people allowed
// apps to do for its organization, in its own mode; any other grant is as one that is not there.
import type { Call, Handler } from '../core/handler.ts'
import { type GrantId, isClientId, isGrantId, isPersonId } from '../core/ids.ts'
import { answerPage, readPage } from '../core/page.ts'
import { Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'
import type { Db } from '../db/connect.ts'
import { asTenant } from '../db/tenant.ts'
import type { Clock } from '../lib/time.ts'
import { readGrantCursor, writeGrantCursor } from './grant-cursor.ts'
import { findGrantListing, type GrantListing, listGrantListings } from './grant-listing-store.ts'
import { removeGrant } from './remove-access.ts'

export interface GrantsApiParts {
  readonly db: Db
  readonly profile: Profile
  readonly clock: Clock
}

/** By operation id. */
export function grantsHandlers(parts: GrantsApiParts): ReadonlyMap<string, Handler> {
  return new Map([
    ['listGrants', listOperation(parts)],
    ['getGrant', readOperation(parts)],
    ['revokeGrant', revokeOperation(parts)],
  ])
}

function listOperation({ db, profile, clock }: GrantsApiParts): Handler {
  return async ({ caller, query }) => {
    const { limit, after } = readPage(profile, query, readGrantCursor)
    const { organization, mode } = caller
    const filter = { organization, mode, ...readIds(query) }
    const found = await asTenant(db, caller, (tx) =>
      listGrantListings(tx, filter, { after, limit: limit + 1 }, clock()),
    )
    return answerPage(found, limit, show, ({ grant }) => writeGrantCursor(grant))
  }
}

function readOperation({ db, clock }: GrantsApiParts): Handler {
  return async (call) => {
    const listing = await asTenant(db, call.caller, (tx) =>
      findGrantListing(tx, grantIdOf(call), call.caller, clock()),
    )
    if (!listing) throw notFound()
    return { kind: 'item', status: 200, item: show(listing) }
  }
}

/** As an administrator removes one install of an app: the app has to ask the person again. */
function revokeOperation({ db }: GrantsApiParts): Handler {
  return async (call) => {
    const { caller, attribution } = call
    const gone = await asTenant(db, caller, (tx) => removeGrant(tx, grantIdOf(call), attribution, caller))
    if (!gone) throw notFound()
    return { kind: 'nothing' }
  }
}

const notFound = () => new Problem('resource_not_found', { say: 'No such grant.' })

/** What is no id names nothing. @throws Problem resource_not_found */
function grantIdOf({ params: { id = '' } }: Call): GrantId {
  if (!isGrantId(id)) throw notFound()
  return id
}

/** @throws Problem invalid_parameter for what can't be the id of an app or a person */
function readIds({ client_id: client, person_id: person }: Call['query']) {
  return {
    ...(client === undefined ? {} : { client: readId('client_id', String(client), isClientId) }),
    ...(person === undefined ? {} : { person: readId('person_id', String(person), isPersonId) }),
  }
}

function readId<Id extends string>(param: string, text: string, isId: (text: string) => text is Id): Id {
  if (isId(text)) return text
  throw new Problem('invalid_parameter', { param, say: `${param}: it is not an id of that kind.` })
}

function show({ grant, clientName, lastUse }: GrantListing) {
  return {
    id: grant.id,
    client_id: grant.client,
    client_name: clientName,
    person_id: grant.person,
    mode: grant.mode,
    scopes: grant.scopes,
    resource: grant.resource,
    suspended: grant.isStopped,
    dpop_bound: grant.dpopThumbprint !== null,
    created_at: grant.createdAt.toISOString(),
    expires_at: grant.expiresAt.toISOString(),
    last_used_at: lastUse?.at.toISOString() ?? null,
    last_used_from: lastUse?.address ?? null,
    last_used_by: lastUse?.client ?? null,
    last_used_for: lastUse?.operation ?? null,
  }
}
