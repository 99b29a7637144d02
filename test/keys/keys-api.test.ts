// Keys that manage keys: /api/v1/keys.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Mode } from '../../src/core/principal.ts'
import { authorizationUrl, errorOf, obtainTokens, postToken } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'

interface Shown {
  readonly id: string
  readonly name: string
  readonly mode: Mode
  readonly scopes: string[]
  readonly status: string
  readonly secret: string
  readonly expires_at: string | null
  readonly retires_at: string | null
  readonly allowed_addresses: string[]
  readonly created_by: string
  readonly rotated_from: string | null
  readonly last_used_at: string | null
  readonly last_used_from: string | null
  readonly last_used_by: string | null
  readonly last_used_for: string | null
  readonly old: Shown
}

const manage = ['keys:read', 'keys:write']

async function open(t: TestContext) {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  const { secret, key } = await house.key(organization, 'live', [...manage, 'read:bookings'])
  return { house, organization, manager: secret, managerKey: key }
}

/** A call with a JSON body, and its answer. */
async function call(house: House, secret: string, method: string, path: string, body?: unknown) {
  const init = body === undefined ? {} : { body: JSON.stringify(body) }
  const headers = { 'Content-Type': 'application/json', 'User-Agent': 'acme-sync/2.1 (test)' }
  const response = await house.api(path, secret, { method, headers, ...init })
  const text = await response.text()
  const answer = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
  return { status: response.status, answer, text }
}

async function made(house: House, secret: string, body: object): Promise<Shown> {
  const { status, answer, text } = await call(house, secret, 'POST', '/keys', body)
  assert.equal(status, 201, text)
  return answer as unknown as Shown
}

/** `status code param` of a refusal. */
async function refusal(house: House, secret: string, method: string, path: string, body?: unknown) {
  const { status, answer } = await call(house, secret, method, path, body)
  const { code, param } = answer['error'] as { code: string; param?: string }
  return [status, code, ...(param === undefined ? [] : [param])].join(' ')
}

test('K6: a key made by a key works, is shown once, and is listed with who made it and when it was used', async (t) => {
  const { house, manager, managerKey } = await open(t)
  const key = await made(house, manager, { name: ' Export ', scopes: ['read:bookings'] })
  assert.deepEqual(
    { ...key, secret: '', id: '', created_at: '', last_four: '' },
    {
      id: '',
      name: 'Export',
      mode: 'live',
      scopes: ['read:bookings'],
      prefix: 'bz_live_',
      last_four: '',
      status: 'active',
      allowed_addresses: [],
      created_by: managerKey.id,
      created_at: '',
      expires_at: null,
      retires_at: null,
      rotated_from: null,
      secret: '',
    },
  )
  assert.equal((await call(house, key.secret, 'GET', '/bookings')).status, 200)
  await house.settle()
  const read = await call(house, manager, 'GET', `/keys/${key.id}`)
  const shown = read.answer as unknown as Shown
  assert.equal(shown.last_used_from, '127.0.0.1')
  assert.equal(shown.last_used_by, 'acme-sync/2.1 (test)')
  assert.equal(shown.last_used_for, 'GET /bookings')
  assert.ok(Math.abs(Date.now() - Date.parse(shown.last_used_at ?? '')) < 60_000)
  const list = await call(house, manager, 'GET', '/keys')
  for (const { text } of [read, list]) assert.ok(!text.includes(key.secret.slice(8, -4)))
  assert.equal((list.answer['data'] as unknown[]).length, 2)
})

