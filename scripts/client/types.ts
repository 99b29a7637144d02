// JSON Schema, as OpenAPI 3.1 documents have it, becomes TypeScript.
import { isObject, type Json, type JsonObject, listAt, objectAt, textAt, valueAt } from './json.ts'

/** Writes types, and remembers which of the document's schemas they name. */
export interface TypeWriter {
  /** @param isSent of a request: what may be left out may be undefined too */
  typeOf(schema: Json | undefined, isSent: boolean, indent: string): string
  /** An interface or a type for each schema that was named, and those that they name. */
  declarations(): string
}

const componentPrefix = '#/components/schemas/'
const scalars: Readonly<Record<string, string>> = {
  string: 'string',
  integer: 'number',
  number: 'number',
  boolean: 'boolean',
  null: 'null',
}

export function createTypeWriter(document: Json): TypeWriter {
  /** By name: is it part of a request? */
  const named = new Map<string, boolean>()

  const typeOf = (schema: Json | undefined, isSent: boolean, indent: string): string => {
    if (!isObject(schema)) return 'unknown'
    const reference = textAt(schema, '$ref')
    if (reference?.startsWith(componentPrefix)) {
      const name = reference.slice(componentPrefix.length)
      named.set(name, (named.get(name) ?? false) || isSent)
      return name
    }
    const inner = (it: Json) => typeOf(it, isSent, indent)
    if ('const' in schema) return JSON.stringify(schema['const'])
    if (Array.isArray(schema['enum'])) return schema['enum'].map((it) => JSON.stringify(it)).join(' | ')
    for (const key of ['oneOf', 'anyOf']) {
      const choices = listAt(schema, key)
      if (choices.length > 0) return unionOf(choices.map(inner))
    }
    const all = listAt(schema, 'allOf')
    if (all.length > 0) {
      const own = schema['properties'] ? [objectType(schema, isSent, indent)] : []
      return [...all.map(inner), ...own].map(parenthesised).join(' & ')
    }
    const types = listAt(schema, 'type')
    const each = types.length > 0 ? types : [schema['type'] ?? (schema['properties'] ? 'object' : '')]
    return unionOf(
      each.map((type) => {
        if (type === 'array') return `readonly ${parenthesised(inner(schema['items'] ?? {}))}[]`
        if (type === 'object') return objectType(schema, isSent, indent)
        return scalars[String(type)] ?? 'unknown'
      }),
    )
  }

  const objectType = (schema: JsonObject, isSent: boolean, indent: string): string => {
    const properties = Object.entries(objectAt(schema, 'properties'))
    const more = schema['additionalProperties']
    if (properties.length === 0) {
      return `{ readonly [key: string]: ${isObject(more) ? typeOf(more, isSent, indent) : 'unknown'} }`
    }
    const required = new Set(listAt(schema, 'required'))
    const deeper = `${indent}  `
    const fields = properties.map(([name, field]) => {
      const isThere = required.has(name)
      const type = typeOf(field, isSent, deeper)
      const mayBeUndefined = !isThere && isSent ? ' | undefined' : ''
      return `${doc(textAt(field, 'description'), deeper)}${deeper}readonly ${key(name)}${isThere ? '' : '?'}: ${type}${mayBeUndefined}`
    })
    return `{\n${fields.join('\n')}\n${indent}}`
  }

  const declarations = () => {
    const written = new Map<string, string>()
    // What they name is written too: until no name is new.
    for (
      let names = [...named.keys()];
      names.length > 0;
      names = [...named.keys()].filter((it) => !written.has(it))
    ) {
      for (const name of names) written.set(name, declarationOf(name, named.get(name) ?? false))
    }
    return [...written.keys()]
      .sort()
      .map((name) => written.get(name))
      .join('\n')
  }

  const declarationOf = (name: string, isSent: boolean) => {
    const schema = valueAt(document, 'components', 'schemas', name)
    const type = typeOf(schema, isSent, '')
    const heading = doc(textAt(schema, 'description'), '')
    return type.startsWith('{') && !/^\}.*[&|]/m.test(type)
      ? `${heading}export interface ${name} ${type}\n`
      : `${heading}export type ${name} = ${type}\n`
  }

  return { typeOf, declarations }
}

const unionOf = (types: readonly string[]) => [...new Set(types)].join(' | ') || 'unknown'
const parenthesised = (type: string) => (/[|&]/.test(type) && !type.startsWith('{') ? `(${type})` : type)

export const key = (name: string) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name))

/** A comment above what it tells of; nothing for nothing. */
export function doc(text: string | undefined, indent: string): string {
  if (text === undefined || text === '') return ''
  const lines = text.replaceAll('*/', '*\\/').split('\n')
  if (lines.length === 1) return `${indent}/** ${lines[0]} */\n`
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join('\n')}\n${indent} */\n`
}
