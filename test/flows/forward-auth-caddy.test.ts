// The Caddy of docs/forward-auth.md, run.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freePort } from '../support/port.ts'
import { proxyPromises } from '../support/proxied-api.ts'
import { sendRaw, startProxy, startSilent } from '../support/proxy.ts'

proxyPromises('caddy', (given) => {
  test('while Latchkey is away nothing gets through', async (t) => {
    const { house, acme, upstream } = given()
    const { secret } = await house.key(acme, 'live', ['read:bookings'])
    const before = upstream.arrived.length
    const lines = ['GET /api/v1/bookings HTTP/1.1', `Authorization: Bearer ${secret}`]
    for (const [latchkey, status] of [
      [await freePort(), 502],
      [await startSilent(t), 504],
    ] as const) {
      const port = await startProxy(t, 'caddy', { latchkey, upstream: upstream.port })
      assert.equal((await sendRaw(port, lines)).status, status)
      assert.equal(upstream.arrived.length, before)
    }
  })

  test('even without what takes forged headers out, the answers of the check overwrite them', async (t) => {
    const { house, acme, upstream } = given()
    const { secret } = await house.key(acme, 'live', ['read:bookings'])
    const latchkey = Number(new URL(house.url).port)
    const withoutRemoval = (file: string) => file.replace('request_header -*Latchkey*', '')
    const sides = { latchkey, upstream: upstream.port }
    const port = await startProxy(t, 'caddy', sides, withoutRemoval)
    const forged = [
      'X-Latchkey-Organization: forged',
      'X-Latchkey-Person: forged',
      'X-Latchkey-Client: forged',
    ]
    const lines = ['GET /api/v1/bookings HTTP/1.1', `Authorization: Bearer ${secret}`]
    assert.equal((await sendRaw(port, [...lines, ...forged])).status, 200)
    const headers = upstream.arrived.at(-1)?.headers ?? {}
    assert.deepEqual(
      ['organization', 'person', 'client'].map((it) => headers[`x-latchkey-${it}`]),
      [[acme.id], ['-'], ['-']],
    )
  })
})
