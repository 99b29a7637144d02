// What Evalyo's published page on authentication promises, each test titled with its sentence.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadContract, type Operation } from '../../src/core/contract.ts'
import { loadProfile } from '../../src/core/profile.ts'
import { packageRoot } from '../../src/lib/package-root.ts'
import { assertNotIn, dumpDatabase } from '../support/dump.ts'
import type { House } from '../support/house.ts'
import { call } from '../support/management.ts'
import {
  changeKeyByForm,
  command,
  commandJson,
  createKeyByForm,
  keyIdOf,
  keysPath,
  revoke,
  shareHouse,
  shownSecret,
  signedIn,
} from '../support/shared-house.ts'

const shared = shareHouse('evalyo')
const daySeconds = 86_400
const tenYears = 3653 * daySeconds

const published = [
  'interviews:read',
  'interviews:write',
  'candidates:read',
  'candidates:write',
  'jobs:read',
  'jobs:write',
  'campaigns:read',
  'campaigns:write',
  'stages:read',
  'stages:write',
  'tests:read',
  'tests:write',
  'reports:read',
  'agents:read',
  'agents:write',
]

const keyWith = (scopes: readonly string[]) => shared().house.key(shared().acme, 'live', scopes)
const { operations } = loadContract(
  loadProfile('evalyo', join(packageRoot, 'profiles')),
  'https://app.example.test',
)
const statusOf = async (secret: string | null, path: string) =>
  (await shared().house.api(path, secret)).status

/** A request of the operation, on this row. */
const requestOf = ({ method, path }: Operation, id = 'nothing') => `${method} ${path.replace('{id}', id)}`

interface Row {
  readonly id: string
  readonly [field: string]: unknown
}

/** The problem of an answer without what differs from request to request. */
async function problemOf(house: House, path: string, init: RequestInit) {
  const response = await fetch(`${house.url}/api/v1${path}`, init)
  assert.equal(response.headers.get('content-type'), 'application/problem+json')
  const { type, request_id: id, ...problem } = (await response.json()) as Record<string, unknown>
  assert.equal(type, `${house.url}/docs/errors#${problem['code']}`)
  assert.equal(id, response.headers.get('x-request-id'))
  assert.equal(problem['status'], response.status)
  return problem
}

test('All API requests are authenticated with scoped API keys.', async () => {
  const { house } = shared()
  const { secret, key } = await keyWith(['jobs:read'])
  for (const operation of operations) {
    const [method = '', path = ''] = requestOf(operation).split(' ')
    const headers = { 'Content-Type': 'application/json' }
    const { status } = await house.api(path, null, {
      method,
      headers,
      ...(method === 'GET' ? {} : { body: '{}' }),
    })
    assert.equal(status, 401, operation.id)
  }
  assert.match(secret, /^evl_[0-9A-Za-z]{36}$/)
  const { answer } = await call(house, secret, 'GET /me')
  const { kind, key_id: id, scopes } = answer['data'] as Record<string, unknown>
  assert.deepEqual([kind, id, scopes], ['api_key', key.id, ['jobs:read']])
})

test('Add your API key to the HTTP header Authorization using the scheme Bearer.', async () => {
  const { house } = shared()
  const { secret } = await keyWith(['jobs:read'])
  const status = async (headers: Record<string, string>, query = '') =>
    (await fetch(`${house.url}/api/v1/jobs${query}`, { headers })).status
  assert.equal(await status({ Authorization: `Bearer ${secret}` }), 200)
  for (const headers of [
    { Authorization: secret },
    { Authorization: `Basic ${btoa(`${secret}:`)}` },
    { Authorization: `Token ${secret}` },
    { 'x-api-key': secret },
  ] as Record<string, string>[])
    assert.equal(await status(headers), 401, Object.entries(headers).join())
  assert.equal(await status({}, `?api_key=${secret}`), 401)
})

