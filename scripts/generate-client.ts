// Writes src/client/generated/ from every packaged profile and its OpenAPI document; or, for a vendor's own
// profile, one module that imports the rest from latchkey/client.
//   npm run generate:client [-- --profile FILE --out DIRECTORY]
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Json, objectAt, textAt } from './client/json.ts'
import { indexOf, type Module, moduleOf } from './client/module.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
export const generated = join(root, 'src/client/generated')

/** What the generated folder has to hold: text by file name. */
export function generateAll(profiles = join(root, 'profiles')): ReadonlyMap<string, string> {
  const files = readdirSync(profiles).filter((name) => name.endsWith('.json'))
  const modules = files.sort().flatMap((name) => readModule(join(profiles, name), '..') ?? [])
  return new Map([
    ...modules.map(({ contract, text }): [string, string] => [`${contract.name}.ts`, text]),
    ['contracts.ts', indexOf(modules)],
  ])
}

/** @returns null for a file that is no profile: it names no OpenAPI document */
export function readModule(file: string, from: '..' | 'latchkey/client'): Module | null {
  const profile = readJson(file)
  const openapi = textAt(objectAt(profile), 'openapi')
  return openapi === undefined ? null : moduleOf(profile, readJson(resolve(dirname(file), openapi)), from)
}

function readJson(file: string): Json {
  return JSON.parse(readFileSync(file, 'utf8')) as Json // what JSON.parse gives is JSON
}

function main(): void {
  const { values } = parseArgs({ options: { profile: { type: 'string' }, out: { type: 'string' } } })
  if (values.profile === undefined) {
    const wanted = generateAll()
    mkdirSync(generated, { recursive: true })
    for (const name of readdirSync(generated)) if (!wanted.has(name)) rmSync(join(generated, name))
    for (const [name, text] of wanted) writeFileSync(join(generated, name), text)
    return
  }
  const module = readModule(values.profile, 'latchkey/client')
  if (!module) throw new Error(`${values.profile} names no OpenAPI document ("openapi").`)
  const out = values.out ?? '.'
  mkdirSync(out, { recursive: true })
  const file = join(out, `${module.contract.name}.ts`)
  writeFileSync(file, module.text)
  console.log(`${file}: import { ${module.className} } from it.`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