test('keys are managed by those that hold keys:read and keys:write, and by no app', async (t) => {
  const { house, organization } = await open(t)
  const { secret: plain, key } = await house.key(organization, 'live', ['read:bookings'])
  const { secret: reader } = await house.key(organization, 'live', ['keys:read'])
  const path = `/keys/${key.id}`
  assert.equal(await refusal(house, plain, 'GET', '/keys'), '403 insufficient_scope')
  assert.equal((await call(house, reader, 'GET', '/keys')).status, 200)
  for (const [method, where] of [
    ['POST', '/keys'],
    ['POST', `${path}/rotate`],
    ['POST', `${path}/revoke`],
    ['POST', `${path}/deactivate`],
    ['POST', `${path}/activate`],
    ['POST', `${path}/end-overlap`],
    ['DELETE', path],
  ] as const) {
    const body = where === '/keys' ? { name: 'x', scopes: ['keys:read'] } : undefined
    assert.equal(await refusal(house, reader, method, where, body), '403 insufficient_scope', where)
  }
  assert.equal((await call(house, plain, 'GET', '/bookings')).status, 200, 'and nothing has changed')

  await house.person('ann@acme.example', organization)
  const app = await house.app(organization, { scopes: ['read:bookings'] })
  const asked = authorizationUrl(house.url, app.clientId, 'read:bookings keys:write')
  const answer = await fetch(asked.url, { redirect: 'manual' })
  const tokens = await obtainTokens(house.url, app, 'ann@acme.example', 'read:bookings')
  assert.match(answer.headers.get('location') ?? '', /error=invalid_scope|\/interaction\//)
  assert.equal(tokens.scope, 'read:bookings')
  const wider = { grant_type: 'refresh_token', refresh_token: tokens.refresh_token, client_id: app.clientId }
  assert.equal(
    await errorOf(await postToken(house.url, { ...wider, scope: 'keys:write' })),
    '400 invalid_scope',
  )
})

test('K11: a key makes and rotates none that can do more than itself', async (t) => {
  const { house, organization, manager } = await open(t)
  const create = (secret: string, body: object) =>
    refusal(house, secret, 'POST', '/keys', { name: 'x', scopes: ['read:bookings'], ...body })
  assert.equal(await create(manager, { scopes: ['write:bookings'] }), '403 exceeds_creator scopes')
  assert.equal(await create(manager, { mode: 'test' }), '403 wrong_mode mode')

  const inAnHour = new Date(Date.now() + 3_600_000)
  const limited = await made(house, manager, {
    name: 'limited',
    scopes: [...manage, 'read:bookings'],
    expires_at: inAnHour.toISOString(),
    allowed_addresses: ['127.0.0.0/8'],
  })
  assert.equal(await create(limited.secret, { expires_in: 7200 }), '403 exceeds_creator expires_at')
  for (const networks of [['0.0.0.0/0'], ['127.0.0.0/7'], ['127.0.0.0/16', '192.0.2.1'], ['::/0']]) {
    const body = { allowed_addresses: networks }
    assert.equal(await create(limited.secret, body), '403 exceeds_creator allowed_addresses', networks.join())
  }
  assert.equal(
    await create(limited.secret, { allowed_addresses: [], expires_in: 60 }),
    '403 exceeds_creator allowed_addresses',
    'anywhere is more than somewhere',
  )
  const child = await made(house, limited.secret, { name: 'child', scopes: ['read:bookings'] })
  assert.equal(child.expires_at, inAnHour.toISOString(), 'it ends with its maker')
  assert.deepEqual(child.allowed_addresses, ['127.0.0.0/8'])
  const narrow = {
    name: 'narrow',
    scopes: ['read:bookings'],
    allowed_addresses: ['127.0.0.1'],
    expires_in: 60,
  }
  assert.deepEqual((await made(house, limited.secret, narrow)).allowed_addresses, ['127.0.0.1/32'])

  // Rotating a stronger key would hand its maker a stronger secret.
  const { key: strong } = await house.key(organization, 'live', ['write:bookings'])
  const rotate = (secret: string, id: string) => refusal(house, secret, 'POST', `/keys/${id}/rotate`)
  assert.equal(await rotate(manager, strong.id), '403 exceeds_creator scopes')
  const { key: endless } = await house.key(organization, 'live', ['read:bookings'])
  assert.equal(await rotate(limited.secret, endless.id), '403 exceeds_creator expires_at')
  assert.equal((await house.database.knex('api_keys').whereNotNull('retires_at')).length, 0)
})

test('a rotated key works for its overlap, to the second, and its successor at once', async (t) => {
  const { house, manager } = await open(t)
  const old = await made(house, manager, { name: 'Export', scopes: ['read:bookings'], expires_in: 86_400 })
  const works = async ({ secret }: Shown) => (await house.api('/bookings', secret)).status === 200
  const { status, answer } = await call(house, manager, 'POST', `/keys/${old.id}/rotate`, {
    overlap_seconds: 60,
  })
  assert.equal(status, 201)
  const successor = answer as unknown as Shown
  assert.deepEqual([successor.name, successor.scopes, successor.rotated_from], [old.name, old.scopes, old.id])
  assert.equal(successor.old.status, 'retiring')
  const life = Date.parse(successor.expires_at ?? '') - Date.now()
  assert.ok(Math.abs(life - 86_400_000) < 60_000, 'it lives as long as the old one was made to')
  assert.ok((await works(old)) && (await works(successor)))
  const again = await call(house, manager, 'POST', `/keys/${old.id}/rotate`)
  assert.equal(again.status, 409)
  assert.match(again.text, new RegExp(`"conflicts_with":"${successor.id}"`))

  house.travel(58)
  assert.ok(await works(old), 'in its last second')
  house.travel(2)
  assert.equal(await works(old), false)
  assert.ok(await works(successor))
  const listed = await call(house, manager, 'GET', `/keys/${old.id}`)
  assert.equal((listed.answer as unknown as Shown).status, 'retired')

  const { answer: second } = await call(house, manager, 'POST', `/keys/${successor.id}/rotate`, {
    overlap_seconds: 600,
  })
  const ended = await call(house, manager, 'POST', `/keys/${successor.id}/end-overlap`)
  assert.equal((ended.answer as unknown as Shown).status, 'retired')
  assert.equal(await works(successor), false)
  assert.ok(await works(second as unknown as Shown))
  assert.equal(
    await refusal(house, manager, 'POST', `/keys/${successor.id}/end-overlap`),
    '409 key_state_conflict',
  )
  const third = await call(house, manager, 'POST', `/keys/${(second as unknown as Shown).id}/rotate`)
  assert.equal(await works(second as unknown as Shown), false, 'without an overlap it stops at once')
  assert.ok(await works(third.answer as unknown as Shown))
})

test('a key that ends rotates itself, and lives no longer for it', async (t) => {
  const { house, manager } = await open(t)
  const key = await made(house, manager, { name: 'Sync', scopes: manage, expires_in: 3600 })
  house.travel(1800)
  const { status, answer, text } = await call(house, key.secret, 'POST', `/keys/${key.id}/rotate`)
  assert.equal(status, 201, text)
  assert.equal((answer as unknown as Shown).expires_at, key.expires_at)
})

test('of many rotations of one key at once exactly one succeeds', async (t) => {
  const { house, manager } = await open(t)
  const key = await made(house, manager, { name: 'Export', scopes: ['read:bookings'] })
  const tries = Array.from({ length: 12 }, () => call(house, manager, 'POST', `/keys/${key.id}/rotate`))
  const statuses = (await Promise.all(tries)).map(({ status }) => status)
  assert.equal(statuses.filter((status) => status === 201).length, 1)
  assert.equal(statuses.filter((status) => status === 409).length, 11)
  const alive = await house.database.knex('credentials').join('api_keys', 'api_keys.id', 'credentials.key_id')
  assert.equal(alive.filter(({ name }) => name === 'Export').length, 1)
})

test('K12: a key that is revoked, deactivated or deleted is refused by the next request; activating brings it back', async (t) => {
  const { house, manager } = await open(t)
  const key = await made(house, manager, { name: 'Export', scopes: ['read:bookings'] })
  const post = (verb: string) => call(house, manager, 'POST', `/keys/${key.id}/${verb}`)
  const works = async () => (await house.api('/bookings', key.secret)).status === 200
  assert.equal(((await post('deactivate')).answer as unknown as Shown).status, 'deactivated')
  assert.equal(await works(), false)
  assert.equal((await post('rotate')).status, 409)
  assert.equal((await post('deactivate')).status, 200, 'twice is as once')
  assert.equal(((await post('activate')).answer as unknown as Shown).status, 'active')
  assert.ok(await works())
  assert.equal(((await post('revoke')).answer as unknown as Shown).status, 'revoked')
  assert.equal(await works(), false)
  assert.equal((await post('revoke')).status, 200, 'twice is as once')
  for (const verb of ['activate', 'deactivate', 'rotate']) assert.equal((await post(verb)).status, 409, verb)

  const other = await made(house, manager, { name: 'Other', scopes: ['read:bookings'] })
  assert.equal((await call(house, manager, 'DELETE', `/keys/${other.id}`)).status, 204)
  assert.equal((await house.api('/bookings', other.secret)).status, 401)
  assert.equal(await refusal(house, manager, 'GET', `/keys/${other.id}`), '404 key_not_found')
  assert.equal(await refusal(house, manager, 'DELETE', `/keys/${other.id}`), '404 key_not_found')
  const told = await house.database.knex('audit_events').where({ target: other.id }).orderBy('id')
  assert.deepEqual(
    told.map(({ action }) => action),
    ['key.created', 'key.deleted'],
    'what was done with it stays',
  )
  assert.equal(told[0].actor_kind, 'api_key')
  assert.match(told[0].request_id, /^req_/)
  assert.equal(told[0].address, '127.0.0.1')
})

test('a key with networks is refused from elsewhere, by the address that our own proxies tell', async (t) => {
  const house = await startHouse(t, { env: { TRUST_PROXY: '1' } })
  const organization = await house.organization('Acme')
  const { secret: manager } = await house.key(organization, 'test', [...manage, 'read:bookings'])
  const key = await made(house, manager, {
    name: 'Office',
    scopes: ['read:bookings'],
    allowed_addresses: ['192.0.2.0/24', '2001:db8::/32', '192.0.2.0/24'],
  })
  assert.deepEqual(key.allowed_addresses, ['192.0.2.0/24', '2001:db8::/32'])
  const from = async (address: string) => {
    const response = await house.api('/bookings', key.secret, { headers: { 'X-Forwarded-For': address } })
    const { error } = (await response.json()) as { error?: { code: string } }
    return error ? `${response.status} ${error.code}` : String(response.status)
  }
  for (const inside of ['192.0.2.7', '::ffff:192.0.2.7', '2001:db8:1::9'])
    assert.equal(await from(inside), '200')
  for (const outside of [
    '192.0.3.7',
    '2001:db9::1',
    '::ffff:198.51.100.1',
    'unknown',
    '198.51.100.1, 192.0.3.9',
  ])
    assert.equal(await from(outside), '403 address_not_allowed', outside)
  assert.equal(
    await from('198.51.100.1, 192.0.2.9'),
    '200',
    'what stands further left was written by the caller',
  )
})

test('every bad field of a new key is refused by its name, and nothing is made', async (t) => {
  const { house, manager } = await open(t)
  const good = { name: 'x', scopes: ['read:bookings'] }
  for (const [body, said] of [
    [{}, '422 invalid_parameter name'],
    [{ ...good, name: '   ' }, '422 invalid_parameter name'],
    [{ ...good, name: 'x'.repeat(101) }, '422 invalid_parameter name'],
    [{ ...good, name: 'a\u0000b' }, '422 invalid_parameter name'],
    [{ ...good, name: 'invoice\u202efdp.exe' }, '422 invalid_parameter name'],
    [{ ...good, name: 7 }, '422 invalid_parameter name'],
    [{ ...good, scopes: [] }, '422 invalid_parameter scopes'],
    [{ ...good, scopes: ['read:minds'] }, '422 invalid_parameter scopes'],
    [{ ...good, scopes: 'read:bookings' }, '422 invalid_parameter scopes'],
    [{ ...good, mode: 'both' }, '422 invalid_parameter mode'],
    [{ ...good, expires_at: 'tomorrow' }, '422 invalid_parameter expires_at'],
    [{ ...good, expires_at: '2020-01-01T00:00:00Z' }, '422 invalid_parameter expires_at'],
    [{ ...good, expires_at: '2199-01-01T00:00:00Z' }, '422 invalid_parameter expires_at'],
    [{ ...good, expires_in: 0 }, '422 invalid_parameter expires_in'],
    [{ ...good, expires_in: 1e12 }, '422 invalid_parameter expires_in'],
    [{ ...good, expires_in: 60, expires_at: '2030-01-01T00:00:00Z' }, '422 invalid_parameter expires_in'],
    [{ ...good, allowed_addresses: ['300.1.1.1'] }, '422 invalid_parameter allowed_addresses'],
    [{ ...good, allowed_addresses: ['192.0.2.0/33'] }, '422 invalid_parameter allowed_addresses'],
    [{ ...good, allowed_addresses: Array(51).fill('::1') }, '422 invalid_parameter allowed_addresses'],
    [{ ...good, colour: 'red' }, '422 invalid_parameter colour'],
  ] as const) {
    assert.equal(
      await refusal(house, manager, 'POST', '/keys', body),
      said,
      JSON.stringify(body).slice(0, 80),
    )
  }
  const rotate = `/keys/key_${'0'.repeat(24)}/rotate`
  const overlap = { overlap_seconds: 604_801 }
  assert.equal(
    await refusal(house, manager, 'POST', rotate, overlap),
    '422 invalid_parameter overlap_seconds',
  )
  assert.equal(await refusal(house, manager, 'POST', rotate), '404 key_not_found')
  assert.equal(await refusal(house, manager, 'GET', '/keys/nonsense'), '404 key_not_found')
  assert.equal(await refusal(house, manager, 'GET', '/keys?cursor=x'), '422 invalid_parameter cursor')
  assert.equal(await refusal(house, manager, 'GET', '/keys?limit=0'), '422 invalid_parameter limit')
  assert.equal((await house.database.knex('api_keys')).length, 1)
})

test('a list is given page by page, each key once, also while others are made', async (t) => {
  const { house, organization, manager } = await open(t)
  for (let time = 0; time < 7; time += 1) await house.key(organization, 'live', ['read:bookings'])
  const seen: string[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const { answer } = await call(house, manager, 'GET', `/keys?limit=3${cursor && `&cursor=${cursor}`}`)
    seen.push(...(answer['data'] as Shown[]).map(({ id }) => id))
    cursor = answer['next_cursor'] as string | null
    await house.key(organization, 'live', ['read:bookings'])
  }
  assert.equal(seen.length, 8)
  assert.equal(new Set(seen).size, 8)
})

test('a key made or rotated with an Idempotency-Key is made once, and its secret is told again to who asks again', async (t) => {
  const { house, manager } = await open(t)
  const send = async (path: string, body: object, idempotencyKey: string) => {
    const headers = { 'Content-Type': 'application/json', 'Idempotency-Key': idempotencyKey }
    const response = await house.api(path, manager, { method: 'POST', headers, body: JSON.stringify(body) })
    return { status: response.status, text: await response.text() }
  }
  const body = { name: 'Export', scopes: ['read:bookings'] }
  const answers = await Promise.all(Array.from({ length: 5 }, () => send('/keys', body, 'once')))
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [201])
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1)
  assert.equal((await house.database.knex('api_keys')).length, 2)
  assert.match((await send('/keys', { ...body, name: 'Other' }, 'once')).text, /idempotency_key_reused/)
  const { id } = JSON.parse(answers[0]?.text ?? '') as Shown
  const first = await send(`/keys/${id}/rotate`, {}, 'turn')
  assert.deepEqual(await send(`/keys/${id}/rotate`, {}, 'turn'), first)
  assert.equal(first.status, 201)
})
