// What is wrong with a profile or one of its files, in the words of people: zod's findings, told beside what the file says.
import type { z } from 'zod'
import { nearest } from '../lib/nearest.ts'
import { type Mistake, pathOf } from './mistakes.ts'
import { profileJsonSchema } from './profile-schema.ts'

type Path = readonly PropertyKey[]
type Issue = z.core.$ZodIssue

/** @param written what the file holds, as JSON.parse gave it */
export function profileMistakes({ issues }: z.ZodError, written: unknown): Mistake[] {
  return issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => unknownKey(issue.path, key))
      : wordsOf(issue, written),
  )
}

/** The same of a file that a profile names: the document, or the sample rows. */
export function fileMistakes({ issues }: z.ZodError, written: unknown): Mistake[] {
  return issues.flatMap((issue) => wordsOf(issue, written))
}

function wordsOf(issue: Issue, written: unknown): Mistake[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map((key) => ({
      at: pathOf([...issue.path, key]),
      say: 'is no name that may stand here',
    }))
  // What is written elsewhere lacks everything here; that is not what its writer would call the mistake.
  const around = valueAt(written, issue.path.slice(0, -1))
  if (typeof stepInto(around, '$ref') === 'string')
    return [{ at: pathOf(issue.path.slice(0, -1)), say: 'is a $ref; it must be written out here' }]
  return [{ at: pathOf(issue.path), say: sentenceOf(issue, valueAt(written, issue.path)) }]
}

function unknownKey(path: Path, key: string): Mistake {
  const known = knownKeys(path)
  const meant = nearest(key, known)
  const hint = meant
    ? `; did you mean "${meant}"?`
    : known.length > 0
      ? `. There are: ${known.join(', ')}`
      : ''
  return { at: pathOf([...path, key]), say: `is no field that a profile has${hint}` }
}

function sentenceOf(issue: Issue, value: unknown): string {
  // What is wrong with the name of an entry is no worse for not having a value.
  if (issue.code === 'invalid_key')
    return `the name "${String(issue.path.at(-1))}" ${asDemand(issue.issues[0])}`
  if (value === undefined && issue.code !== 'custom') {
    return issue.code === 'invalid_value' ? `is missing: ${choicesOf(issue.values)}` : 'is missing'
  }
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${kindNames[issue.expected] ?? issue.expected}, and is ${described(value)}`
    case 'invalid_value': {
      const meant = typeof value === 'string' ? nearest(value, issue.values.map(String)) : null
      const hint = meant && issue.values.length > 3 ? `; did you mean "${meant}"?` : ''
      return `is ${described(value)}, but ${choicesOf(issue.values)}${hint}`
    }
    case 'invalid_format':
      return `is ${described(value)}, but ${asDemand(issue)}`
    case 'too_small':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `is ${described(value)}, but must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`
        : 'must not be empty'
    case 'too_big':
      return issue.origin === 'number' || issue.origin === 'int'
        ? `is ${described(value)}, but must be at most ${issue.maximum}`
        : `must have at most ${issue.maximum} ${issue.origin === 'string' ? 'characters' : 'entries'}`
    default:
      return issue.message
  }
}

/** Our own sentences begin with "must"; zod's are made to. */
function asDemand(issue: Issue | undefined): string {
  if (issue === undefined) return 'is none that it may have'
  if (issue.message.startsWith('must')) return issue.message
  const pattern = issue.code === 'invalid_format' ? issue.pattern : undefined
  return pattern ? `must match ${pattern}` : issue.message
}

const choicesOf = (values: readonly unknown[]) =>
  values.length === 1
    ? `must be ${JSON.stringify(values[0])}`
    : `must be one of ${values.map((it) => JSON.stringify(it)).join(', ')}`

const kindNames: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

const longestShown = 40

/** A value as a sentence tells of it, with its kind where that is what is wrong. */
function described(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'an object'
  const text = JSON.stringify(value) ?? String(value)
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text
}

function valueAt(written: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, step) => stepInto(value, step), written)
}

function stepInto(value: unknown, step: PropertyKey): unknown {
  // What JSON.parse gave is a tree of these.
  return typeof value === 'object' && value !== null
    ? (value as Record<PropertyKey, unknown>)[step]
    : undefined
}

/** The fields that the schema has at a place, as the JSON Schema tells them; none where any name may stand. */
function knownKeys(path: Path): string[] {
  let at: unknown = profileJsonSchema()
  for (const step of path) {
    const properties = stepInto(at, 'properties')
    at = stepInto(properties, step) ?? stepInto(at, 'additionalProperties') ?? stepInto(at, 'items')
  }
  const own = Object.keys((stepInto(at, 'properties') ?? {}) as object) // JSON Schema: an object of schemas
  const names = stepInto(stepInto(at, 'propertyNames'), 'enum')
  return own.length > 0 ? own : Array.isArray(names) ? names.map(String) : []
}
