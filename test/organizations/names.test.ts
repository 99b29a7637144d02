// What an organization and a platform may be called.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byServer } from '../../src/core/attribution.ts'
import { Problem } from '../../src/core/problems.ts'
import { createOrganization } from '../../src/organizations/create-organization.ts'
import { startHouse } from '../support/house.ts'
import { createPartner } from '../support/platform.ts'

test('a name that can not be shown on one line is refused, for an organization and for a platform', async (t) => {
  const house = await startHouse(t)
  const db = house.database.knex
  const isRefused = (thrown: unknown) =>
    thrown instanceof Problem && thrown.code === 'invalid_parameter' && thrown.details.param === 'name'
  const bad = ['', ' ', '\u200b', 'a\u001b[31mred', 'a\u202eb', 'two\nlines', 'a'.repeat(10_240)]
  for (const name of bad) {
    await assert.rejects(createOrganization(db, { name, slug: 'acme', by: byServer }), isRefused, name)
    await assert.rejects(createPartner(house, name), isRefused, name)
  }
  for (const [slug, name] of Object.entries({ party: ' \u{1f389} ', arabic: '\u0634\u0631\u0643\u0629' })) {
    const made = await createOrganization(db, { name, slug, by: byServer })
    assert.equal(made.name, name.trim())
  }
})
