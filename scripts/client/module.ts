// The text of the modules in src/client/generated/.
import type { Contract } from '../../src/client/contract.ts'
import { answerOf, contractOf, schemaAt, type WrittenOperation, writtenOperations } from './contract.ts'
import { type Json, listAt, objectAt, textAt, valueAt } from './json.ts'
import { createTypeWriter, doc, key, type TypeWriter } from './types.ts'

export interface Module {
  readonly contract: Contract
  /** As the class is called: BoothZenClient. */
  readonly className: string
  /** As the constant with the contract is called: boothzen. */
  readonly constant: string
  readonly text: string
}

/** @param from where the client's own parts are imported from: a folder of ours, or the package */
export function moduleOf(profile: Json, document: Json, from: '..' | 'latchkey/client'): Module {
  const contract = contractOf(profile, document)
  const className = `${classNameOf(contract)}Client`
  const constant = contract.name.replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase())
  const types = createTypeWriter(document)
  const operations = writtenOperations(document, contract.envelope.items)
  const resources = resourcesInterface(operations, document, contract, types)
  const isPlatform = contract.operations.some(({ isForPlatforms }) => isForPlatforms)
  const text = [
    heading(`${contract.brand}: its contract, its types and its client.`),
    imports(from, isPlatform, resources),
    `\nexport const ${constant}: Contract = ${literal(contract)}\n`,
    types.declarations(),
    resources,
    classText({ className, constant, isPlatform }, operations),
  ].join('\n')
  return { contract, className, constant, text }
}

/** The module that knows all of them. */
export function indexOf(modules: readonly Module[]): string {
  const sorted = [...modules].sort((one, other) => (one.constant < other.constant ? -1 : 1))
  const lines = (write: (module: Module) => string) => sorted.map(write).join('\n')
  return `${heading('Every API that this client knows.')}
import type { Contract } from '../contract.ts'
${lines(({ contract, constant }) => `import { ${constant}, type Resources as ${constant}Resources } from './${contract.name}.ts'`)}

${lines(({ contract, className }) => `export { ${className} } from './${contract.name}.ts'`)}
${lines(({ contract, className }) => `export type * as ${className.replace(/Client$/, '')} from './${contract.name}.ts'`)}
export { ${sorted.map(({ constant }) => constant).join(', ')} }

export const contracts: readonly Contract[] = [${sorted.map(({ constant }) => constant).join(', ')}]

/** The methods of each, by its name. */
export interface Resources {
${lines(({ contract, constant }) => `  readonly ${key(contract.name)}: ${constant}Resources`)}
}

export type ContractName = keyof Resources
`
}

const heading = (what: string) =>
  `// ${what}\n// Written from the profile and its OpenAPI document: npm run generate:client`

/** As the profile is called, with the capitals of the brand: busyboard of "Busy Board AI" is BusyBoard. */
export function classNameOf({ name, brand }: Pick<Contract, 'name' | 'brand'>): string {
  const letters = (text: string) => text.replace(/[^A-Za-z0-9]+/g, '')
  const start = letters(brand).slice(0, letters(name).length)
  if (start.toLowerCase() === letters(name).toLowerCase()) return start
  return name.replace(/(?:^|-)(\w)/g, (_all, letter: string) => letter.toUpperCase())
}

function imports(from: '..' | 'latchkey/client', isPlatform: boolean, resources: string): string {
  const names: readonly (readonly [string, string, boolean])[] = [
    ['type CallOptions', 'caller.ts', true],
    ['type ClientOptions', 'client.ts', true],
    ['ContractClient', 'client.ts', true],
    ['type Contract', 'contract.ts', true],
    ['type Listing', 'listing.ts', resources.includes('Listing<')],
    ['type NewOrganization', 'provision.ts', isPlatform],
    ['type OrganizationApiKey', 'provision.ts', isPlatform],
    ['type PlatformConfig', 'provision.ts', isPlatform],
    ['provision', 'provision.ts', isPlatform],
  ]
  const used = names.filter(([, , isUsed]) => isUsed)
  const files = [...new Set(used.map(([, file]) => (from === '..' ? `../${file}` : from)))]
  return files
    .map((file) => {
      const some = used.filter(([, it]) => from !== '..' || file === `../${it}`).map(([name]) => name)
      const isTypeOnly = some.every((name) => name.startsWith('type '))
      const list = isTypeOnly ? some.map((name) => name.slice(5)) : some
      return `import ${isTypeOnly ? 'type ' : ''}{ ${list.join(', ')} } from '${file}'`
    })
    .join('\n')
}

/** The contract as a person reads it: one operation a line. */
function literal({ operations, ...rest }: Contract): string {
  const fields = Object.entries(rest).map(([name, value]) => `  ${name}: ${inline(value)},`)
  const lines = operations.map((it) => `    ${inline(it)},`)
  return `{\n${fields.join('\n')}\n  operations: [\n${lines.join('\n')}\n  ],\n}`
}

