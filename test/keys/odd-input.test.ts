// What no sensible caller sends to the operations on keys: told what is wrong, and never a fault of ours.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startHouse } from '../support/house.ts'
import { createPartner, customer, provision, withoutLimits } from '../support/platform.ts'

const deep = '['.repeat(20_000) + ']'.repeat(20_000)
/** JSON whose text has half of a character in it: no database takes it. */
const half = '"\\ud800"'

test('a key is refused with the field that is wrong, whatever was sent in it', async (t) => {
  const house = await startHouse(t, { change: withoutLimits })
  const organization = await house.organization('Acme')
  const { secret } = await house.key(organization, 'live', ['keys:write', 'keys:read'])
  const ask = async (more: string) => {
    const body = `{"scopes":["keys:read"],${more}}`
    const headers = { 'Content-Type': 'application/json' }
    const response = await house.api('/keys', secret, { method: 'POST', headers, body })
    const { error } = (await response.json()) as { error?: { code: string; param?: string } }
    return [response.status, error?.code, error?.param].join(' ').trim()
  }
  assert.equal(await ask(`"name":${half}`), '400 malformed_json')
  assert.equal(await ask(`"name":"k","x":${deep}`), '400 malformed_json')
  assert.equal(await ask('"name":"\u200b"'), '422 invalid_parameter name')
  assert.equal(await ask('"name":"a\u009b31m"'), '422 invalid_parameter name')
  for (const seconds of ['1e16', '1e300', '1e400', '315360001'])
    assert.equal(await ask(`"name":"k","expires_in":${seconds}`), '422 invalid_parameter expires_in')
  for (const time of ['2027-12-31T23:59:60Z', '2027-01-01T00:00:00+01'])
    assert.equal(await ask(`"name":"k","expires_at":"${time}"`), '422 invalid_parameter expires_at')
})

test('a platform is told what is wrong with its call, whatever was sent in it', async (t) => {
  const house = await startHouse(t, { change: withoutLimits })
  const partner = await createPartner(house)
  const ask = async (more: string, idempotencyKey?: string) => {
    const text = JSON.stringify(customer).replace(/}$/, `,${more}}`)
    const response = await house.api('/organizations/api-key', partner.secret, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'Idempotency-Key': idempotencyKey ?? '' },
      body: text,
    })
    const { error } = (await response.json()) as { error?: { code: string; param?: string } }
    return [response.status, error?.code, error?.param].join(' ').trim()
  }
  for (const field of ['userId', 'userName', 'organizationId', 'organizationName'])
    assert.equal(await ask(`"${field}":${half}`), '400 malformed_json', field)
  assert.equal(await ask(`"ours":${deep}`, 'deep'), '400 malformed_json')
  assert.equal(await ask('"organizationId":" "'), '422 invalid_parameter organizationId')
  const { organization } = await provision(house, partner, { organizationName: '\u200b' })
  assert.equal(organization.name, customer.organizationId, 'a name that nobody can see is as none')
})

test('an answer is given again also when what was asked for could not be had any more', async (t) => {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  const { secret } = await house.key(organization, 'live', ['keys:write', 'keys:read'])
  const body = JSON.stringify({
    name: 'Short',
    scopes: ['keys:read'],
    expires_at: new Date(Date.now() + 60_000).toISOString(),
  })
  const ask = async () => {
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': 'short-1' }
    const response = await house.api('/keys', secret, { method: 'POST', headers, body })
    return `${response.status} ${await response.text()}`
  }
  const first = await ask()
  assert.match(first, /^201 /)
  house.travel(120)
  assert.equal(await ask(), first)
})
