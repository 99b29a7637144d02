// The contract of every profile: what its OpenAPI document says of scopes, rate classes and operations is
// true of the server, and a document that lies stops the start.
import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { handlersOf } from '../src/app.ts'
import { loadContract } from '../src/core/contract.ts'
import { checkHandlers, type HandledIds } from '../src/core/contract-mistakes.ts'
import { compile } from '../src/core/envelope-template.ts'
import { loadProfile, type Profile, readProfileFile } from '../src/core/profile.ts'
import { createFormat } from '../src/credentials/format.ts'
import { openDatabase } from '../src/db/connect.ts'
import { packageRoot } from '../src/lib/package-root.ts'
import { StartupError } from '../src/lib/startup-error.ts'
import { systemClock } from '../src/lib/time.ts'
import { ulid } from '../src/lib/ulid.ts'

const publicUrl = 'https://api.example.test'
const folder = join(packageRoot, 'profiles')
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.slice(0, -'.json'.length))

/** As much of an OpenAPI document as is looked at here. */
interface Document {
  readonly paths: Record<string, Record<string, WrittenOperation>>
}
interface WrittenOperation {
  operationId: string
  'x-required-scopes': string[]
  'x-rate-class': string
  parameters?: object[]
  readonly responses: Record<string, { readonly content?: { readonly 'application/json'?: object } }>
}

const documentOf = (profile: Profile) => readProfileFile(profile, profile.openapi) as Document
const operationsOf = (document: Document) =>
  Object.values(document.paths)
    .flatMap((item) => Object.values(item))
    .filter((it) => 'operationId' in it) // a path may have parameters beside its methods

/** The operations that the server carries out; nothing is asked of a database to learn them. */
function handledBy(t: TestContext, profile: Profile) {
  const nowhere = { kind: 'socket', host: '/nowhere', port: 5432, user: 'nobody', database: 'none' } as const
  const database = openDatabase(nowhere)
  t.after(() => database.close())
  const format = createFormat(profile.credentials.prefixes)
  const { tenant, platform, optional, unfit } = handlersOf({
    profile,
    database,
    format,
    clock: systemClock,
    inviteByMail: () => {},
  })
  const ids = { tenant: new Set(tenant.keys()), platform: new Set(platform.keys()), optional, unfit }
  return ids satisfies HandledIds
}