function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inline).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{ ${Object.entries(value)
    .map(([name, it]) => `${key(name)}: ${inline(it)}`)
    .join(', ')} }`
}

function resourcesInterface(
  operations: readonly WrittenOperation[],
  document: Json,
  contract: Contract,
  types: TypeWriter,
): string {
  const tenants = operations.filter(({ operation }) => !operation.isForPlatforms)
  const names = [...new Set(tenants.map(({ operation }) => operation.resource))]
  const members = names.map((resource) => {
    const own = tenants.filter(({ operation }) => operation.resource === resource)
    const indent = resource === null ? '  ' : '    '
    const methods = own.map((it) => methodType(it, document, contract, types, indent)).join('\n')
    return resource === null ? methods : `  readonly ${key(resource)}: {\n${methods}\n  }`
  })
  return `/** The client's methods. */\nexport interface Resources {\n${members.join('\n')}\n}\n`
}

function methodType(
  { operation, written, parameters }: WrittenOperation,
  document: Json,
  contract: Contract,
  types: TypeWriter,
  indent: string,
): string {
  const places = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => `${name}: string`)
  const given = inputOf(operation, written, parameters, types, indent)
  const inputs = [...places, ...(given === null ? [] : [given]), 'options?: CallOptions']
  const text = [textAt(written, 'summary'), textAt(written, 'description')].filter(Boolean).join('.\n')
  const answer = answerType(operation, answerOf(document, written), document, contract, types, indent)
  return `${doc(text, indent)}${indent}${key(operation.name)}(${inputs.join(', ')}): ${answer}`
}

function inputOf(
  { input }: WrittenOperation['operation'],
  written: WrittenOperation['written'],
  parameters: WrittenOperation['parameters'],
  types: TypeWriter,
  indent: string,
): string | null {
  if (input === null) return null
  if (input === 'body') {
    const body = objectAt(written, 'requestBody')
    const schema = valueAt(body, 'content', 'application/json', 'schema')
    return `body${body['required'] === true ? '' : '?'}: ${types.typeOf(schema, true, indent)}`
  }
  const queries = parameters.filter((it) => it['in'] === 'query')
  const properties = Object.fromEntries(
    queries.map((it) => [
      textAt(it, 'name') ?? '',
      {
        ...objectAt(it, 'schema'),
        ...(it['description'] === undefined ? {} : { description: it['description'] }),
      },
    ]),
  )
  const required = queries.filter((it) => it['required'] === true).map((it) => it['name'] ?? '')
  const type = types.typeOf({ type: 'object', properties, required }, true, indent)
  return `query${required.length > 0 ? '' : '?'}: ${type}`
}

function answerType(
  { answer }: WrittenOperation['operation'],
  schema: ReturnType<typeof answerOf>,
  document: Json,
  { envelope }: Contract,
  types: TypeWriter,
  indent: string,
): string {
  if (!schema) return 'Promise<void>'
  if (answer === 'list') {
    const items = schemaAt(document, schema, envelope.items)
    return `Listing<${types.typeOf(items?.['items'], false, indent)}>`
  }
  // A document may describe the thing with its envelope, or without.
  const item = envelope.item.length === 0 ? schema : (unresolvedAt(document, schema, envelope.item) ?? schema)
  return `Promise<${types.typeOf(item, false, indent)}>`
}

/** As schemaAt, but a schema that has a name keeps it. */
function unresolvedAt(document: Json, schema: Json, path: readonly string[]): Json | undefined {
  const parent = schemaAt(document, objectAt(schema), path.slice(0, -1))
  const last = path.at(-1) ?? ''
  const own = valueAt(parent, 'properties', last)
  if (own !== undefined || !parent) return own
  return listAt(parent, 'allOf')
    .map((part) => unresolvedAt(document, part, [last]))
    .find((it) => it !== undefined)
}

function classText(
  { className, constant, isPlatform }: { className: string; constant: string; isPlatform: boolean },
  operations: readonly WrittenOperation[],
): string {
  const tenants = operations.map(({ operation }) => operation).filter((it) => !it.isForPlatforms)
  const members = [...new Set(tenants.map(({ resource, name }) => resource ?? name))]
  const fields = members.map((name) => `  declare readonly ${key(name)}: Resources[${JSON.stringify(name)}]`)
  const forPlatforms = `
  /**
   * Makes a customer's organization where it is not there yet, and a key for it.
   * @throws LatchkeyError
   */
  static createOrganizationApiKey(config: PlatformConfig, data: NewOrganization): Promise<OrganizationApiKey> {
    return provision(${constant}, config, data)
  }
`
  return `export class ${className} extends ContractClient {
${fields.join('\n')}
${isPlatform ? forPlatforms : ''}
  constructor(options: ClientOptions) {
    super(${constant}, options)
  }
}
`
}
