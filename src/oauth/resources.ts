// The resources that access tokens can be for (RFC 8707): our own API, and the audiences of resource servers.
import type { Middleware } from 'koa'
import type { Database } from '../db/connect.ts'
import { findScopesOfAudience } from './resource-server-store.ts'
import { normalizeResource } from './resource-uri.ts'

export interface Resource {
  /** Normalized: what `grants.resource` and `credentials.audience` say. */
  readonly audience: string
  /** What can be granted for it. */
  readonly scopes: readonly string[]
}

export interface Resources {
  /** What is asked for when no resource is. */
  readonly own: Resource
  /** One index probe, none for our own API; null for a resource that nobody registered. @param resource normalized */
  find(resource: string): Promise<Resource | null>
}

/** @param scopes all that an app may ask for */
export function createResources(database: Database, audience: string, scopes: readonly string[]): Resources {
  const own = { audience, scopes }
  return {
    own,
    find: async (resource) => {
      if (resource === audience) return own
      const granted = await findScopesOfAudience(database, resource)
      if (granted.length === 0) return null
      // Several servers of one audience are one resource: it has what one of them has.
      const hasAll = granted.includes(null)
      const some = new Set(granted.flatMap((its) => its ?? []))
      return { audience: resource, scopes: hasAll ? scopes : scopes.filter((scope) => some.has(scope)) }
    },
  }
}

/**
 * The resource that an authorization request names, in our way of writing it: the engine compares names letter by
 * letter, and clients that are given https://mcp.example.com send https://mcp.example.com/. What can't be
 * normalized is left to be refused. (In the body of a POST it has to be written our way.)
 */
export function normalizeRequestedResource(): Middleware {
  return (ctx, next) => {
    const { resource } = ctx.query
    if (/^\/oauth\/authorize\/*$/i.test(ctx.path) && typeof resource === 'string') {
      const normalized = normalizeResource(resource)
      if (normalized !== null && normalized !== resource) ctx.query = { ...ctx.query, resource: normalized }
    }
    return next()
  }
}
