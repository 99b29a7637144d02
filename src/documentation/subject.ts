// What the pages are written about, and the words that several of them need.
import type { Contract, Operation } from '../core/contract.ts'
import type { Json } from '../core/envelope-template.ts'
import { credentialHeader, type Profile } from '../core/profile.ts'

export interface Subject {
  readonly profile: Profile
  readonly contract: Contract
  readonly publicUrl: string
}

/** Examples that are filled in for who reads them. null: with what stands for it. */
export interface Reader {
  /** The beginning and the last four characters of a key: bz_live_…abcd */
  readonly key: string | null
  readonly clientId: string | null
  readonly redirectUri: string | null
}

export const nobody: Reader = { key: null, clientId: null, redirectUri: null }

export function apiUrl({ profile, publicUrl }: Subject): string {
  return publicUrl + profile.basePath
}

/** A request by curl, with a credential from the environment. */
export function curl({ profile }: Subject, url: string, { credential = '$API_KEY' } = {}): string {
  return `curl -i ${url} \\\n  -H "${credentialHeader(profile, credential)}"`
}

/** Where a value of an answer stands in its template: error.code; null where the profile leaves it out. */
export function placeOf(template: Json, value: string): string | null {
  if (template === `{${value}}`) return ''
  if (typeof template !== 'object' || template === null) return null
  for (const [field, part] of Object.entries(template)) {
    const place = placeOf(part, value)
    if (place === null) continue
    return field === '...' ? place : [field, place].filter((it) => it !== '').join('.')
  }
  return null
}

/** As the documents write a request: GET /bookings/{id} */
export function requestLine({ method, path }: Operation): string {
  return `${method} ${path}`
}

/** The path of an operation that any credential with this scope may ask, or with none: what one tries first. */
export function easyPath({ contract }: Subject, scope = ''): string {
  const easy = contract.operations.filter(
    ({ method, path, credential, requiredScopes }) =>
      method === 'GET' &&
      !path.includes('{') &&
      credential === 'tenant' &&
      requiredScopes.every((it) => it === scope),
  )
  return (easy.find(({ id }) => id === 'getMe') ?? easy[0])?.path ?? '/'
}

/** "a, b and c" */
export function inWords(items: readonly string[], last = 'and'): string {
  const end = items.at(-1) ?? ''
  return items.length < 2 ? end : `${items.slice(0, -1).join(', ')} ${last} ${end}`
}
