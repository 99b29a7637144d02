// An OpenAPI document for an API that does not exist yet: each resource with its list, its reading and its making,
// in the envelope that was chosen.
import type { Json } from '../core/envelope-template.ts'
import type { Profile } from '../core/profile.ts'
import { type Answers, type NewResource, securityScheme } from './answers.ts'

interface Parts {
  readonly answers: Answers
  readonly resources: readonly NewResource[]
  readonly envelope: Profile['envelope']
}

type Schema = { readonly [key: string]: Json }

export function newDocument(parts: Parts): Readonly<Record<string, unknown>> {
  const { answers, resources, envelope } = parts
  return {
    openapi: '3.1.0',
    info: { title: `${answers.brand} API`, version: '1', description: answers.summary },
    servers: [{ url: answers.basePath }],
    security: [{ credential: [] }],
    paths: {
      '/me': {
        get: operation('getMe', 'What the calling credential is', null, ok(itemOf(parts, 'Credential'))),
      },
      ...Object.fromEntries(resources.flatMap((it) => pathsOf(parts, it))),
    },
    components: {
      securitySchemes: { credential: securityScheme(answers.header) },
      responses: {
        Problem: {
          description: 'What went wrong',
          content: { [envelope.problemContentType]: { schema: problemOf(envelope.problem) } },
        },
      },
      schemas: {
        Credential: { type: 'object', description: 'Kind, mode, scopes and organization of the credential.' },
        ...Object.fromEntries(resources.flatMap(({ type }) => schemasOf(type))),
      },
    },
  }
}

function schemasOf(type: string): [string, Schema][] {
  const name = { type: 'string', minLength: 1, maxLength: 200 }
  const properties = { id: { type: 'string' }, name, created_at: { type: 'string', format: 'date-time' } }
  return [
    [type, { type: 'object', required: ['id', 'name'], properties }],
    [`New${type}`, { type: 'object', required: ['name'], additionalProperties: false, properties: { name } }],
  ]
}

function pathsOf(parts: Parts, { name, type, read, write }: NewResource): [string, Schema][] {
  const words = name.replaceAll(/[^a-z0-9]+/g, ' ')
  const id = { name: 'id', in: 'path', required: true, schema: { type: 'string' } }
  // Where a resource has no scope for reading, its other one lets it be read too.
  const reading = read ?? write
  const making = {
    post: {
      ...operation(`create${type}`, `Create one of the ${words}`, write, {
        201: answerOf('Created', itemOf(parts, type)),
      }),
      requestBody: {
        required: true,
        content: { 'application/json': { schema: { $ref: `#/components/schemas/New${type}` } } },
      },
    },
  }
  const list = operation(`list${type}s`, `List ${words}`, reading, ok(listOf(parts, type)))
  const one = operation(`get${type}`, `Read one of the ${words}`, reading, ok(itemOf(parts, type)))
  return [
    [`/${name}`, { get: { ...list, parameters: queryOf(parts.answers) }, ...(write === null ? {} : making) }],
    [`/${name}/{id}`, { parameters: [id], get: one }],
  ]
}

function operation(id: string, summary: string, scope: string | null, responses: Schema): Schema {
  return {
    operationId: id,
    summary,
    'x-required-scopes': scope === null ? [] : [scope],
    'x-rate-class': 'default',
    responses: { ...responses, default: { $ref: '#/components/responses/Problem' } },
  }
}

const ok = (schema: Json): Schema => ({ 200: answerOf('OK', schema) })
const answerOf = (description: string, schema: Json): Schema => ({
  description,
  content: { 'application/json': { schema } },
})

function queryOf({ pagination }: Answers): Json {
  const limit = { type: 'integer', minimum: 1, maximum: 100, default: 20 }
  const page = { type: 'integer', minimum: 1, maximum: 1_000_000, default: 1 }
  const cursor = { type: 'string', minLength: 1, maxLength: 200 }
  return [
    { name: 'limit', in: 'query', schema: limit },
    pagination === 'page'
      ? { name: 'page', in: 'query', schema: page }
      : { name: 'cursor', in: 'query', schema: cursor },
  ]
}

const text: Json = { type: 'string' }
const number: Json = { type: 'integer' }
const common = { message: text, request_id: text, status: number }

function itemOf({ envelope }: Parts, type: string): Json {
  return described(envelope.item, { ...common, item: { $ref: `#/components/schemas/${type}` } })
}

function listOf({ envelope, answers }: Parts, type: string): Json {
  const isCounted = answers.pagination === 'page'
  const numbers = { page: number, limit: number, total: number, total_pages: number }
  return described(envelope.list, {
    ...common,
    items: { type: 'array', items: { $ref: `#/components/schemas/${type}` } },
    next_cursor: { type: ['string', 'null'] },
    // Where pages are not counted, these have no value, and what has none is left out.
    ...(isCounted ? numbers : {}),
  })
}

const problemOf = (template: Json) =>
  described(
    template,
    { ...common, code: text, title: text, type: text },
    { documentation: text, param: text, conflicts_with: text },
  )

/** The schema of what a template makes, when its names have these schemas. */
function described(
  template: Json,
  always: Readonly<Record<string, Json>>,
  sometimes: Readonly<Record<string, Json>> = {},
): Json {
  const read = (it: Json): { readonly schema: Json; readonly isThere: boolean } => {
    if (typeof it === 'string') {
      const [, name] = /^\{(\w+)\}$/.exec(it) ?? []
      if (name === undefined) return { schema: it.includes('{') ? text : { const: it }, isThere: true }
      return { schema: always[name] ?? sometimes[name] ?? {}, isThere: name in always }
    }
    if (typeof it !== 'object' || it === null) return { schema: { const: it }, isThere: true }
    if (Array.isArray(it)) return { schema: { type: 'array' }, isThere: true }
    const fields = Object.entries(it).map(([key, value]) => ({ key, ...read(value) }))
    const own = fields.filter(({ key }) => key !== '...')
    const spread = fields.filter(({ key }) => key === '...').map(({ schema }) => schema)
    const schema = {
      type: 'object',
      required: own.filter(({ isThere }) => isThere).map(({ key }) => key),
      properties: Object.fromEntries(own.map(({ key, schema: its }) => [key, its])),
    }
    return { schema: spread.length > 0 ? { allOf: [schema, ...spread] } : schema, isThere: true }
  }
  return read(template).schema
}
