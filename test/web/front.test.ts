// What is answered before Koa, where a door breaks.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { createLog } from '../../src/core/telemetry.ts'
import { createFront, type Front, type FrontAnswer, type Handle } from '../../src/web/front.ts'
import { pathOf } from '../../src/web/host.ts'

test('an answer that can not be written is a fault of one request, and not the end of the process', async (t) => {
  const lines: string[] = []
  const unwritable = (): FrontAnswer => ({ status: 200, headers: ['Link', 'two\nlines'], body: '{}' })
  const answers = new Map<string, Handle>([
    ['/now', unwritable],
    ['/later', async () => unwritable()],
    ['/thrown', () => Promise.reject(new Error('broken'))],
    ['/good', async () => ({ status: 200, headers: [], body: 'ä' })],
  ])
  const front = createFront({
    doors: [(req) => answers.get(pathOf(req)) ?? null],
    log: createLog('info', { write: (line) => void lines.push(line) }),
    requestIdHeader: 'X-Request-Id',
  })
  const url = await listen(t, front)
  for (const path of ['/now', '/later', '/thrown', '/later']) {
    const response = await fetch(`${url}${path}`)
    assert.equal(response.status, 500, path)
    assert.equal(await response.text(), '')
    const id = response.headers.get('x-request-id') ?? ''
    assert.match(id, /^req_/)
    const told = lines.filter((line) => line.includes(id)).map((line) => JSON.parse(line)['msg'])
    assert.deepEqual(told, ['request failed', 'request'], path)
  }
  assert.equal(await (await fetch(`${url}/good`)).text(), 'ä')
})

test('of many at once each has its own answer, whichever are written together, and a line', async (t) => {
  const lines: string[] = []
  const front = createFront({
    // By turns at once and later: those of one turn are not in the order in which they came.
    doors: [
      (req) => () => {
        const answer = { status: 200, headers: ['X-Path', pathOf(req)], body: pathOf(req) }
        return pathOf(req).endsWith('0') ? Promise.resolve(answer) : answer
      },
    ],
    log: createLog('info', { write: (line) => void lines.push(line) }),
    requestIdHeader: 'X-Request-Id',
  })
  const url = await listen(t, front)
  const paths = Array.from({ length: 300 }, (_, index) => `/${index}`)
  const ids = await Promise.all(
    paths.map(async (path) => {
      const response = await fetch(url + path)
      assert.equal(await response.text(), path)
      assert.equal(response.headers.get('x-path'), path)
      return response.headers.get('x-request-id')
    }),
  )
  assert.equal(new Set(ids).size, 300)
  const told = lines.map((line) => JSON.parse(line))
  assert.deepEqual(
    told.map((line) => `${line['request_id']} ${line['path']}`).sort(),
    ids.map((id, index) => `${id} ${paths[index]}`).sort(),
  )
})

test('what is asked on one connection, one after the other without waiting, is answered in that order', async (t) => {
  const front = createFront({
    doors: [
      (req) => () => {
        const answer = { status: 200, headers: [], body: `<${pathOf(req)}>` }
        return pathOf(req).endsWith('3') ? sleep(5).then(() => answer) : answer
      },
    ],
    log: createLog('silent', { write: () => {} }),
    requestIdHeader: 'X-Request-Id',
  })
  const url = new URL(await listen(t, front))
  const socket = connect(Number(url.port), url.hostname)
  t.after(() => socket.destroy())
  const count = 150
  for (let index = 0; index < count; index += 1) socket.write(`GET /${index} HTTP/1.1\r\nHost: a\r\n\r\n`)
  let text = ''
  for await (const chunk of socket) {
    text += chunk
    if (text.includes(`</${count - 1}>`)) break
  }
  const bodies = [...text.matchAll(/<\/(\d+)>/g)].map(([, index]) => Number(index))
  assert.deepEqual(
    bodies,
    Array.from({ length: count }, (_, index) => index),
  )
})

test('answers of one turn are written at its end, and never more than so many of them wait', async () => {
  const lines: string[] = []
  const front = createFront({
    doors: [() => () => ({ status: 200, headers: [], body: '{}' })],
    log: createLog('info', { write: (line) => void lines.push(line) }),
    requestIdHeader: 'X-Request-Id',
  })
  const written: number[] = []
  const ask = (index: number) => {
    const res = { writeHead: () => {}, end: () => written.push(index), headersSent: false, destroy: () => {} }
    // What the front asks of a request and its answer, and nothing else of them.
    front({ method: 'GET', url: '/' } as IncomingMessage, res as unknown as ServerResponse)
  }
  for (let index = 0; index < 63; index += 1) ask(index)
  assert.deepEqual(written, [])
  ask(63)
  assert.equal(written.length, 64, 'the first must not wait for whatever else comes')
  ask(64)
  assert.equal(written.length, 64)
  await turn()
  assert.equal(written.length, 65)
  assert.equal(lines.length, 65)
})

test('who is gone when the answer is written harms nobody beside it', async (t) => {
  const lines: string[] = []
  const front = createFront({
    doors: [
      (req) => () => {
        if (pathOf(req) === '/gone') req.socket.destroy()
        return { status: 200, headers: [], body: '{}' }
      },
    ],
    log: createLog('info', { write: (line) => void lines.push(line) }),
    requestIdHeader: 'X-Request-Id',
  })
  const url = await listen(t, front)
  const asked = Array.from({ length: 20 }, (_, index) => fetch(url + (index % 2 ? '/gone' : '/good')))
  const answers = await Promise.allSettled(asked)
  for (const [index, answer] of answers.entries())
    assert.equal(answer.status, index % 2 ? 'rejected' : 'fulfilled', `${index}`)
  assert.ok(lines.every((line) => JSON.parse(line)['level'] === 'info'))
})

async function listen(t: TestContext, front: Front): Promise<string> {
  const server = createServer((req, res) => void front(req, res)).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address)
  return `http://127.0.0.1:${address.port}`
}
