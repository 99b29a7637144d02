// What is answered before Koa, where a door breaks.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { createLog } from '../../src/core/telemetry.ts'
import { createFront, type FrontAnswer, type Handle } from '../../src/web/front.ts'
import { pathOf } from '../../src/web/host.ts'

test('an answer that can not be written is a fault of one request, and not the end of the process', async (t) => {
  const lines: string[] = []
  const unwritable: FrontAnswer = { status: 200, headers: ['Link', 'two\nlines'], body: '{}' }
  const answers = new Map<string, Handle>([
    ['/now', () => unwritable],
    ['/later', async () => unwritable],
    ['/thrown', () => Promise.reject(new Error('broken'))],
    ['/good', async () => ({ status: 200, headers: [], body: 'ä' })],
  ])
  const front = createFront({
    doors: [(req) => answers.get(pathOf(req)) ?? null],
    log: createLog('info', { write: (line) => void lines.push(line) }),
    requestIdHeader: 'X-Request-Id',
  })
  const server = createServer((req, res) => void front(req, res)).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address)
  for (const path of ['/now', '/later', '/thrown', '/later']) {
    const response = await fetch(`http://127.0.0.1:${address.port}${path}`)
    assert.equal(response.status, 500, path)
    assert.equal(await response.text(), '')
    const id = response.headers.get('x-request-id') ?? ''
    assert.match(id, /^req_/)
    const told = lines.filter((line) => line.includes(id)).map((line) => JSON.parse(line)['msg'])
    assert.deepEqual(told, ['request failed', 'request'], path)
  }
  assert.equal(await (await fetch(`http://127.0.0.1:${address.port}/good`)).text(), 'ä')
})
