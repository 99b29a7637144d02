// What is answered before Koa, joined: the API, its document, and the doors of those who ask about credentials.
import { jsonType } from './api/answer.ts'
import { forwardAuthDoor } from './api/forward-auth.ts'
import { type ApiParts, createApi } from './api/pipeline.ts'
import type { Config } from './core/config.ts'
import type { Changes } from './db/changes.ts'
import type { Database } from './db/connect.ts'
import type { Secret } from './lib/secret.ts'
import type { Clock } from './lib/time.ts'
import { type ChangesStream, changesPath, changesStream } from './oauth/changes-stream.ts'
import { createAssertions } from './oauth/identity-assertion.ts'
import { introspection, introspectionPath } from './oauth/introspection.ts'
import { createResourceServers } from './oauth/known-resource-servers.ts'
import { readAnnouncedKey } from './oauth/signing-keys.ts'
import { batchPath, verifyBatch } from './oauth/verify-batch.ts'
import { isRead } from './oauth/well-known.ts'
import { createFront, type Front } from './web/front.ts'
import { pathOf } from './web/host.ts'

export interface FrontDoorParts extends Omit<ApiParts, 'publicUrl' | 'trustedProxies'> {
  readonly config: Config
  readonly database: Database
  readonly clock: Clock
  readonly cookieKeys: readonly Secret[]
  readonly changes: Changes
  readonly isStopping: () => boolean
}

export interface FrontDoors {
  readonly front: Front
  /** Those who listen for changes: to be told when the server closes. */
  readonly streams: ChangesStream
}

export function createFrontDoors(parts: FrontDoorParts): FrontDoors {
  const { config, profile, contract, database, log, clock, cookieKeys, audience, hosts, changes } = parts
  const { publicUrl, trustedProxies } = config
  const asked = { ...parts, publicUrl, trustedProxies }
  const api = createApi(asked)
  const readKey = () => readAnnouncedKey(database.knex, cookieKeys, clock())
  const assertions = { readKey, issuer: publicUrl, audience, clock }
  const verify = forwardAuthDoor({
    ...asked,
    assert: config.forwardAuthJwt ? createAssertions(assertions) : null,
  })
  const forResourceServers = {
    ...asked,
    resourceServers: createResourceServers(database, changes),
    issuer: publicUrl,
  }
  const introspect = introspection(forResourceServers)
  const verifyMany = verifyBatch(forResourceServers)
  const streams = changesStream(forResourceServers)
  const body = JSON.stringify(contract.document)
  const front = createFront({
    log,
    requestIdHeader: profile.headers.requestId,
    doors: [
      (req) => {
        const path = hosts.pathOf(req)
        if (path === null) return null
        if (path === '/openapi.json' && isRead(req))
          return () => ({ status: 200, headers: [...documentHeaders], body })
        return (request) => api(request, path)
      },
      (req) => (pathOf(req) === introspectionPath ? introspect : null),
      (req) => (pathOf(req) === batchPath ? verifyMany : null),
      (req) => (pathOf(req) === changesPath ? streams.answer : null),
      verify,
    ],
  })
  return { front, streams }
}

const documentHeaders = [
  ...['Content-Type', jsonType, 'Cache-Control', 'no-cache'],
  ...['X-Content-Type-Options', 'nosniff'],
]
