// /metrics: who may read it.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { test } from 'node:test'
import Koa from 'koa'
import { createMetrics } from '../../src/core/metrics.ts'
import { metricsPage } from '../../src/web/metrics.ts'
import { startHouse } from '../support/house.ts'

test('metrics are for programs of this machine, and for none that a proxy stands for', async (t) => {
  const house = await startHouse(t)
  const ask = (headers: Readonly<Record<string, string>> = {}, method = 'GET') =>
    fetch(`${house.url}/metrics`, { headers, method })
  const page = await ask()
  assert.equal(page.status, 200)
  assert.match(page.headers.get('content-type') ?? '', /^text\/plain/)
  assert.equal(page.headers.get('cache-control'), 'no-store')
  const text = await page.text()
  for (const name of [
    'latchkey_swept_rows_total',
    'latchkey_tokens_issued_total',
    'process_cpu_seconds_total',
  ])
    assert.match(text, new RegExp(`^# TYPE ${name} `, 'm'))
  assert.equal((await ask({}, 'HEAD')).status, 200)
  assert.equal((await ask({ 'X-Forwarded-For': '127.0.0.1' })).status, 404)
  assert.equal((await ask({}, 'POST')).status, 404)
})

test('with METRICS_TOKEN they are for who brings it, and for nobody else', async (t) => {
  const token = 'm'.repeat(40)
  const house = await startHouse(t, { env: { METRICS_TOKEN: token } })
  const status = async (authorization?: string) =>
    (await fetch(`${house.url}/metrics`, { headers: authorization ? { Authorization: authorization } : {} }))
      .status
  assert.equal(await status(), 404, 'not for this machine either')
  assert.equal(await status('Bearer wrong'), 404)
  assert.equal(await status(`Basic ${token}`), 404)
  assert.equal(await status(`Bearer ${token}`), 200)
  assert.equal(await status(`bearer ${token}`), 200)
  assert.ok(!house.log().includes(token), 'nothing of it is in the log')
})

const elsewhere = Object.values(networkInterfaces())
  .flat()
  .find((it) => it?.family === 'IPv4' && !it.internal)?.address

test('without a token nobody from another address reads them', {
  skip: elsewhere === undefined,
}, async (t) => {
  const app = new Koa()
  app.silent = true
  app.use(metricsPage(createMetrics().read, null))
  const server = createServer(app.callback()).listen(0, '0.0.0.0')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo // it listens on a port
  const status = async (host: string) => (await fetch(`http://${host}:${port}/metrics`)).status
  assert.equal(await status('127.0.0.1'), 200)
  assert.notEqual(await status(String(elsewhere)), 200)
})
