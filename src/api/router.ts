// The contract's paths as a look-up: method and path to the operation.
import type { Contract, Operation } from '../core/contract.ts'

export interface Routed {
  /** null when no operation answers; then `allow` has the methods that the path does answer, if any. */
  readonly operation: Operation | null
  readonly params: Readonly<Record<string, string>>
  readonly allow: readonly string[]
}

export type Route = (method: string, path: string) => Routed

interface Template {
  readonly path: string
  readonly pattern: RegExp
  readonly names: readonly string[]
  readonly operations: Map<string, Operation>
}

/** Paths are compared exactly: case counts, and a trailing slash is another path. */
export function createRoute(contract: Contract): Route {
  const templates = concreteFirst(contract)
  // Of two templates that a path fits, the one without parameters is the more concrete: it needs no search.
  const plain = new Map(templates.filter(({ names }) => names.length === 0).map((it) => [it.path, it]))
  const allowed = new Map(templates.map((it) => [it, [...it.operations.keys()]]))
  return (method, path) => {
    const found = plain.get(path)
    if (found) return { operation: operationOf(found, method), params: {}, allow: allowed.get(found) ?? [] }
    for (const template of templates) {
      const { pattern, names } = template
      const match = pattern.exec(path)
      if (!match) continue
      const params = Object.fromEntries(names.map((name, index) => [name, decode(match[index + 1] ?? '')]))
      return { operation: operationOf(template, method), params, allow: allowed.get(template) ?? [] }
    }
    return { operation: null, params: {}, allow: [] }
  }
}

/** HEAD is GET without the body (RFC 9110 section 9.3.2). */
function operationOf({ operations }: Template, method: string): Operation | null {
  return operations.get(method === 'HEAD' ? 'GET' : method) ?? null
}

/** "/calls/latest" before "/calls/{id}", in whichever order a document has them (OpenAPI 3.1, Paths Object). */
function concreteFirst({ operations }: Contract): Template[] {
  const templates = new Map<string, Template>()
  for (const operation of operations) {
    const template = templates.get(operation.path) ?? compile(operation.path)
    template.operations.set(operation.method, operation)
    templates.set(operation.path, template)
  }
  return [...templates.values()].sort((a, b) => shapeOf(a.path).localeCompare(shapeOf(b.path)))
}

/** A path as it was sent, by which its operation was found, and with its escapes read. */
interface Readable {
  readonly path: string
  readonly decoded: string
}

/**
 * Whether a server with ways of its own comes to the same operation as we do: one to which capitals are as small
 * letters, which takes an ending like ".json" off, or reads escapes first.
 */
export function createReadings(contract: Contract): (operation: Operation, asked: Readable) => boolean {
  const templates = concreteFirst(contract)
  const readings = new Map<Operation, { readonly own: RegExp; readonly rivals: readonly RegExp[] }>()
  for (const [at, { path, pattern, operations }] of templates.entries()) {
    const rivals = templates
      .slice(0, at)
      .filter((it) => mayMeet(it.path, path))
      .map((it) => new RegExp(`${it.pattern.source.slice(0, -1)}(?:\\.[^/]*)?/?$`, 'i'))
    for (const operation of operations.values()) readings.set(operation, { own: pattern, rivals })
  }
  return (operation, { path, decoded }) => {
    const reading = readings.get(operation)
    if (!reading || (decoded !== path && !reading.own.test(decoded))) return false
    return !reading.rivals.some((it) => it.test(decoded))
  }
}

/** Whether there are paths of both templates. */
function mayMeet(one: string, other: string): boolean {
  const [left, right] = [one.toLowerCase().split('/'), other.toLowerCase().split('/')]
  if (left.length !== right.length) return false
  return left.every((part, at) => {
    const beside = right[at] ?? ''
    return part === beside || parameter.test(part) || parameter.test(beside)
  })
}

const parameter = /\{([^{}/]+)\}/

/** What decides which of two templates is the more concrete one: part by part, a fixed text before a parameter. */
function shapeOf(path: string): string {
  return path
    .split('/')
    .map((part) => (parameter.test(part) ? '1' : '0'))
    .join('')
}

/** A parameter may be all of a part or some of it: /calls/{call-id}, /files/{name}.json */
function compile(path: string): Template {
  const names: string[] = []
  const pattern = path
    .split(parameter)
    .map((text, index) => {
      // Every other text is what the expression caught: a name.
      if (index % 2 === 0) return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      names.push(text)
      return '([^/]+)'
    })
    .join('')
  return { path, pattern: new RegExp(`^${pattern}$`), names, operations: new Map() }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part // a malformed escape names nothing: the look-up answers 404
  }
}
