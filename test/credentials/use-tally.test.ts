// What is noted in memory has its bounds, and comes out as it went in.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type KeyId, newOrganizationId } from '../../src/core/ids.ts'
import type { ApiKeyPrincipal } from '../../src/core/principal.ts'
import { createUseTally, mostOwners } from '../../src/credentials/use-tally.ts'

const organization = newOrganizationId()
const keyOf = (index: number): KeyId => `key_${String(index).padStart(24, '0')}`
const holderOf = (key: KeyId): ApiKeyPrincipal => ({
  kind: 'api_key',
  key,
  organization,
  mode: 'live',
  scopes: new Set(),
  issuedAt: 1_700_000_000,
  expiresAt: null,
  allowedAddresses: null,
})
const use = { address: '192.0.2.1', userAgent: 'acme/1', operation: 'GET /me' }
const noon = Date.parse('2026-11-26T12:00:00Z')

test('there is room for so many owners: calls of more are told as lost, and those that are known go on', () => {
  let asked = 0
  const tally = createUseTally<ApiKeyPrincipal>(() => {
    asked += 1
  })
  const who = holderOf(keyOf(0))
  for (let index = 0; index < mostOwners + 3; index += 1) tally.note(keyOf(index), who, use, noon)
  tally.note(keyOf(0), who, use, noon)
  assert.deepEqual([tally.lost, asked], [3, 1])
  const batches = tally.take()
  assert.equal(
    batches.reduce((sum, { calls }) => sum + calls, 0),
    mostOwners + 1,
  )
  tally.note(keyOf(mostOwners + 1), who, use, noon)
  assert.deepEqual([tally.lost, tally.take().length], [3, 1], 'there is room again')
})

test('the last use is that of the last call; a refusal that comes after its batch was taken is none', () => {
  const tally = createUseTally<ApiKeyPrincipal>(() => {})
  const who = holderOf(keyOf(1))
  tally.note(who.key, who, { ...use, operation: null }, noon)
  tally.note(who.key, who, { ...use, userAgent: ` ${'long '.repeat(3000)}` }, noon + 5)
  const read = () => tally.take().map((batch) => batch.read())
  const client = 'long '.repeat(40)
  const last = { at: new Date(noon + 5), address: '192.0.2.1', client, operation: 'GET /me' }
  assert.deepEqual(read(), [{ day: '2026-11-26', uses: [{ who, calls: 2, limited: 0, last }] }])
  tally.noteLimited(who.key, who, noon + 10)
  assert.deepEqual(read(), [{ day: '2026-11-26', uses: [{ who, calls: 0, limited: 1, last: null }] }])
  assert.deepEqual(read(), [])
})
