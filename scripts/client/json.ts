// Profiles and OpenAPI documents as they are read here: tolerantly, for the server is who judges them.

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

/** The object at these keys; an empty one where there is none. */
export function objectAt(value: Json | undefined, ...keys: string[]): JsonObject {
  const found = valueAt(value, ...keys)
  return isObject(found) ? found : {}
}

export function textAt(value: Json | undefined, ...keys: string[]): string | undefined {
  const found = valueAt(value, ...keys)
  return typeof found === 'string' ? found : undefined
}

export function listAt(value: Json | undefined, ...keys: string[]): Json[] {
  const found = valueAt(value, ...keys)
  return Array.isArray(found) ? found : []
}

export function valueAt(value: Json | undefined, ...keys: string[]): Json | undefined {
  return keys.reduce<Json | undefined>((it, key) => (isObject(it) ? it[key] : undefined), value)
}

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** What a `$ref` of the document names (#/components/…), as often as it names another. */
export function resolve(document: Json, value: Json | undefined): JsonObject {
  const object = objectAt(value)
  const reference = textAt(object, '$ref')
  if (reference === undefined) return object
  const keys = reference.replace(/^#\//, '').split('/')
  return resolve(
    document,
    valueAt(document, ...keys.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'))),
  )
}
