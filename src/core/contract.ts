// The contract: the profile's OpenAPI document, read into operations. It is the only place in which an
// operation's scopes (x-required-scopes) and rate class (x-rate-class) are written.
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { z } from 'zod'
import { vocabularyMistakes } from './contract-mistakes.ts'
import { type Mistake, MistakesError, sayMistake } from './mistakes.ts'
import { Problem } from './problems.ts'
import { type Profile, readProfileFile } from './profile.ts'
import { fileMistakes } from './profile-words.ts'
import { servedDocument } from './served-document.ts'

/** The name of an operation, as the document's operationId gives it. */
export type OperationId = string

export interface Operation {
  readonly id: OperationId
  /** What it does, in a few words. */
  readonly summary: string
  readonly method: string
  /** As the document writes it: /bookings/{id} */
  readonly path: string
  /** Both, as people read them: "GET /bookings/{id}" */
  readonly title: string
  /** All of them are required; empty for an operation that any good credential may call. */
  readonly requiredScopes: readonly string[]
  readonly rateClass: string
  /** Whose credential it takes: a tenant's (an API key or an access token), or a platform's. */
  readonly credential: 'tenant' | 'platform'
  readonly readQuery: Reader
  /** null when the operation takes no body. */
  readonly readBody: Reader | null
  /** False when the body may be left out: it is read as {}. */
  readonly requiresBody: boolean
  /** What the document says of each answer, by status: envelopes may carry it. */
  readonly descriptions: Readonly<Record<string, string>>
}

/** Checks a value from outside against the document's schema. @throws Problem invalid_parameter, with `param` */
export type Reader = (value: unknown) => Readonly<Record<string, unknown>>

export interface Contract {
  readonly operations: readonly Operation[]
  /** The document as served: as written, with our addresses as its servers, and credentials as the profile has them. */
  readonly document: object
}

const methods = ['get', 'put', 'post', 'delete', 'patch'] as const

const parameterSchema = z.looseObject({ name: z.string(), in: z.string(), required: z.boolean().optional() })
const operationSchema = z.looseObject({
  operationId: z.string(),
  summary: z.string().optional(),
  'x-required-scopes': z.array(z.string()),
  'x-rate-class': z.string(),
  'x-credential': z.enum(['tenant', 'platform']).default('tenant'),
  parameters: z.array(parameterSchema).optional(),
  requestBody: z
    .looseObject({
      required: z.boolean().optional(),
      content: z.looseObject({ 'application/json': z.looseObject({}) }),
    })
    .optional(),
  responses: z.record(z.string(), z.looseObject({ description: z.string().optional() })),
})
const documentSchema = z.looseObject({
  openapi: z.string().startsWith('3.1', 'must be a version such as "3.1.0"'),
  components: z.looseObject({}).optional(),
  paths: z.record(
    z.string(),
    z.looseObject(Object.fromEntries(methods.map((name) => [name, operationSchema.optional()]))),
  ),
})

/** @throws StartupError when the document is malformed, or names a scope or rate class that the profile lacks */
export function loadContract(profile: Profile, publicUrl: string): Contract {
  const contract = readContract(profile, publicUrl)
  const wrong = vocabularyMistakes(contract, profile)
  if (wrong.length > 0) throw new MistakesError('The OpenAPI document and the profile disagree:', wrong)
  return contract
}

/** The document by itself, whatever the profile lists. @throws StartupError when it is malformed */
export function readContract(profile: Profile, publicUrl: string): Contract {
  const raw = readProfileFile(profile, profile.openapi)
  const parsed = documentSchema.safeParse(inlined(raw))
  if (!parsed.success) {
    // A $ref lacks several things in one place: that is one mistake.
    const mistakes = new Map(fileMistakes(parsed.error, raw).map((it) => [sayMistake(it), it]))
    throw new MistakesError(`The OpenAPI document ${profile.openapi} has mistakes:`, [...mistakes.values()])
  }
  const operations = readOperations(parsed.data, profile.openapi)
  return { operations, document: servedDocument(parsed.data, operations, profile, publicUrl) }
}

type Loose = Readonly<Record<string, unknown>>
const isLoose = (it: unknown): it is Loose => typeof it === 'object' && it !== null && !Array.isArray(it)

/**
 * The document with each operation's parameters and body in their place, whether it has them by reference
 * (`#/components/…`) or, parameters of the query, with its path (OpenAPI 3.1, Path Item Object).
 */
