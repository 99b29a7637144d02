// A profile and its OpenAPI document become a contract for the client (src/client/contract.ts).
import type { Contract, Operation, Path } from '../../src/client/contract.ts'
import { isObject, type Json, type JsonObject, listAt, objectAt, resolve, textAt, valueAt } from './json.ts'

/** Of a profile that has no templates. */
const plainEnvelope: JsonObject = {
  item: '{item}',
  list: { data: '{items}', next_cursor: '{next_cursor}' },
  problem: {
    error: { code: '{code}', message: '{message}', param: '{param}', request_id: '{request_id}' },
  },
}

const methods = ['get', 'put', 'post', 'delete', 'patch'] as const

export function contractOf(profile: Json, document: Json): Contract {
  const name = textAt(profile, 'name') ?? ''
  const brand = textAt(profile, 'brand', 'name') ?? name
  const { item, list, problem } = { ...plainEnvelope, ...objectAt(profile, 'envelope') }
  const paths = {
    item: placeOf(item, 'item') ?? [],
    items: placeOf(list, 'items') ?? [],
    nextCursor: placeOf(list, 'next_cursor'),
    page: placeOf(list, 'page'),
    totalPages: placeOf(list, 'total_pages'),
    message: placeOf(problem, 'message'),
    code: placeOf(problem, 'code'),
    param: placeOf(problem, 'param'),
    requestId: placeOf(problem, 'request_id'),
  }
  const prefixes = objectAt(profile, 'credentials', 'prefixes')
  return {
    name,
    brand,
    basePaths: basePathsOf(profile),
    header: (textAt(profile, 'credentials', 'header') ?? 'authorization').toLowerCase(),
    prefixes: {
      apiKey: textsIn(prefixes['api_key']),
      accessToken: textsIn(prefixes['access_token']),
      platformKey: textsIn(prefixes['platform_key']),
    },
    requestIdHeader: (textAt(profile, 'headers', 'requestId') ?? 'x-request-id').toLowerCase(),
    envelope: paths,
    pagination: paginationOf(textAt(profile, 'pagination', 'style')),
    operations: operationsOf(document, paths.items),
  }
}

/** Where a template has exactly {name}; null where it has it nowhere. What is spread ("...") is its own object. */
export function placeOf(template: Json | undefined, name: string): Path | null {
  if (template === `{${name}}`) return []
  if (!isObject(template)) return null
  for (const [key, value] of Object.entries(template)) {
    const inside = placeOf(value, name)
    if (inside) return key === '...' ? inside : [key, ...inside]
  }
  return null
}

function basePathsOf(profile: Json): Contract['basePaths'] {
  const shortForms = textsIn(valueAt(profile, 'hosts', 'shortForms'))
  return [textAt(profile, 'basePath') ?? '', ...new Set(shortForms)]
}

function textsIn(value: Json | undefined): string[] {
  const each = isObject(value) ? Object.values(value) : [value]
  return each.filter((it): it is string => typeof it === 'string')
}

function paginationOf(style: string | undefined): Contract['pagination'] {
  return style === 'page' || style === 'link' ? style : 'cursor'
}

/** An operation with what its types are made from. */
export interface WrittenOperation {
  readonly operation: Operation
  readonly written: JsonObject
  readonly parameters: readonly JsonObject[]
}

export function operationsOf(document: Json, items: Path): Operation[] {
  return writtenOperations(document, items).map(({ operation }) => operation)
}

export function writtenOperations(document: Json, items: Path): WrittenOperation[] {
  return Object.entries(objectAt(document, 'paths')).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const written = objectAt(item, method)
      if (textAt(written, 'operationId') === undefined) return []
      const parameters = [...listAt(item, 'parameters'), ...listAt(written, 'parameters')].map((it) =>
        resolve(document, it),
      )
      return [
        { operation: operationOf(document, path, method, written, parameters, items), written, parameters },
      ]
    }),
  )
}

function operationOf(
  document: Json,
  path: string,
  method: (typeof methods)[number],
  written: JsonObject,
  parameters: readonly JsonObject[],
  items: Path,
): Operation {
  const id = textAt(written, 'operationId') ?? ''
  const called = calledBy(written, id, path)
  const has = (place: string, name?: RegExp) =>
    parameters.some((it) => it['in'] === place && (name?.test(textAt(it, 'name') ?? '') ?? true))
  const isList =
    method === 'get' &&
    items.length > 0 &&
    schemaAt(document, answerOf(document, written), items)?.['type'] === 'array'
  return {
    id,
    method: method.toUpperCase() as Operation['method'], // of the list above
    path,
    ...called,
    input: written['requestBody'] ? 'body' : has('query') ? 'query' : null,
    answer: isList ? 'list' : 'item',
    sendsIdempotencyKey:
      has('header', /^idempotency-key$/i) || (method === 'post' && called.name === 'create'),
    isForPlatforms: textAt(written, 'x-credential') === 'platform',
  }
}

/**
 * listBookings is bookings.list, endKeyOverlap of /keys/… is keys.endOverlap, getMe of /me is me: the resource is the
 * first step of the path, and its name is left out of the operation's. `x-client` of the document says otherwise.
 */
export function calledBy(
  written: JsonObject,
  id: string,
  path: string,
): Pick<Operation, 'resource' | 'name'> {
  const given = objectAt(written, 'x-client')
  const steps = path.split('/').filter(Boolean)
  const resource = camel((steps[0] ?? '').split(/[^A-Za-z0-9]+/))
  const nouns = [resource, singular(resource)].map((it) => it.charAt(0).toUpperCase() + it.slice(1))
  const noun = nouns.find((it) => new RegExp(`^[a-z]+${it}(?![a-z])`).test(id))
  const rest = noun === undefined ? id : id.replace(noun, '')
  const isItself = steps.length === 1 && id === `get${nouns[0]}` && singular(resource) === resource
  const name = textAt(given, 'method') ?? (isItself ? resource : rest)
  if ('resource' in given) return { resource: textAt(given, 'resource') ?? null, name }
  return { resource: isItself ? null : resource, name }
}

const camel = (words: readonly string[]) =>
  words.map((word, index) => (index === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1))).join('')

const singular = (noun: string) => noun.replace(/ies$/, 'y').replace(/s$/, '')

/** The schema of the answer when all went well; undefined where it is empty. */
export function answerOf(document: Json, written: JsonObject): JsonObject | undefined {
  const [, response] =
    Object.entries(objectAt(written, 'responses')).find(([status]) => /^2/.test(status)) ?? []
  const schema = valueAt(resolve(document, response), 'content', 'application/json', 'schema')
  return isObject(schema) ? schema : undefined
}

/** The schema of what stands at these keys of an answer; undefined where the answer's schema has no such keys. */
export function schemaAt(document: Json, schema: JsonObject | undefined, path: Path): JsonObject | undefined {
  if (!schema) return undefined
  const [key, ...rest] = path
  const resolved = resolve(document, schema)
  if (key === undefined) return resolved
  const inside = valueAt(resolved, 'properties', key)
  if (isObject(inside)) return schemaAt(document, inside, rest)
  for (const part of listAt(resolved, 'allOf')) {
    const found = isObject(part) ? schemaAt(document, part, path) : undefined
    if (found) return found
  }
  return undefined
}