/** The contract of the profile with a document that `change` has been at. */
function loadChanged(t: TestContext, profile: Profile, change: (document: Document) => void) {
  const directory = mkdtempSync(join(tmpdir(), 'latchkey-contract-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const document = structuredClone(documentOf(profile))
  change(document)
  const openapi = join(directory, 'changed.json')
  writeFileSync(openapi, JSON.stringify(document))
  return loadContract({ ...profile, openapi }, publicUrl)
}

const saying =
  (...parts: string[]) =>
  (thrown: unknown) =>
    thrown instanceof StartupError && parts.every((part) => thrown.message.includes(part))

test('there are profiles to check', () => {
  assert.ok(names.includes('boothzen'))
})

for (const name of names) {
  const profile = loadProfile(name, folder)
  const contract = loadContract(profile, publicUrl)
  const [first] = contract.operations
  assert.ok(first)
  const written = (document: Document) => {
    const found = operationsOf(document).find((it) => it.operationId === first.id)
    assert.ok(found)
    return found
  }

  test(`${name}: every operation has a name of its own, known scopes and a known rate class`, () => {
    assert.equal(profile.name, name)
    const ids = contract.operations.map(({ id }) => id)
    assert.equal(ids.length, operationsOf(documentOf(profile)).length)
    assert.equal(new Set(ids).size, ids.length)
    for (const { id, requiredScopes, rateClass } of contract.operations) {
      for (const scope of requiredScopes) assert.ok(scope in profile.scopes, `${id}: ${scope}`)
      assert.ok(rateClass in profile.rateClasses, `${id}: ${rateClass}`)
    }
  })

  test(`${name}: the document and the handlers agree`, (t) => {
    checkHandlers(contract, handledBy(t, profile))
  })

  test(`${name}: an operation that nothing handles, and a handler of no operation, stop the start`, (t) => {
    const handled = handledBy(t, profile)
    const without = new Set([...handled.tenant].filter((id) => id !== first.id))
    const lacking = { ...handled, tenant: without }
    assert.throws(() => checkHandlers(contract, lacking), saying(first.id, 'nothing handles it'))
    const more = { ...handled, tenant: new Set([...handled.tenant, 'sendPigeon']) }
    assert.throws(() => checkHandlers(contract, more), saying('sendPigeon', 'not in the document'))
  })

  test(`${name}: a document may leave out what manages keys, apps and grants, and not the sample's operations`, (t) => {
    const sample = Object.values(profile.sample.resources).flatMap(({ operations }) =>
      Object.values(operations).flatMap((it) => (typeof it === 'object' ? it.operation : (it ?? []))),
    )
    const isSample = (id: string) => sample.includes(id)
    const only = (wanted: (id: string) => boolean) => ({
      ...contract,
      operations: contract.operations.filter(({ id }) => wanted(id)),
    })
    const handled = handledBy(t, profile)
    checkHandlers(only(isSample), handled)
    for (const id of [...handled.tenant].filter(isSample))
      assert.throws(
        () =>
          checkHandlers(
            only((it) => it !== id),
            handled,
          ),
        saying(id, 'not in the document'),
      )
  })

  test(`${name}: an operationId that is used twice stops the start`, (t) => {
    const twice = loadChanged(t, profile, (document) => {
      const other = operationsOf(document).find((it) => it.operationId !== first.id)
      if (other) other.operationId = first.id
    })
    assert.throws(() => checkHandlers(twice, handledBy(t, profile)), saying(first.id, 'two operations'))
  })

  test(`${name}: a schema that refers to nothing stops the start`, (t) => {
    const broken = () =>
      loadChanged(t, profile, (document) => {
        written(document).parameters = [
          { name: 'limit', in: 'query', schema: { $ref: '#/components/schemas/Nothing' } },
        ]
      })
    assert.throws(broken, saying('Nothing', "can't be used"))
  })

  test(`${name}: an unknown scope or rate class stops the start`, (t) => {
    const withScope = () =>
      loadChanged(t, profile, (document) => written(document)['x-required-scopes'].push('read:minds'))
    assert.throws(withScope, saying(first.id, '"read:minds"'))
    const withClass = () =>
      loadChanged(t, profile, (document) => {
        written(document)['x-rate-class'] = 'ludicrous'
      })
    assert.throws(withClass, saying(first.id, '"ludicrous"'))
  })

  test(`${name}: an operation that does not say its scopes stops the start`, (t) => {
    const silent = () =>
      loadChanged(t, profile, (document) => Reflect.deleteProperty(written(document), 'x-required-scopes'))
    assert.throws(silent, saying(first.path, 'x-required-scopes'))
  })

  test(`${name}: the sample's rows are as the document describes them`, () => {
    const ajv = new Ajv2020({ strict: false, allErrors: true })
    addFormats.default(ajv)
    ajv.addSchema(documentOf(profile), 'contract')
    const answer = compile(profile.envelope.item)
    for (const [mode, kinds] of Object.entries(sampleRows(profile))) {
      for (const [kind, rows] of Object.entries(kinds)) {
        const validate = ajv.compile({ $ref: `contract#/${rowSchema(profile, kind)}` })
        for (const row of rows) {
          const isValid = validate(answer({ item: row, message: 'OK', request_id: 'req_1', status: 200 }))
          assert.ok(isValid, `${mode} ${kind}: ${ajv.errorsText(validate.errors)}`)
        }
      }
    }
  })
}

/** The rows as `seedSample` inserts them: with an id, and with times and references filled in. */
function sampleRows(profile: Profile): Record<string, Record<string, object[]>> {
  const newId = (kind: string) => {
    const prefix = profile.sample.resources[kind]?.idPrefix
    assert.ok(prefix, `${kind}: the profile does not list it`)
    return prefix + ulid()
  }
  const text = JSON.stringify(readProfileFile(profile, profile.sample.rows))
  const kindsByMode: Record<string, Record<string, object[]>> = JSON.parse(text, (_key, value) => {
    if (typeof value?.$day === 'number') return new Date(0).toISOString()
    return typeof value?.$ref === 'string' ? newId(value.$ref) : value
  })
  for (const kinds of Object.values(kindsByMode)) {
    for (const [kind, rows] of Object.entries(kinds)) {
      kinds[kind] = rows.map((row) => ({ id: newId(kind), ...row }))
    }
  }
  return kindsByMode
}

/** Where the document describes one row, in its envelope: what the operation that reads or creates it answers. */
function rowSchema(profile: Profile, kind: string): string {
  const { read, create, only } = profile.sample.resources[kind]?.operations ?? {}
  const wanted = read ?? create ?? only
  assert.ok(wanted, `${kind}: no operation reads or creates it`)
  for (const [path, methods] of Object.entries(documentOf(profile).paths)) {
    for (const [method, { operationId, responses }] of Object.entries(methods)) {
      if (operationId !== wanted) continue
      const status = Object.keys(responses).find((it) => it.startsWith('2'))
      assert.ok(status, operationId)
      const steps = ['paths', path, method, 'responses', status, 'content', 'application/json', 'schema']
      return steps
        .map((step) => encodeURIComponent(step.replaceAll('~', '~0').replaceAll('/', '~1')))
        .join('/')
    }
  }
  return assert.fail(`${kind}: the document lacks ${wanted}`)
}

for (const name of names) {
  test(`${name}: what may be sent twice says what becomes of another request under the same key`, () => {
    const twice = operationsOf(documentOf(loadProfile(name, folder))).filter(({ parameters = [] }) =>
      parameters.some((it) => 'name' in it && it.name === 'Idempotency-Key'),
    )
    for (const { operationId, responses } of twice) assert.ok('409' in responses, operationId)
  })
}
