// The package: `latchkey/resource-server` and its adapters load with import and require, alone, with types for both that
// fit the frameworks' own.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import ts from 'typescript'
import { packageRoot } from '../../src/lib/package-root.ts'
import { createProject } from '../support/built-client.ts'

const run = promisify(execFile)
const adapters = ['koa', 'express', 'fastify', 'hono', 'fetch']

/** What a program in TypeScript writes: it compiles, and each line that must not is marked. */
const program = `
import Router from '@koa/router'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import { type Allowed, createResourceServer, type Verdict } from 'latchkey/resource-server'
import * as forExpress from 'latchkey/resource-server/express'
import * as forFastify from 'latchkey/resource-server/fastify'
import * as forFetch from 'latchkey/resource-server/fetch'
import * as forHono from 'latchkey/resource-server/hono'
import * as forKoa from 'latchkey/resource-server/koa'
import type { IncomingMessage } from 'node:http'

const latchkey = createResourceServer({ url: 'https://app.example.com', clientId: 'rs_1', clientSecret: 'x' })
export async function handle(request: IncomingMessage): Promise<string> {
  const verdict: Verdict = await latchkey.verify(request, { scopes: ['read:bookings'], accepts: ['api_key'] })
  if (!verdict.ok) return verdict.code satisfies string
  // @ts-expect-error a key has no person
  verdict.person
  return verdict.kind === 'access_token' ? verdict.person : verdict.keyId
}
// @ts-expect-error no such kind
latchkey.verify(new Request('https://x.example'), { accepts: ['password'] })
// @ts-expect-error no such policy
createResourceServer({ url: 'https://x.example', clientId: 'a', clientSecret: 'b', whenAway: 'allow' })

const options = { scopes: ['read:bookings'] }
new Router().get('/', forKoa.guard(latchkey, options), (ctx) => { ctx.body = ctx.state.latchkey.organization })
express().get('/', forExpress.guard(latchkey, options), (req, res) => { res.json(req.latchkey?.organization) })
Fastify().get('/', { onRequest: forFastify.guard(latchkey, options) }, async () => 'x')
new Hono<{ Variables: { latchkey: Allowed } }>().get('/', forHono.guard(latchkey, options), (c) => c.text(c.get('latchkey').mode))
export const GET: (request: Request) => Promise<Response> =
  forFetch.guard(latchkey, options, (request: Request, who) => Response.json([request.url, who.mode]))
`

function compile(files: readonly string[], module: ts.ModuleKind, moduleResolution: ts.ModuleResolutionKind) {
  const compiled = ts.createProgram(files, {
    module,
    moduleResolution,
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    types: ['node'],
    typeRoots: [join(packageRoot, 'node_modules/@types')],
    strict: true,
    esModuleInterop: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true, // the frameworks' own
    noEmit: true,
  })
  return ts
    .getPreEmitDiagnostics(compiled)
    .map((it) => `${it.file?.fileName}: ${ts.flattenDiagnosticMessageText(it.messageText, '\n')}`)
}

test('the package latchkey/resource-server', async (t) => {
  const folder = await createProject(t, { client: 'dist/resource-server' })
  for (const name of ['@koa', 'koa', 'express', 'fastify', 'hono', '@types'])
    symlinkSync(join(packageRoot, 'node_modules', name), join(folder, 'node_modules', name))

  await t.test('alone, import and require give the same names, with every adapter', async () => {
    const require = createRequire(join(folder, 'index.js'))
    for (const name of ['', ...adapters.map((it) => `/${it}`)]) {
      const required = require(`latchkey/resource-server${name}`)
      writeFileSync(
        join(folder, 'names.mjs'),
        `import * as it from 'latchkey/resource-server${name}'
        console.log(JSON.stringify(Object.keys(it).sort()))`,
      )
      const { stdout } = await run(process.execPath, [join(folder, 'names.mjs')])
      assert.deepEqual(Object.keys(required).sort(), JSON.parse(stdout))
      assert.equal(typeof required[name === '' ? 'createResourceServer' : 'guard'], 'function')
    }
    assert.throws(() => require('latchkey/resource-server/wire'), /not defined by "exports"/)
  })

  await t.test('it imports nothing but its own files and Node.js, and its types nothing of Node.js', () => {
    for (const form of ['esm', 'cjs']) {
      const place = join(packageRoot, 'dist/resource-server', form)
      for (const file of readdirSync(place)) {
        const text = readFileSync(join(place, file), 'utf8')
        const names = [...text.matchAll(/(?:from |require\(|import\()["']([^"']+)["']/g)].map(
          ([, name]) => name ?? '',
        )
        for (const name of names)
          assert.match(name, file.endsWith('.d.ts') ? /^\.\// : /^(\.\/|node:(crypto|http|https|net)$)/, file)
      }
    }
  })

  await t.test('types for import and for require, and for compilers that know no exports', () => {
    const files = ['user.mts', 'user.cts'].map((name) => join(folder, name))
    for (const file of files) writeFileSync(file, program)
    assert.deepEqual(compile(files, ts.ModuleKind.NodeNext, ts.ModuleResolutionKind.NodeNext), [])
    const old = join(folder, 'old.ts')
    writeFileSync(
      old,
      [`import { createResourceServer } from 'latchkey/resource-server'`]
        .concat(adapters.map((it) => `import * as ${it} from 'latchkey/resource-server/${it}'`))
        .concat(
          `export const all = [createResourceServer, ${adapters.map((it) => `${it}.guard`).join(', ')}]`,
        )
        .join('\n'),
    )
    assert.deepEqual(compile([old], ts.ModuleKind.CommonJS, ts.ModuleResolutionKind.Node10), [])
  })

  await t.test('who does not close it is kept alive by nothing, but for a question under way', async () => {
    writeFileSync(
      join(folder, 'alive.mjs'),
      `import { createServer } from 'node:http'
      import { createResourceServer } from 'latchkey/resource-server'
      // A server that says nothing, and keeps nobody alive either.
      const server = createServer().listen(0, '127.0.0.1', async () => {
        server.unref()
        server.on('connection', (socket) => socket.unref())
        const latchkey = createResourceServer({
          url: 'http://127.0.0.1:' + server.address().port, clientId: 'a', clientSecret: 'b', boundMs: 1000, timeoutMs: 200,
          onError: () => {},
        })
        const verdict = await latchkey.verify({ method: 'GET', url: '/', headers: { authorization: 'Bearer x' } })
        console.log(verdict.code)
      })`,
    )
    const { stdout } = await run(process.execPath, [join(folder, 'alive.mjs')], { timeout: 30_000 })
    assert.equal(stdout, 'unavailable\n')
  })
})
