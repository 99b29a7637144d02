// References of an OpenAPI document that lead nowhere. The server needs those of bodies and parameters alone; whoever
// reads the document, or makes a client from it, needs them all.
import { type Mistake, pathOf } from '../core/mistakes.ts'

/** Every $ref into the document itself that names nothing, or only itself. */
export function referenceMistakes(document: object): Mistake[] {
  const walk = (it: unknown, path: readonly string[]): Mistake[] => {
    if (typeof it !== 'object' || it === null) return []
    const say = wrongReference(document, it)
    const own = say === null ? [] : [{ at: pathOf(path), say }]
    return [...own, ...Object.entries(it).flatMap(([key, value]) => walk(value, [...path, key]))]
  }
  return walk(document, [])
}

const referenceOf = (it: unknown) => {
  const reference = field(it, '$ref')
  return typeof reference === 'string' && reference.startsWith('#') ? reference : null
}

function wrongReference(document: object, it: object): string | null {
  const passed = new Set<string>()
  let at: unknown = it
  for (let reference = referenceOf(at); reference !== null; reference = referenceOf(at)) {
    if (passed.has(reference)) return 'has a $ref that leads back to itself'
    passed.add(reference)
    at = reference.split('/').slice(1).map(decoded).reduce<unknown>(field, document)
    if (at === undefined) return `has the $ref ${reference}, where there is nothing`
    // Only what is nothing but a reference goes on; a schema may have others beside it, and end there.
    if (typeof at !== 'object' || at === null || Object.keys(at).length > 1) return null
  }
  return null
}

function field(it: unknown, name: string): unknown {
  return typeof it === 'object' && it !== null && Object.hasOwn(it, name)
    ? (it as Record<string, unknown>)[name] // it has it
    : undefined
}

/** A step of a JSON pointer in a fragment (RFC 6901 section 6). */
function decoded(step: string): string {
  try {
    return decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
  } catch {
    return step
  }
}
