// Templates of answers: JSON in which a text like "{code}" stands for a value.
import { z } from 'zod'

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

const both = ['message', 'request_id', 'status'] as const
export const itemNames = ['item', ...both] as const
/** What lists have by their way of paging alone. */
export const pageNames = {
  cursor: ['next_cursor'],
  page: ['page', 'limit', 'total', 'total_pages'],
} as const
export const listNames = ['items', ...pageNames.cursor, ...pageNames.page, ...both] as const
export const problemNames = [
  'type',
  'code',
  'title',
  'param',
  'conflicts_with',
  'documentation',
  ...both,
] as const

const spread = '...'
const wholeName = /^\{(\w+)\}$/
const anyName = /\{(\w+)\}/g

const json: z.ZodType<Json> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(json), z.record(z.string(), json)]),
)

/** A template that names no value but these. */
export function template(names: readonly string[]): z.ZodType<Json> {
  return json.refine((it) => namesIn(it).every((name) => names.includes(name)), {
    error: ({ input }) => {
      // What is refined has been parsed as JSON before.
      const unknown = namesIn(input as Json).filter((name) => !names.includes(name))
      return `names ${unknown.map((name) => `{${name}}`).join(', ')}; there are ${names.map((name) => `{${name}}`).join(', ')}`
    },
  })
}

/** The values that a template names. */
export function namesIn(it: Json): string[] {
  if (typeof it === 'string') return [...it.matchAll(anyName)].map(([, name = '']) => name)
  if (typeof it !== 'object' || it === null) return []
  return Object.values(it).flatMap(namesIn)
}

export type Values = Readonly<Record<string, unknown>>

/**
 * A template made ready: values in, an answer out. A field whose value is undefined is left out.
 * Made once and used for every answer, so it walks the template here and not there.
 */
export function compile(it: Json): (values: Values) => unknown {
  if (typeof it === 'string') return compileText(it)
  if (typeof it !== 'object' || it === null) return () => it
  if (isList(it)) {
    const parts = it.map(compile)
    return (values) => parts.map((part) => part(values))
  }
  const fields = Object.entries(it).map(([key, value]) => [key, compile(value)] as const)
  return (values) => {
    const made: Record<string, unknown> = {}
    for (const [key, fill] of fields) {
      const value = fill(values)
      if (key === spread) Object.assign(made, value)
      else if (value !== undefined) made[key] = value
    }
    return made
  }
}

function compileText(text: string): (values: Values) => unknown {
  const [, whole] = wholeName.exec(text) ?? []
  if (whole !== undefined) return (values) => values[whole]
  if (!text.includes('{')) return () => text
  return (values) => text.replace(anyName, (_all, name: string) => String(values[name] ?? ''))
}

// `Array.isArray` does not narrow a readonly array.
function isList(it: Json): it is readonly Json[] {
  return Array.isArray(it)
}