function inlined(document: unknown): unknown {
  if (!isLoose(document) || !isLoose(document['paths'])) return document
  const inPlace = (it: unknown) =>
    isLoose(it) && typeof it['$ref'] === 'string' ? (namedIn(document, it['$ref']) ?? it) : it
  const listed = (it: unknown): unknown[] => (Array.isArray(it) ? it.map(inPlace) : [])
  const withParts = (operation: Loose, shared: readonly unknown[]): Loose => {
    const own = listed(operation['parameters'])
    const isOwn = (it: unknown) =>
      own.some((one) => isLoose(one) && isLoose(it) && one['name'] === it['name'])
    const parameters = [...own, ...shared.filter((it) => !isOwn(it))]
    const body = operation['requestBody']
    return {
      ...operation,
      ...(parameters.length > 0 ? { parameters } : {}),
      ...(body === undefined ? {} : { requestBody: inPlace(body) }),
    }
  }
  const paths = Object.entries(document['paths']).map(([path, item]) => {
    if (!isLoose(item)) return [path, item]
    const shared = listed(item['parameters']).filter((it) => isLoose(it) && it['in'] === 'query')
    const operations = methods.flatMap((method) => {
      const operation = item[method]
      return isLoose(operation) ? [[method, withParts(operation, shared)]] : []
    })
    return [path, { ...item, ...Object.fromEntries(operations) }]
  })
  return { ...document, paths: Object.fromEntries(paths) }
}

/** What a reference within the document names (RFC 6901); undefined for nothing. */
function namedIn(document: Loose, reference: string): unknown {
  if (!reference.startsWith('#/')) return undefined
  return reference
    .slice(2)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce<unknown>((at, step) => (isLoose(at) && Object.hasOwn(at, step) ? at[step] : undefined), document)
}

type WrittenDocument = z.infer<typeof documentSchema>
type WrittenOperation = z.infer<typeof operationSchema>

function readOperations(document: WrittenDocument, name: string): Operation[] {
  const heading = `The OpenAPI document ${name} has schemas that can't be used:`
  const wrong: Mistake[] = []
  /** Does it; what stops it is a mistake there. */
  const attempt = <T>(at: string, work: () => T): T | null => {
    try {
      return work()
    } catch (thrown) {
      wrong.push({ at, say: whyUseless(thrown) })
      return null
    }
  }
  const forBodies = attempt('', () => compilerOf(document, { useDefaults: true }))
  const forQueries = forBodies && compilerOf(document, { coerceTypes: true })
  if (!forBodies || !forQueries) throw new MistakesError(heading, wrong)
  const read = (path: string, method: string, written: WrittenOperation): Operation => {
    const at = `contract#/paths/${pointer(path)}/${method}`
    const body = `${at}/requestBody/content/application~1json/schema`
    return {
      id: written.operationId,
      summary: written.summary ?? '',
      method: method.toUpperCase(),
      path,
      title: `${method.toUpperCase()} ${path}`,
      requiredScopes: written['x-required-scopes'],
      rateClass: written['x-rate-class'],
      credential: written['x-credential'],
      readQuery: reader(forQueries.compile(querySchema(written, at))),
      readBody: written.requestBody ? reader(forBodies.compile({ $ref: body })) : null,
      requiresBody: written.requestBody?.required ?? false,
      descriptions: Object.fromEntries(
        Object.entries(written.responses).map(([status, { description = '' }]) => [status, description]),
      ),
    }
  }
  const operations = Object.entries(document.paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const written = operationSchema.optional().parse(item[method])
      return (written && attempt(`paths.${path}.${method}`, () => read(path, method, written))) ?? []
    }),
  )
  if (wrong.length > 0) throw new MistakesError(heading, wrong)
  return operations
}

/** What the compiler of schemas says, in words of the document. */
function whyUseless(thrown: unknown): string {
  if (thrown instanceof RangeError) return 'has a $ref that leads back to itself'
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const [, parameter] = /reference contract#\S+\/parameters\/(\d+)\/schema /.exec(message) ?? []
  if (parameter !== undefined) return `parameters.${parameter}.schema is missing`
  const [, reference] = /can't resolve reference (\S+)/.exec(message) ?? []
  return reference === undefined
    ? `has a schema that can't be used: ${message}`
    : `has the $ref ${reference}, where there is nothing`
}

