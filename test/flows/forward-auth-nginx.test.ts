// The nginx of docs/forward-auth.md, run.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { freePort } from '../support/port.ts'
import { proxyPromises } from '../support/proxied-api.ts'
import { sendRaw, startProxy, startSilent } from '../support/proxy.ts'

proxyPromises('nginx', (given) => {
  test('while Latchkey is away nothing gets through, and the client is told to come again', async (t) => {
    const { house, acme, upstream } = given()
    const { secret } = await house.key(acme, 'live', ['read:bookings'])
    const before = upstream.arrived.length
    const lines = ['GET /api/v1/bookings HTTP/1.1', `Authorization: Bearer ${secret}`]
    for (const [latchkey, status] of [
      [await freePort(), 503],
      [await startSilent(t), 503],
    ] as const) {
      const port = await startProxy(t, 'nginx', { latchkey, upstream: upstream.port })
      assert.equal((await sendRaw(port, lines)).status, status)
      assert.equal(upstream.arrived.length, before)
    }
  })

  test('a long answer of the check, and of the server, is handed on whole', async () => {
    const { house, acme, pass, refuse } = given()
    const all = Object.keys(house.profile.scopes)
    const { secret } = await house.key(acme, 'live', all)
    const { headers } = await pass(secret, 'GET /api/v1/bookings')
    assert.deepEqual(headers['x-latchkey-scopes'], [[...all].sort().join(' ')])
    const long = `/api/v1/${'x'.repeat(6000)}`
    assert.equal((await refuse(secret, `GET ${long}`)).status, 403)
  })

  test('raw characters are refused: nginx sends the server what the client sent', async () => {
    const { house, acme, refuse } = given()
    const { secret } = await house.key(acme, 'live', ['read:bookings'])
    for (const path of ['/api/v1/bookings/\u00e9', '/api/v1/bookings/{x}', '/api/v1/bookings/"'])
      assert.equal((await refuse(secret, `GET ${path}`)).status, 400, path)
  })
})
