// The package: loads with import and require, with types for both, and builds once however many ask.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import * as sources from '../../src/client/entry.ts'
import { packageRoot } from '../../src/lib/package-root.ts'
import { createProject } from '../support/built-client.ts'

const run = promisify(execFile)
const build = join(packageRoot, 'scripts/build-gardens.mjs')

/** What a program in TypeScript writes: it compiles, and each line that must not is marked. */
const program = `
const client = new BoothZenClient({ apiKey: 'bz_live_x', baseUrl: 'https://app.example.com', timeout: 5000 })
export async function use() {
  const made = await client.bookings.create({
    starts_at: '2027-01-01T10:00:00Z', ends_at: '2027-01-01T12:00:00Z', customer_id: 'cu_1',
    total: { amount: 100, currency: 'GBP' },
  })
  const amount: number = made.total.amount
  for await (const booking of client.bookings.list({ limit: 10 })) booking.status satisfies string
  const page = await client.keys.list()
  const cursor: string | null = page.nextCursor
  const booking: BoothZen.Booking = await client.bookings.get('bk_1', { signal: AbortSignal.timeout(10) })
  // @ts-expect-error a booking has no such field
  booking.colour
  // @ts-expect-error the customer is missing
  client.bookings.create({ starts_at: '', ends_at: '', total: { amount: 1, currency: 'GBP' } })
  // @ts-expect-error there is no such resource
  client.nothing.list()

  const any = new LatchkeyClient<'boothzen'>({ apiKey: 'bz_live_x', baseUrl: 'https://app.example.com' })
  new LatchkeyClient({ apiKey: 'bz_live_x', baseUrl: 'https://x.example' }).bookings.list()
  const me = await any.me()
  const named = new LatchkeyClient({ apiKey: async () => 'x', baseUrl: 'https://x.example', contract: 'boothzen' })
  await named.bookings.get('bk_1')
  // @ts-expect-error there is no such API
  new LatchkeyClient({ apiKey: 'x', baseUrl: 'https://x.example', contract: 'nobody' })

  const made2 = await createOrganizationApiKey(
    { baseUrl: 'https://app.example.com', platformKey: 'bz_platform_x' },
    { userId: '1', userEmail: 'a@b.c', userName: undefined, organizationId: 'o', teamMembers: [{ email: 'b@b.c', role: 'MEMBER' }] },
  )
  try { await any.me() } catch (error) {
    if (error instanceof LatchkeyError) console.log(error.status, error.response?.data, error.code, error.requestId)
  }
  const oauth = new OAuthClient({
    issuer: 'https://app.example.com', clientId: 'app_1', redirectUri: 'https://me.example/cb',
    store: { load: async () => null, save: async (_key, tokens) => void tokens?.refreshToken },
    lock: (_key, work) => work(),
  })
  new BoothZenClient({ apiKey: oauth.accessToken, baseUrl: 'https://app.example.com' })
  return [amount, cursor, me.organization_id, made2.apiKey] as const
}
`
const names =
  'BoothZenClient, createOrganizationApiKey, LatchkeyClient, LatchkeyError, OAuthClient, type BoothZen'

/** What the compiler says of the program in these files, and which files it read. */
function compile(files: string[], module: ts.ModuleKind, moduleResolution: ts.ModuleResolutionKind) {
  for (const file of files) writeFileSync(file, `import { ${names} } from 'latchkey/client'\n${program}`)
  const compiled = ts.createProgram(files, {
    module,
    moduleResolution,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    skipDefaultLibCheck: true,
    noEmit: true,
    preserveSymlinks: true,
  })
  const told = ts
    .getPreEmitDiagnostics(compiled)
    .map((it) => ts.flattenDiagnosticMessageText(it.messageText, '\n'))
  return { told, used: compiled.getSourceFiles().map(({ fileName }) => fileName) }
}

test('the package latchkey/client', async (t) => {
  const folder = await createProject(t)

  await t.test('import and require give the same names', async () => {
    const require = createRequire(join(folder, 'index.js'))
    const required = require('latchkey/client')
    writeFileSync(join(folder, 'index.mjs'), "export * from 'latchkey/client'")
    const imported = await import(pathToFileURL(join(folder, 'index.mjs')).href)
    assert.deepEqual(Object.keys(required).sort(), Object.keys(sources).sort())
    assert.deepEqual(Object.keys(imported).sort(), Object.keys(sources).sort())
    assert.notEqual(required.LatchkeyClient, imported.LatchkeyClient, 'one is CommonJS')
    assert.ok(new required.BoothZenClient({ apiKey: 'bz_live_x', baseUrl: 'http://localhost' }).keys.list)
  })

  await t.test('this package itself can say latchkey/client', () => {
    assert.match(createRequire(build).resolve('latchkey/client'), /dist\/client\/cjs\/entry\.js$/)
    assert.match(import.meta.resolve('latchkey/client'), /dist\/client\/esm\/entry\.js$/)
  })

  await t.test('it runs on nothing but the web’s own: no import of Node.js or of a library', () => {
    const entry = join(packageRoot, 'dist/client/cjs/entry.js')
    const seen = new Set<string>()
    const visit = (file: string): void => {
      if (seen.has(file)) return
      seen.add(file)
      for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(/require\("([^"]+)"\)/g)) {
        assert.match(name, /^\.{1,2}\//, `${file} requires ${name}`)
        visit(join(file, '..', name))
      }
    }
    visit(entry)
    assert.ok(seen.size > 10)
  })

  await t.test('the client alone is a package: npm pack ./dist/client', async (t) => {
    const alone = await createProject(t, { client: 'dist/client' })
    const { boothzen } = createRequire(join(alone, 'index.js'))('latchkey/client')
    assert.equal(boothzen.brand, 'BoothZen')
    const { dependencies } = JSON.parse(
      readFileSync(join(alone, 'node_modules/latchkey/package.json'), 'utf8'),
    )
    assert.equal(dependencies, undefined)
  })

  await t.test('types for import and for require', () => {
    const files = ['user.mts', 'user.cts'].map((name) => join(folder, name))
    const { told, used } = compile(files, ts.ModuleKind.NodeNext, ts.ModuleResolutionKind.NodeNext)
    assert.deepEqual(told, [])
    for (const form of ['esm', 'cjs'])
      assert.ok(
        used.some((it) => it.endsWith(`/${form}/entry.d.ts`)),
        form,
      )
  })

  await t.test('types for compilers that know no exports: "module": "commonjs" and no more', async (t) => {
    for (const project of [folder, await createProject(t, { client: 'dist/client' })]) {
      const { told } = compile(
        [join(project, 'user.ts')],
        ts.ModuleKind.CommonJS,
        ts.ModuleResolutionKind.Node10,
      )
      assert.deepEqual(told, [])
    }
  })

  await t.test('a second build has nothing to do; an installation without TypeScript is quiet', async () => {
    const stamp = () => readFileSync(join(packageRoot, 'dist/client/built'), 'utf8')
    const before = stamp()
    await Promise.all([run(process.execPath, [build]), run(process.execPath, [build])])
    assert.equal(stamp(), before)
    const lonely = join(folder, 'scripts')
    const copy = join(lonely, 'build-gardens.mjs')
    mkdirSync(lonely)
    writeFileSync(copy, readFileSync(build))
    const { stdout, stderr } = await run(process.execPath, [copy, '--if-possible'])
    assert.equal(stdout + stderr, '')
    await assert.rejects(run(process.execPath, [copy]), /npm install/)
  })
})