test('Each API key is associated with a set of scopes that define the accessible resources.', async () => {
  const { house, browser } = shared()
  assert.deepEqual(Object.keys(house.profile.scopes), published)
  const { secret } = await keyWith(['candidates:read', 'tests:read'])
  const lists = operations.filter(
    ({ method, path }) => method === 'GET' && !path.includes('{') && path !== '/me',
  )
  assert.equal(lists.length, 8)
  for (const { path } of lists) {
    const may = ['/candidates', '/tests'].includes(path)
    assert.equal(await statusOf(secret, path), may ? 200 : 403, path)
  }

  const form = await browser.open(`${keysPath}/new`)
  const offered = [...form.html.matchAll(/name="scope:(\w+)"[^>]*value="(\w+)"( checked)?/g)]
  const levels = (wanted: string) => offered.filter(([, , level]) => level === wanted).map(([, it]) => it)
  for (const verb of ['read', 'write'])
    assert.deepEqual(
      levels(verb),
      published.filter((it) => it.endsWith(`:${verb}`)).map((it) => it.split(':')[0]),
    )
  const chosen = offered.filter(([, , , checked]) => checked).map(([, , level]) => level)
  assert.deepEqual(new Set(chosen), new Set(['none']), 'nothing is given that was not chosen')
  const none = await browser.submit(form, { name: 'None', mode: 'live', lifetime: 'never', addresses: '' })
  assert.equal(none.status, 422, 'a key has a scope at least')
})

/**
 * One row of the table of scopes, as the title has it: with that scope alone its operations answer, and with all the
 * others they do not.
 */
async function opens({ name }: TestContext): Promise<void> {
  const { house } = shared()
  const [scope = '', , , sentence = ''] = name.split(' | ')
  const { sentence: words } = house.profile.scopes[scope] ?? {}
  assert.equal(`${words?.en}.`, sentence)
  const [resource = '', verb = ''] = scope.split(':')
  const { secret } = await keyWith([scope])
  const { secret: reader } = await keyWith([`${resource}:read`])
  const { secret: others } = await keyWith(published.filter((it) => it !== scope))

  const list = await call(house, reader, `GET /${resource}?limit=2`)
  const [row, other] = list.answer['data'] as Row[]
  assert.ok(row && other, `no ${resource}`)
  const { id, ...fields } = row
  const its = operations.filter(({ requiredScopes }) => requiredScopes.includes(scope))
  assert.deepEqual(
    its.map((it) => requestOf(it, id)),
    verb === 'read'
      ? [`GET /${resource}`, `GET /${resource}/${id}`]
      : [`POST /${resource}`, `PATCH /${resource}/${id}`],
  )
  for (const operation of its) {
    const request = requestOf(operation, id)
    const body = operation.method === 'GET' ? undefined : fields
    const { status, text } = await call(house, secret, request, body)
    assert.equal(status, operation.method === 'POST' ? 201 : 200, `${request}: ${text}`)
    const refused = await call(house, others, request, body)
    assert.deepEqual([refused.status, refused.answer['code']], [403, 'insufficient_scope'], request)
    assert.match(String(refused.answer['detail']), new RegExp(`"${scope}"`))
  }
  if (verb === 'read') {
    const one = await call(house, secret, `GET /${resource}/${id}`)
    assert.deepEqual(one.answer, { data: row })
    const all = await call(house, secret, `GET /${resource}?limit=100`)
    assert.deepEqual(await pageByPage(secret, `/${resource}?limit=9`), all.answer['data'])
    return
  }
  const made = await call(house, secret, `POST /${resource}`, fields)
  const { id: newId } = made.answer['data'] as Row
  assert.notEqual(newId, id)
  const change = Object.entries(other).find(([field, value]) => field !== 'id' && value !== row[field])
  assert.ok(change)
  await call(house, secret, `PATCH /${resource}/${newId}`, Object.fromEntries([change]))
  const read = await call(house, reader, `GET /${resource}/${newId}`)
  assert.deepEqual(read.answer['data'], { ...row, ...Object.fromEntries([change]), id: newId })
}

/** What a list has, by the header Link of each page (RFC 8288). */
async function pageByPage(secret: string, path: string): Promise<Row[]> {
  const { house } = shared()
  const rows: Row[] = []
  for (let next: string | undefined = `${house.url}/api/v1${path}`; next !== undefined; ) {
    const response: Response = await fetch(next, { headers: { Authorization: `Bearer ${secret}` } })
    const { data, ...more } = (await response.json()) as { data: Row[] }
    assert.deepEqual(more, {})
    assert.ok(data.length > 0 && data.length <= 9)
    rows.push(...data)
    next = /^<([^>]+)>; rel="next"$/.exec(response.headers.get('link') ?? '')?.[1]
  }
  return rows
}

test('interviews:read | string | Non | Read interviews and their details.', opens)
test('interviews:write | string | Non | Create and update interviews.', opens)
test('candidates:read | string | Non | Read candidate profiles.', opens)
test('candidates:write | string | Non | Create and update candidates.', opens)
test('jobs:read | string | Non | Read job postings.', opens)
test('jobs:write | string | Non | Create and manage job postings.', opens)
test('campaigns:read | string | Non | Read hiring processes.', opens)
test('campaigns:write | string | Non | Create and manage hiring processes.', opens)
test('stages:read | string | Non | Read pipeline stages.', opens)
test('stages:write | string | Non | Manage pipeline stages.', opens)
test('tests:read | string | Non | Read technical tests.', opens)
test('tests:write | string | Non | Create and manage tests.', opens)
test('reports:read | string | Non | Read results (tests and interviews).', opens)
test('agents:read | string | Non | Read AI agents (config, voice, tone).', opens)
test('agents:write | string | Non | Create and update AI agents.', opens)

