// A partner's published code (require, Express routes) moves by its import and its base URL alone.
import assert from 'node:assert/strict'
import { copyFileSync, existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadProfile } from '../../src/core/profile.ts'
import { packageRoot } from '../../src/lib/package-root.ts'
import { createProject } from '../support/built-client.ts'
import { startHouse } from '../support/house.ts'
import { createPartner } from '../support/platform.ts'

const profiles = join(packageRoot, 'profiles')
const isThere = existsSync(join(profiles, 'boooply.json'))

interface Customer {
  readonly id: string
  readonly name: string
  boooplyApiKey?: string
}

test("the code of Boooply's pages", { skip: !isThere && 'there is no profile boooply' }, async (t) => {
  const house = await startHouse(t, { change: () => loadProfile('boooply', profiles) })
  const { secret } = await createPartner(house)
  const folder = await createProject(t)
  copyFileSync(join(packageRoot, 'test/client/partner.cjs'), join(folder, 'partner.cjs'))
  const partner = createRequire(join(folder, 'index.js'))('./partner.cjs')
  process.env['BOOOPLY_PLATFORM_KEY'] = secret
  const baseUrl = house.url

  const customers = new Map<string, Customer>([['c_1', { id: 'c_1', name: 'Globex' }]])
  const db = {
    saveBoooplyKey: async (id: string, boooplyApiKey: string) => {
      customers.set(id, { id, name: id, boooplyApiKey })
    },
    update: async (_table: string, id: string, change: Partial<Customer>) => {
      Object.assign(customers.get(id) ?? {}, change)
    },
  }

  await t.test('createOrganizationApiKey gives a key that makes an interview', async () => {
    await partner.connectOnce({ baseUrl, db, customerId: 'acme' })
    const customer = customers.get('acme')
    assert.match(customer?.boooplyApiKey ?? '', /^bply_org_/)
    const interview = await partner.useOrgKey({ baseUrl, customer })
    assert.equal(interview.jobRole, 'Frontend Engineer')
    assert.ok(interview.id)
  })

  await t.test('the Express routes', async (t) => {
    const express = createRequire(import.meta.url)('express')
    const app = express()
    app.use(express.json())
    app.use((req: { user: object }, _res: object, next: () => void) => {
      req.user = { id: 'u_1', email: 'homer@globex.example', name: 'Homer', orgId: 'c_1' }
      next()
    })
    partner.addRoutes({ baseUrl, app, db, getCustomer: async (id: string) => customers.get(id) })
    const server = app.listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    const post = async (path: string, body: object = {}) => {
      const headers = { 'Content-Type': 'application/json' }
      const url = `http://127.0.0.1:${server.address().port}${path}`
      const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
      return { status: response.status, body: await response.json() }
    }
    const connected = await post('/api/connect-boooply')
    assert.deepEqual(connected, { status: 200, body: { success: true, message: 'Boooply connected' } })
    const candidate = { name: 'Jane', email: 'jane@example.com' }
    const wanted = { jobRole: 'Engineer', candidate, skills: ['TypeScript'] }
    const made = await post('/api/interviews', wanted)
    assert.equal(made.status, 200)
    assert.deepEqual({ ...(made.body as object), ...wanted }, made.body)
  })

  await t.test('errors have .message, .status and .response', async () => {
    const client = new partner.BoooplyClient({ apiKey: customers.get('acme')?.boooplyApiKey, baseUrl })
    await assert.rejects(client.interviews.create({ type: 'ai' }), (error) => {
      assert.ok(error instanceof Error && 'status' in error && 'response' in error)
      assert.match(error.message, new RegExp(`^Boooply API ${error.status}: .`))
      assert.equal((error.response as { status: number }).status, error.status) // as ErrorResponse says
      return true
    })
  })
})
