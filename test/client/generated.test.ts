// src/client/generated/ is what the packaged profiles say, and the generator reads any profile.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { calledBy, contractOf, placeOf } from '../../scripts/client/contract.ts'
import { classNameOf } from '../../scripts/client/module.ts'
import { generateAll, generated, readModule } from '../../scripts/generate-client.ts'
import { contracts } from '../../src/client/entry.ts'
import { packageRoot } from '../../src/lib/package-root.ts'
import { envelopes } from '../support/client.ts'

test('the generated client is what profiles and documents say (else: npm run generate:client)', () => {
  const wanted = generateAll()
  assert.deepEqual(readdirSync(generated).sort(), [...wanted.keys()].sort())
  for (const [name, text] of wanted) assert.equal(readFileSync(join(generated, name), 'utf8'), text, name)
})

test('every operation of every contract has a name of its own', () => {
  for (const { name, operations } of contracts) {
    const called = operations.map((it) => `${it.resource}.${it.name}`)
    assert.deepEqual([...new Set(called)], called, name)
  }
})

test("an operation's resource is the first step of its path, its method what is left of its id", () => {
  const named = (id: string, path: string, written = {}) => {
    const { resource, name } = calledBy(written, id, path)
    return resource === null ? name : `${resource}.${name}`
  }
  assert.equal(named('listBookings', '/bookings'), 'bookings.list')
  assert.equal(named('getBooking', '/bookings/{id}'), 'bookings.get')
  assert.equal(named('createInterview', '/interviews'), 'interviews.create')
  assert.equal(named('rotateKey', '/keys/{id}/rotate'), 'keys.rotate')
  assert.equal(named('endKeyOverlap', '/keys/{id}/end-overlap'), 'keys.endOverlap')
  assert.equal(named('getMe', '/me'), 'me')
  assert.equal(named('getSettings', '/organisation/settings'), 'organisation.getSettings')
  assert.equal(named('getAgentCallHistory', '/agents/call-history/{agentId}'), 'agents.getCallHistory')
  assert.equal(named('listCategories', '/categories'), 'categories.list')
  assert.equal(named('listAuditEvents', '/audit-events'), 'auditEvents.list')
  const other = { 'x-client': { resource: 'agents', method: 'calls' } }
  assert.equal(named('getAgentCallHistory', '/agents/call-history/{agentId}', other), 'agents.calls')
})

test('where a value stands in an answer is read from the template; what is spread is the answer itself', () => {
  assert.deepEqual(placeOf({ success: true, '...': '{item}' }, 'item'), [])
  assert.deepEqual(placeOf({ success: true, data: { it: '{item}' } }, 'item'), ['data', 'it'])
  assert.deepEqual(placeOf('{item}', 'item'), [])
  assert.equal(placeOf({ message: 'Done: {message}' }, 'message'), null)
})

test('each of the four envelopes is understood', () => {
  const found = Object.fromEntries(
    Object.entries(envelopes).map(([name, envelope]) => [name, contractOf({ envelope }, {}).envelope]),
  )
  const none = { page: null, totalPages: null, nextCursor: null, code: null, param: null, requestId: null }
  assert.deepEqual(found, {
    boothzen: {
      ...none,
      item: [],
      items: ['data'],
      nextCursor: ['next_cursor'],
      message: ['error', 'message'],
      code: ['error', 'code'],
      param: ['error', 'param'],
      requestId: ['error', 'request_id'],
    },
    boooply: {
      ...none,
      item: [],
      items: ['data'],
      nextCursor: ['nextCursor'],
      message: ['error'],
      code: ['code'],
    },
    evalyo: {
      ...none,
      item: ['data'],
      items: ['data'],
      nextCursor: ['next_cursor'],
      message: ['detail'],
      code: ['code'],
      requestId: ['request_id'],
    },
    busyboard: {
      ...none,
      item: ['data'],
      items: ['data'],
      page: ['pagination', 'page'],
      totalPages: ['pagination', 'totalPages'],
      message: ['message'],
    },
  })
})

test('a class is called as its profile, with the capitals of the brand', () => {
  assert.equal(classNameOf({ name: 'boothzen', brand: 'BoothZen' }), 'BoothZen')
  assert.equal(classNameOf({ name: 'busyboard', brand: 'Busy Board AI' }), 'BusyBoard')
  assert.equal(classNameOf({ name: 'night-owl', brand: 'Acme' }), 'NightOwl')
})

test("a vendor's own profile makes a module that needs latchkey/client alone", () => {
  const module = readModule(join(packageRoot, 'profiles/boothzen.json'), 'latchkey/client')
  assert.equal(module?.className, 'BoothZenClient')
  const sources = [...(module?.text.matchAll(/from '([^']+)'/g) ?? [])].map(([, from]) => from)
  assert.deepEqual([...new Set(sources)], ['latchkey/client'])
})
