// Where a text stops being JSON (RFC 8259), in the words of who wrote it: JSON.parse tells neither line nor cause.

export interface JsonMistake {
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 code units, as editors count. */
  readonly column: number
  readonly say: string
}

/** Thrown and caught here alone. */
class Stop extends Error {
  readonly at: number
  constructor(at: number, say: string) {
    super(say)
    this.at = at
  }
}

const blank = /[ \t\r\n]*/y
const number = /-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y
const word = /[\p{L}\d_$]+/uy
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a text may not hold
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what a text may not hold
const stringAsFarAsItGoes = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y

/** Nobody writes a file of more levels by hand, and whoever walks it by recursion must end. */
const mostLevels = 200

/** Whether lists and objects stand in one another deeper than anybody may have to walk. */
export function isTooDeep(json: unknown): boolean {
  let level: unknown[] = [json]
  for (let depth = 0; depth <= mostLevels && level.length > 0; depth++)
    level = level.flatMap((it) => (typeof it === 'object' && it !== null ? Object.values(it) : []))
  return level.length > 0
}

/** The first mistake of a text that JSON.parse refuses; null for one that is JSON. */
export function findJsonMistake(text: string): JsonMistake | null {
  try {
    const end = skip(text, value(text, skip(text, 0)))
    if (end < text.length) throw new Stop(end, 'there is more after the end')
    return null
  } catch (thrown) {
    if (thrown instanceof RangeError) return null // deeper than the stack: where it is does not matter any more
    if (!(thrown instanceof Stop)) throw thrown
    const before = text.slice(0, thrown.at).split('\n')
    return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, say: thrown.message }
  }
}

/** The end of what the expression finds at this very place; -1 for nothing. */
function match(expression: RegExp, text: string, at: number): number {
  expression.lastIndex = at
  const [found] = expression.exec(text) ?? []
  return found === undefined || found === '' ? -1 : at + found.length
}

const skip = (text: string, at: number) => Math.max(at, match(blank, text, at))

function value(text: string, at: number): number {
  const first = text[at]
  if (first === '{') return entries(text, at, '}', (from) => field(text, from))
  if (first === '[') return entries(text, at, ']', (from) => value(text, from))
  if (first === '"') return quoted(text, at)
  const digits = match(number, text, at)
  if (digits >= 0 && match(word, text, digits) < 0) return digits
  const end = match(word, text, at)
  if (['true', 'false', 'null'].includes(text.slice(at, Math.max(at, end)))) return end
  throw new Stop(at, strange(text, at, end))
}

function strange(text: string, at: number, end: number): string {
  if (at >= text.length) return 'the text ends too early'
  if (text[at] === "'") return 'texts stand between ", not \''
  if (text.startsWith('//', at) || text.startsWith('/*', at)) return 'JSON has no comments'
  if (text[at] === '}' || text[at] === ']') return 'a value is missing'
  return `${JSON.stringify(text.slice(at, Math.max(at + 1, end)))} is not a value; a text stands between "`
}

function entries(text: string, begin: number, close: string, one: (at: number) => number): number {
  let at = skip(text, begin + 1)
  if (text[at] === close) return at + 1
  for (;;) {
    at = skip(text, one(at))
    if (text[at] === close) return at + 1
    if (at >= text.length) throw new Stop(at, `the text ends before its ${close}`)
    if (text[at] !== ',') throw new Stop(at, `a comma or ${close} is missing before this`)
    const comma = at
    at = skip(text, at + 1)
    if (text[at] === close) throw new Stop(comma, `a comma stands before ${close}`)
  }
}

function field(text: string, at: number): number {
  if (text[at] !== '"') throw new Stop(at, 'the name of a field is missing; it stands between "')
  const colon = skip(text, quoted(text, at))
  if (text[colon] !== ':') throw new Stop(colon, 'a colon is missing after the name of the field')
  return value(text, skip(text, colon + 1))
}

function quoted(text: string, at: number): number {
  const end = match(string, text, at)
  if (end >= 0) return end
  const stop = match(stringAsFarAsItGoes, text, at)
  if (stop >= text.length || text[stop] === '\n' || text[stop] === '\r')
    throw new Stop(stop, 'the text that began here has no " at its end')
  throw new Stop(
    stop,
    text[stop] === '\\' ? 'after \\ comes one of " \\ / b f n r t u' : 'a text may not hold this character',
  )
}
