// What pages load: kept by browsers for good, and compressed for those that can read it so.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, get, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import Koa from 'koa'
import { swaggerFiles } from '../../src/documentation/swagger.ts'
import { loadAssets } from '../../src/web/assets.ts'

test('a file is there under the name of its content, whole, and compressed for who asks for that', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-assets-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'small.css'), 'a{}')
  writeFileSync(join(folder, 'secret.txt'), 'not for browsers')
  const assets = loadAssets(folder, { also: swaggerFiles })
  assert.deepEqual(Object.keys(assets.addresses), ['small.css', 'swagger-ui-bundle.js', 'swagger-ui.css'])
  const server = createServer(new Koa().use(assets.serve).callback()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo

  const ask = async (path: string, encoding: string) => {
    const headers = { 'Accept-Encoding': encoding }
    const [response] = (await once(get({ port, path, headers }), 'response')) as [IncomingMessage]
    const parts: Buffer[] = []
    for await (const part of response) parts.push(part as Buffer)
    return { response, body: Buffer.concat(parts) }
  }
  for (const file of swaggerFiles) {
    const address = assets.addresses[basename(file)] ?? ''
    assert.match(address, /^\/assets\/swagger-ui[a-z-]*\.[0-9a-f]{12}\.(js|css)$/)
    const [plain, small] = await Promise.all([ask(address, 'identity'), ask(address, 'br, gzip')])
    const whole = readFileSync(file)
    assert.ok(plain.body.equals(whole) && gunzipSync(small.body).equals(whole), file)
    assert.ok(small.body.length < whole.length / 2, `${small.body.length} of ${whole.length} bytes`)
    assert.equal(small.response.headers['content-encoding'], 'gzip')
    for (const { response } of [plain, small]) {
      assert.equal(response.headers['cache-control'], 'public, max-age=31536000, immutable')
      assert.equal(response.headers.vary, 'Accept-Encoding')
    }
  }
  const small = await ask(assets.addresses['small.css'] ?? '', 'gzip')
  assert.equal(small.response.headers['content-encoding'], undefined)
  assert.equal(small.body.toString(), 'a{}')
  assert.equal((await ask('/assets/../package.json', 'gzip')).response.statusCode, 404)
})
