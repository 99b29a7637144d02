// Each adapter in its real framework, over real HTTP, mounted below a path as people mount things: they let in and refuse
// alike.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { getRequestListener } from '@hono/node-server'
import Router from '@koa/router'
import express from 'express'
import Fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import mount from 'koa-mount'
import type { Allowed, ResourceServer, VerifyOptions } from '../../src/resource-server/entry.ts'
import { createResourceServer } from '../../src/resource-server/entry.ts'
import { guard as expressGuard } from '../../src/resource-server/express.ts'
import { guard as fastifyGuard } from '../../src/resource-server/fastify.ts'
import { guard as fetchGuard } from '../../src/resource-server/fetch.ts'
import { guard as honoGuard } from '../../src/resource-server/hono.ts'
import { guard as koaGuard } from '../../src/resource-server/koa.ts'
import { exchange, obtainCode, obtainTokens, readTokens } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'
import { resourceServer } from '../support/introspection.ts'
import { type ClientKey, makeKey, signProof } from '../support/proof.ts'
import { revoke } from '../support/protected-api.ts'

declare module 'fastify' {
  interface FastifyRequest {
    latchkey?: Allowed
  }
}

const email = 'ann@acme.example'
const needed: VerifyOptions = { scopes: ['read:bookings'], accepts: ['api_key', 'access_token'] }

/** What each answers with: who it is, as the framework has it. */
const show = (who: Allowed | undefined) => ({ kind: who?.kind, organization: who?.organization })

type App = (latchkey: ResourceServer) => RequestListener | Promise<RequestListener>

const apps: Readonly<Record<string, App>> = {
  koa: (latchkey) => {
    const router = new Router()
    router.get('/reports', koaGuard(latchkey, needed), (ctx) => {
      ctx.body = show(ctx.state['latchkey'])
    })
    const inner = new Koa()
    inner.use(router.routes())
    const app = new Koa()
    app.use(mount('/v1', inner))
    const handle = app.callback()
    return (req, res) => void handle(req, res)
  },
  express: (latchkey) => {
    const router = express.Router()
    router.get('/reports', expressGuard(latchkey, needed), (req, res) => {
      res.json(show(req.latchkey))
    })
    return express().use('/v1', router)
  },
  fastify: async (latchkey) => {
    const app = Fastify()
    app.register(
      async (inner) => {
        inner.get('/reports', { onRequest: fastifyGuard(latchkey, needed) }, async (request) =>
          show(request.latchkey),
        )
      },
      { prefix: '/v1' },
    )
    await app.ready()
    return (req, res) => app.routing(req, res)
  },
  hono: (latchkey) => {
    const inner = new Hono<{ Variables: { latchkey: Allowed } }>()
    inner.get('/reports', honoGuard(latchkey, needed), (c) => c.json(show(c.get('latchkey'))))
    const listener = getRequestListener(new Hono().route('/v1', inner).fetch)
    return (req, res) => void listener(req, res)
  },
  fetch: (latchkey) => {
    const handle = fetchGuard(latchkey, needed, (_request: Request, who) => Response.json(show(who)))
    const listener = getRequestListener((request) => handle(request))
    return (req, res) => void listener(req, res)
  },
}

let house: House
const ends: (() => unknown)[] = []
const addresses = new Map<string, string>()
let organization: Awaited<ReturnType<House['organization']>>
let token = ''
let bound = ''
let holder: ClientKey
const publicUrl = 'https://reports.example.com'

before(async () => {
  // startHouse takes what it needs of a test: to be told when it is over.
  house = await startHouse({ after: (end: () => Promise<void>) => ends.unshift(end) } as never)
  organization = await house.organization('Acme')
  await house.person(email, organization)
  const app = await house.app(organization)
  token = (await obtainTokens(house.url, app, email, 'read:bookings')).access_token
  holder = await makeKey()
  const code = await obtainCode(house.url, app, email, 'read:bookings')
  const sent = { DPoP: await signProof(holder, { url: `${house.url}/oauth/token` }) }
  bound = (await readTokens(await exchange(house.url, app, code, sent))).access_token
  const { id, secret } = await resourceServer(house)
  const audience = `${house.url}/api/v1`
  const latchkey = createResourceServer({
    url: house.url,
    clientId: id,
    clientSecret: secret,
    audience,
    publicUrl,
  })
  ends.unshift(() => latchkey.close())
  for (const [name, make] of Object.entries(apps)) {
    const server = createServer(await make(latchkey)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    ends.unshift(() => server.close())
    ends.unshift(() => server.closeAllConnections())
    addresses.set(name, `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/reports`)
  }
})
after(async () => {
  for (const end of ends) await end()
})

for (const name of Object.keys(apps)) {
  test(`${name}: good ones are let in, and all others answered with status, challenge and JSON`, async () => {
    const url = addresses.get(name) ?? ''
    const call = async (headers: Record<string, string>) => {
      const response = await fetch(url, { headers })
      const body = (await response.json()) as Record<string, unknown> & { error?: { code: string } }
      const challenge = response.headers.get('www-authenticate') ?? ''
      return { status: response.status, body, code: body.error?.code, challenge }
    }
    const bearer = (credential: string) => call({ Authorization: `Bearer ${credential}` })
    const { key, secret } = await house.key(organization, 'live', ['read:bookings'])
    const mine = { organization: organization.id }
    assert.deepEqual((await bearer(secret)).body, { kind: 'api_key', ...mine })
    assert.deepEqual((await bearer(token)).body, { kind: 'access_token', ...mine })

    const missing = await call({})
    assert.deepEqual(
      [missing.status, missing.code, missing.challenge],
      [401, 'missing_credential', 'Bearer realm="API"'],
    )
    const bad = await bearer(`${secret.slice(0, -1)}!`)
    assert.deepEqual([bad.status, bad.code], [401, 'invalid_credential'])
    assert.match(bad.challenge, /^Bearer error="invalid_token"/)
    const other = await house.key(organization, 'live', ['read:customers'])
    const lacking = await bearer(other.secret)
    assert.deepEqual([lacking.status, lacking.code], [403, 'insufficient_scope'])
    assert.match(lacking.challenge, /scope="read:customers read:bookings"/)
    const two = await call({ Authorization: `Bearer ${secret}`, 'X-API-Key': secret })
    assert.deepEqual([two.status, two.code], [400, 'multiple_credentials'])

    // The proof is for the whole path, wherever the framework has mounted the handler.
    const sign = (path: string) =>
      signProof(holder, { method: 'GET', url: publicUrl + path, accessToken: bound })
    const present = async (path: string) => call({ Authorization: `DPoP ${bound}`, DPoP: await sign(path) })
    assert.deepEqual((await present('/v1/reports')).body, { kind: 'access_token', ...mine })
    const unproven = await present('/reports')
    assert.deepEqual([unproven.status, unproven.code], [401, 'invalid_dpop_proof'])
    assert.match(unproven.challenge, /^DPoP /)

    await revoke(house, key)
    const revokedAt = performance.now()
    for (;;) {
      const at = performance.now()
      const { status } = await bearer(secret)
      if (status === 401) break
      assert.ok(at < revokedAt + 2000, 'let in after the bound')
      await sleep(10)
    }
  })
}
