// What can be done to resource servers: made, given another secret, deleted.
import { record } from '../audit/record.ts'
import type { Attribution } from '../core/attribution.ts'
import { newResourceServerId, type ResourceServerId } from '../core/ids.ts'
import { Problem } from '../core/problems.ts'
import type { Db } from '../db/connect.ts'
import { sha256 } from '../lib/digest.ts'
import { randomBase62 } from '../lib/random.ts'
import { Secret } from '../lib/secret.ts'
import type { ResourceServer } from './resource-server.ts'
import { deleteResourceServer, insertResourceServer, replaceSecret } from './resource-server-store.ts'
import { isSafeResource, normalizeResource } from './resource-uri.ts'

export interface NewResourceServer {
  readonly name: string
  /** As it was written: it is kept normalized. */
  readonly audience: string
  readonly scopes: readonly string[] | null
  readonly by: Attribution
}

export interface ResourceServerWithSecret {
  readonly server: ResourceServer
  /** Shown once: its hash alone is kept. */
  readonly secret: Secret
}

const longestName = 100
const longestAudience = 500

/** @throws Problem invalid_parameter for a name or an audience that can't be */
export async function registerResourceServer(
  db: Db,
  { name, audience: written, scopes, by }: NewResourceServer,
  now: Date,
): Promise<ResourceServerWithSecret> {
  const audience = normalizeResource(written)
  if (!audience || audience.length > longestAudience || !isSafeResource(audience)) {
    const say =
      'The audience must be the address of the API that the tokens are for: https (or http on this machine), without a fragment or a user name.'
    throw new Problem('invalid_parameter', { param: 'audience', say })
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a name may not have
  if (name.trim() === '' || name.length > longestName || /[\u0000-\u001f\u007f]/.test(name)) {
    const say = `The name must have 1 to ${longestName} characters, on one line.`
    throw new Problem('invalid_parameter', { param: 'name', say })
  }
  const server = {
    id: newResourceServerId(),
    name: name.trim(),
    audience,
    scopes: scopes && [...new Set(scopes)].sort(),
    createdAt: now,
  }
  const secret = newSecret()
  await db.transaction(async (tx) => {
    await insertResourceServer(tx, server, sha256(secret.reveal()))
    const details = { name: server.name, audience, scopes: server.scopes }
    await record(tx, {
      organization: null,
      by,
      action: 'resource_server.created',
      target: server.id,
      details,
    })
  })
  return { server, secret }
}

/** The secret that it had is refused from now on. null when there is none of that id. */
export function rotateSecret(
  db: Db,
  id: ResourceServerId,
  by: Attribution,
): Promise<ResourceServerWithSecret | null> {
  const secret = newSecret()
  return db.transaction(async (tx) => {
    const server = await replaceSecret(tx, id, sha256(secret.reveal()))
    if (!server) return null
    await record(tx, { organization: null, by, action: 'resource_server.secret_rotated', target: id })
    return { server, secret }
  })
}

/**
 * It is told of no credential any more, and where it was the last one for its audience no app gets another
 * authorization for that. What people allowed stays theirs to take back.
 */
export function removeResourceServer(
  db: Db,
  id: ResourceServerId,
  by: Attribution,
): Promise<ResourceServer | null> {
  return db.transaction(async (tx) => {
    const server = await deleteResourceServer(tx, id)
    if (!server) return null
    const details = { name: server.name, audience: server.audience }
    await record(tx, { organization: null, by, action: 'resource_server.deleted', target: id, details })
    return server
  })
}

/** 256 bits: as with API keys a plain SHA-256 of it may be kept. */
function newSecret(): Secret {
  return new Secret(`rs_secret_${randomBase62(43)}`)
}