test('Create your keys from Integrations → API keys.', async () => {
  const { house, browser } = shared()
  assert.deepEqual(house.profile.console.keys, ['Integrations', 'API keys'])
  const list = await browser.open(keysPath)
  assert.match(list.html, /<h1>API keys<\/h1>/)
  const secret = await createKeyByForm(browser, {
    name: 'Nightly',
    'scope:jobs': 'write',
    'scope:tests': 'read',
  })
  const { answer } = await call(house, secret, 'GET /me')
  const { scopes } = answer['data'] as { scopes: unknown }
  assert.deepEqual(scopes, ['jobs:read', 'jobs:write', 'tests:read'])
})

test('A key is shown only once at creation, so copy it immediately.', async () => {
  const { house, acme, browser } = shared()
  const secret = await createKeyByForm(browser, { name: 'Shown once', 'scope:jobs': 'read' })
  const id = await keyIdOf(house, secret)
  const again = await browser.open(`${keysPath}/created`)
  assert.match(again.html, /This key was already shown/)
  assert.equal(shownSecret(again), undefined)
  for (const page of [keysPath, `${keysPath}/${id}`])
    assert.ok(!(await browser.open(page)).html.includes(secret), page)

  const made = await commandJson<{ id: string; secret: string }>(
    house,
    `key create --org ${acme.slug} --mode live --scope jobs:read`,
  )
  assert.equal(await statusOf(made.secret, '/jobs'), 200)
  const { stdout } = await command(house, `key list --org ${acme.slug} --json`)
  const dump = await dumpDatabase(house.databaseUrl)
  for (const one of [secret, made.secret]) {
    assert.ok(!stdout.includes(one))
    assertNotIn(dump, one)
    assert.ok(!house.log().includes(one))
  }
})

test('Revoke a compromised key instantly from the interface (icon ... → Revoke).', async () => {
  const { house, browser } = shared()
  const { secret, key } = await keyWith(['jobs:read'])
  assert.equal(await statusOf(secret, '/jobs'), 200)
  const list = await browser.open(`${keysPath}?search=${key.id}`)
  assert.match(list.html, new RegExp(`<a href="${keysPath}/${key.id}/revoke">Revoke`))
  const done = await changeKeyByForm(browser, key.id, 'revoke')
  assert.equal(await statusOf(secret, '/jobs'), 401)
  assert.match(done.html, /The key has been revoked\. It is refused from now on\./)
  assert.ok(!house.log().includes(secret))
})

test('There is no limit on the number of active keys per organization.', async () => {
  const { house } = shared()
  const many = await house.organization('Many')
  const secrets: string[] = []
  for (let made = 0; made < 60; made += 1) secrets.push((await house.key(many, 'live', ['jobs:read'])).secret)
  for (const secret of secrets) assert.equal(await statusOf(secret, '/jobs'), 200)
})

test('401 Unauthorized The key is missing, invalid, or has been revoked.', async () => {
  const { house } = shared()
  const { secret, key } = await keyWith(['jobs:read'])
  const { secret: bad, key: revoked } = await keyWith(['jobs:read'])
  await revoke(house, revoked)
  const mistyped = secret.slice(0, -1) + (secret.endsWith('a') ? 'b' : 'a')
  const said = (code: string) => ({
    title: 'Unauthorized',
    status: 401,
    detail: 'The key is missing, invalid, or has been revoked.',
    code,
  })
  assert.deepEqual(await problemOf(house, '/jobs', {}), said('missing_credential'))
  for (const wrong of [bad, mistyped, 'evl_', 'bz_live_x', `${secret}x`, secret.toUpperCase(), key.id])
    assert.deepEqual(
      await problemOf(house, '/jobs', { headers: { Authorization: `Bearer ${wrong}` } }),
      said('invalid_credential'),
      wrong,
    )
})

