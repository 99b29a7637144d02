// What the questions about a new profile have found out, and names that follow from it.
import type { Json } from '../core/envelope-template.ts'

export interface Answers {
  readonly name: string
  readonly brand: string
  readonly summary: string
  /** For light pages; null for ours. */
  readonly accent: string | null
  readonly basePath: string
  readonly header: string
  /** What all prefixes begin with: "acme" for acme_live_. */
  readonly prefix: string
  readonly hasTestMode: boolean
  readonly hasHosts: boolean
  readonly hasOAuth: boolean
  readonly registration: 'off' | 'open' | 'token'
  readonly requestsPerMinute: number
  readonly rateHeaders: 'RateLimit' | 'X-RateLimit'
  readonly pagination: 'cursor' | 'page' | 'link'
  readonly scopes: readonly AnsweredScope[]
  readonly rotationDays: number | null
}

export interface AnsweredScope {
  readonly name: string
  readonly en: string
  readonly fr: string
}

/** A thing that the API has, and the scopes of reading and changing it; null where it takes none. */
export interface NewResource {
  readonly name: string
  readonly read: string | null
  readonly write: string | null
}

/** How the document tells in which header a credential comes. */
export function securityScheme(header: string): Json {
  return header.toLowerCase() === 'authorization'
    ? { type: 'http', scheme: 'bearer' }
    : { type: 'apiKey', in: 'header', name: header }
}

/** PascalCase of one thing: "photo_booths" is PhotoBooth. */
export function typeName(resource: string): string {
  const words = resource.split(/[^a-z0-9]+/).filter((word) => word !== '')
  return (
    words
      .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
      .join('')
      .replace(/s$/, '') || 'Thing'
  )
}