function compilerOf(
  document: WrittenDocument,
  options: { useDefaults?: true; coerceTypes?: true; allErrors?: true },
): Ajv2020 {
  const ajv = new Ajv2020({ strict: false, ...options })
  // The package's default export is a CommonJS one: its types and its run-time shape agree on this form.
  addFormats.default(ajv)
  ajv.addSchema(document, 'contract')
  return ajv
}

/** The query parameters of an operation as one object. */
function querySchema({ parameters = [] }: WrittenOperation, at: string): object {
  const inQuery = parameters.flatMap((parameter, index) =>
    parameter.in === 'query' ? [{ ...parameter, index }] : [],
  )
  return {
    type: 'object',
    properties: Object.fromEntries(
      inQuery.map(({ name, index }) => [name, { $ref: `${at}/parameters/${index}/schema` }]),
    ),
    required: inQuery.filter(({ required }) => required).map(({ name }) => name),
  }
}

/** What a newcomer calls first: an operation that lists the vendor's own things, and takes no parameter. */
export function firstCall({ operations }: Contract, { sample }: Profile): Operation | null {
  const lists = Object.values(sample.resources).flatMap(({ operations: { list } }) => list ?? [])
  return operations.find(({ id }) => id === lists.at(-1)) ?? null
}

/** Where a credential learns what it is; where the document has no such operation, what a newcomer calls first. */
export function examplePath(contract: Contract, profile: Profile): string {
  const ofMe = contract.operations.find(({ id }) => id === 'getMe')
  return (ofMe ?? firstCall(contract, profile) ?? contract.operations[0])?.path ?? ''
}

/**
 * What is wrong with an answer of an operation, by the document's own schema of it. Compiled once for an
 * operation and status; null where the document describes no such JSON.
 */
export type AnswerReader = (id: OperationId, status: number) => ((answer: unknown) => Mistake[]) | null

/** For whoever checks the document against its answers; the server itself never asks. */
export function answerReader(contract: Contract): AnswerReader {
  const document = documentSchema.parse(contract.document)
  const ajv = compilerOf(document, { allErrors: true })
  return (id, status) => {
    const operation = contract.operations.find((it) => it.id === id)
    if (!operation) return null
    const own = `/paths/${pointer(operation.path)}/${operation.method.toLowerCase()}/responses/${status}`
    const written = operationSchema.optional().parse(document.paths[operation.path]?.[methodOf(operation)])
      ?.responses[status]
    const shared = written?.['$ref']
    const at = typeof shared === 'string' ? shared.replace(/^#/, '') : own
    const schema = `contract#${at}/content/application~1json/schema`
    if (written === undefined || !isThere(ajv, schema)) return null
    const validate = ajv.compile({ $ref: schema })
    return (answer) => {
      if (validate(answer)) return []
      return (validate.errors ?? []).map((error) => ({
        at: error.instancePath.split('/').slice(1).join('.'),
        say: sayOf(error),
      }))
    }
  }
}

const methodOf = ({ method }: Operation) => methods.find((it) => it.toUpperCase() === method) ?? 'get'

function isThere(ajv: Ajv2020, schema: string): boolean {
  try {
    return ajv.getSchema(schema) !== undefined
  } catch {
    return false
  }
}

function sayOf({ keyword, params, message = 'is not valid' }: ErrorObject): string {
  if (keyword === 'enum') return `must be one of ${JSON.stringify(params['allowedValues'])}`
  if (keyword === 'additionalProperties')
    return `has the field "${params['additionalProperty']}", which the document lacks`
  return message
}

function reader(validate: ValidateFunction): Reader {
  return (value) => {
    if (validate(value)) return value as Readonly<Record<string, unknown>> // the schema says that it is an object
    const [error] = validate.errors ?? []
    const missing = error?.keyword === 'required' ? [String(error.params['missingProperty'])] : []
    const unknown =
      error?.keyword === 'additionalProperties' ? [String(error.params['additionalProperty'])] : []
    const param = [...(error?.instancePath.split('/').slice(1) ?? []), ...missing, ...unknown].join('.')
    const what = missing.length > 0 ? 'is required' : (error?.message ?? 'is not valid')
    throw new Problem('invalid_parameter', {
      say: param ? `${param}: ${what}.` : `The body ${what}.`,
      ...(param ? { param } : {}),
    })
  }
}

/** A key as one step of a JSON pointer inside a URI fragment (RFC 6901 section 6). */
function pointer(key: string): string {
  return encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))
}
