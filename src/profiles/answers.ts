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
  /** What one of them is called in the document, as no other is. */
  readonly type: string
  readonly read: string | null
  readonly write: string | null
}

/** How the document tells in which header a credential comes. */
export function securityScheme(header: string): Json {
  return header.toLowerCase() === 'authorization'
    ? { type: 'http', scheme: 'bearer' }
    : { type: 'apiKey', in: 'header', name: header }
}

/** Each resource's type, and none twice: "news" and "new" are New and New2. */
export function typeNames(resources: readonly string[]): Map<string, string> {
  // These the document has anyway; and what is sent to make a Thing is a NewThing.
  const taken = new Set(['Credential', 'Me'])
  const isFree = (type: string) => !taken.has(type) && !taken.has(`New${type}`)
  return new Map(
    resources.map((resource) => {
      const plain = typeName(resource)
      let type = plain
      for (let number = 2; !isFree(type); number++) type = `${plain}${number}`
      taken.add(type).add(`New${type}`)
      return [resource, type]
    }),
  )
}

/** PascalCase of one thing: "photo_booths" is PhotoBooth. */
function typeName(resource: string): string {
  const words = resource.split(/[^a-z0-9]+/).filter((word) => word !== '')
  return (
    words
      .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
      .join('')
      .replace(/s$/, '') || 'Thing'
  )
}
