// The API's own operations on OAuth apps: for keys that hold apps:read and apps:write. A key reaches the apps that
// its organization has registered, of its own mode; any other app is as one that is not there. What is taken from an
// app is taken from everybody who was allowed it, as on the pages: so it lives here, and not with the apps.
import type { App } from '../apps/app.ts'
import { blankApp, nameField, readAppBody, showApp } from '../apps/app-body.ts'
import { type AppCursor, findAppOf, listAppsOf } from '../apps/app-store.ts'
import { deleteApp, registerApp, requireRoomForApp } from '../apps/register-app.ts'
import type { Call, Handler } from '../core/handler.ts'
import { type ClientId, isClientId } from '../core/ids.ts'
import { answerPage, readPage } from '../core/page.ts'
import type { ApiKeyPrincipal, Caller } from '../core/principal.ts'
import { Problem } from '../core/problems.ts'
import type { Profile } from '../core/profile.ts'
import type { Db } from '../db/connect.ts'
import { asTenant } from '../db/tenant.ts'
import { answerOnce } from '../keys/idempotent-answer.ts'
import type { Clock } from '../lib/time.ts'
import { readTimeCursor, writeTimeCursor } from '../lib/time-cursor.ts'
import { type AppRequest, resumeApp, suspendApp } from './suspend-app.ts'
import { updateApp } from './update-app.ts'

export interface AppsApiParts {
  readonly db: Db
  readonly profile: Profile
  readonly clock: Clock
}

/** By operation id. */
export function appsHandlers(parts: AppsApiParts): ReadonlyMap<string, Handler> {
  const { db, clock } = parts
  return new Map([
    ['listApps', listOperation(parts)],
    ['createApp', createOperation(parts)],
    ['getApp', readOperation(parts)],
    ['updateApp', updateOperation(parts)],
    ['deleteApp', deleteOperation(parts)],
    ['suspendApp', changeOperation(parts, (request) => suspendApp(db, request, clock()))],
    ['resumeApp', changeOperation(parts, (request) => resumeApp(db, request))],
  ])
}

function listOperation({ db, profile }: AppsApiParts): Handler {
  return async ({ caller, query }) => {
    const { limit, after } = readPage(profile, query, readCursor)
    const { organization, mode } = caller
    const found = await asTenant(db, caller, (tx) =>
      listAppsOf(tx, { organization, mode, after, limit: limit + 1 }),
    )
    return answerPage(found, limit, showApp, ({ createdAt, clientId: id }) =>
      writeTimeCursor({ createdAt, id }),
    )
  }
}

function createOperation({ db, profile, clock }: AppsApiParts): Handler {
  return async ({ caller, body, attribution, credential, idempotencyKey }) => {
    const { key, organization, mode } = requireKey(caller)
    if (body['mode'] !== undefined && body['mode'] !== mode) {
      const say = `A key of ${mode} mode registers apps of ${mode} mode alone.`
      throw new Problem('wrong_mode', { param: 'mode', say })
    }
    const now = clock()
    const once = { owner: key, credential, idempotencyKey, request: { operation: 'createApp', body } }
    return answerOnce(db, once, now, (tx) =>
      inOurNames(async () => {
        await requireRoomForApp(tx, organization)
        const details = readAppBody(profile, blankApp(profile), body)
        const app = await registerApp(tx, { ...details, mode, organization, by: attribution }, now)
        return { kind: 'item', status: 201, item: showApp(app) }
      }),
    )
  }
}

function readOperation({ db }: AppsApiParts): Handler {
  return async (call) => ({ kind: 'item', status: 200, item: showApp(await requireOwn(db, call)) })
}

function updateOperation({ db, profile }: AppsApiParts): Handler {
  return async (call) => {
    const { clientId: app } = await requireOwn(db, call)
    const { organization } = call.caller
    const details = (before: App) => readAppBody(profile, before, call.body)
    await inOurNames(() => updateApp(db, { app, organization, details, by: call.attribution }))
    return { kind: 'item', status: 200, item: showApp(await requireOwn(db, call)) }
  }
}

function changeOperation({ db }: AppsApiParts, change: (request: AppRequest) => Promise<boolean>): Handler {
  return async (call) => {
    const { clientId: app } = await requireOwn(db, call)
    await inOurNames(() => change({ app, by: call.attribution, as: 'developer' }))
    return { kind: 'item', status: 200, item: showApp(await requireOwn(db, call)) }
  }
}

function deleteOperation({ db }: AppsApiParts): Handler {
  return async (call) => {
    const { clientId } = await requireOwn(db, call)
    if (!(await deleteApp(db, clientId, call.attribution))) throw notFound()
    return { kind: 'nothing' }
  }
}

const notFound = () => new Problem('resource_not_found', { say: 'No such app.' })

/**
 * The app of the address. Its organization and its mode are fixed for good: what was read of them holds for the
 * change that follows. @throws Problem resource_not_found
 */
async function requireOwn(db: Db, { caller, params }: Call): Promise<App> {
  const id = params['client_id'] ?? ''
  if (!isClientId(id)) throw notFound()
  const app = await asTenant(db, caller, (tx) => findAppOf(tx, caller.organization, id))
  if (app?.mode !== caller.mode) throw notFound()
  return app
}

const readCursor = (text: string): AppCursor | null => readTimeCursor<ClientId>(text, isClientId)

/** No app may ask for the scopes of apps: so none comes here, and if one did it would go no further. */
function requireKey(caller: Caller): ApiKeyPrincipal {
  if (caller.kind === 'api_key') return caller
  throw new Problem('wrong_credential_kind', {
    say: 'Apps are registered by keys and by people, not by apps.',
  })
}

/** Says of a bad detail what it is called here; and of an app that was deleted meanwhile, that it is not there. */
async function inOurNames<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (thrown) {
    if (!(thrown instanceof Problem)) throw thrown
    if (thrown.code === 'page_not_found') throw notFound()
    throw nameField(thrown)
  }
}