test('403 Forbidden The key is valid but does not have the scope required for this resource.', async () => {
  const { house } = shared()
  const { secret } = await keyWith(['jobs:read'])
  const headers = { Authorization: `Bearer ${secret}`, 'Content-Type': 'application/json' }
  const said = (scope: string) => ({
    title: 'Forbidden',
    status: 403,
    detail: `The credential lacks the scope "${scope}", which this operation requires.`,
    code: 'insufficient_scope',
  })
  assert.deepEqual(await problemOf(house, '/reports', { headers }), said('reports:read'))
  const init = { method: 'POST', headers, body: '{"title":"Cook"}' }
  assert.deepEqual(await problemOf(house, '/jobs', init), said('jobs:write'))
  assert.equal(await statusOf(secret, '/jobs'), 200, 'it is valid')
})

test('No. Scopes are defined at creation and cannot be changed.', async () => {
  const { house, browser } = shared()
  const { secret, key } = await keyWith(['jobs:read'])
  const scopes = async () => {
    const { answer } = await call(house, secret, 'GET /me')
    return (answer['data'] as { scopes: unknown }).scopes
  }
  const page = await browser.open(`${keysPath}/${key.id}`)
  assert.doesNotMatch(page.html, /name="scopes?[":]/)
  const form_token = /name="form_token" value="([^"]+)"/.exec(page.html)?.[1] ?? ''
  for (const verb of ['', '/edit', '/scopes']) {
    const body = new URLSearchParams({ form_token, 'scope:jobs': 'write', 'scope:reports': 'read' })
    const { status } = await browser.request(`${keysPath}/${key.id}${verb}`, { method: 'POST', body })
    assert.ok([404, 405].includes(status), `${verb}: ${status}`)
  }
  for (const method of ['PATCH', 'PUT', 'POST'])
    assert.equal((await call(house, secret, `${method} /keys/${key.id}`, { scopes: published })).status, 404)
  const { code, stderr } = await command(house, `key rotate ${key.id} --scope jobs:write`)
  assert.deepEqual([code, /unknown option/.test(stderr)], [2, true])
  assert.deepEqual(await scopes(), ['jobs:read'])

  const form = await browser.open(`${keysPath}/${key.id}/rotate`)
  const rotated = shownSecret(await browser.submit(form, { overlap: '0', 'scope:reports': 'read' }))
  assert.equal(await statusOf(rotated ?? '', '/jobs'), 200)
  assert.equal(await statusOf(rotated ?? '', '/reports'), 403)
})

test('Revoke the key and create a new one with the scopes you want.', async () => {
  const { house, browser } = shared()
  const { secret, key } = await keyWith(['jobs:read'])
  assert.equal(await statusOf(secret, '/reports'), 403)
  await changeKeyByForm(browser, key.id, 'revoke')
  const wider = await createKeyByForm(browser, {
    name: 'Wider',
    'scope:jobs': 'read',
    'scope:reports': 'read',
  })
  assert.equal(await statusOf(wider, '/reports'), 200)
  assert.equal(await statusOf(wider, '/jobs'), 200)
  assert.equal(await statusOf(secret, '/jobs'), 401)
  assert.notEqual(await keyIdOf(house, wider), key.id)
})

test('Keys do not expire automatically.', async (t) => {
  const { house, acme } = shared()
  const line = `key create --org ${acme.slug} --mode live --scope jobs:read`
  const made = await commandJson<{ secret: string; expires_at: unknown }>(house, line)
  assert.equal(made.expires_at, null)
  house.travel(tenYears)
  t.after(() => house.travel(-tenYears))
  assert.equal(await statusOf(made.secret, '/jobs'), 200)
})

test('They stay active until manually revoked.', async (t) => {
  const { house, browser } = shared()
  const secret = await createKeyByForm(browser, { name: 'Old', 'scope:jobs': 'read' })
  const id = await keyIdOf(house, secret)
  house.travel(tenYears)
  t.after(() => house.travel(-tenYears))
  assert.equal(await statusOf(secret, '/jobs'), 200)
  await changeKeyByForm(await signedIn(house), id, 'revoke')
  assert.equal(await statusOf(secret, '/jobs'), 401)
})

test('We recommend rotating them every quarter.', async (t) => {
  const { house } = shared()
  const { secret, key } = await keyWith(['jobs:read'])
  house.travel(89 * daySeconds)
  t.after(() => house.travel(-91 * daySeconds))
  const stateOf = async () => {
    const { html } = await (await signedIn(house)).open(`${keysPath}?search=${key.id}`)
    return /<span class="state \w+">([^<]+)</.exec(html)?.[1]
  }
  assert.equal(await stateOf(), 'Active')
  house.travel(2 * daySeconds)
  assert.equal(await stateOf(), 'Rotate soon')
  assert.equal(await statusOf(secret, '/jobs'), 200, 'it is a recommendation')
})
