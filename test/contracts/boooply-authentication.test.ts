// Boooply's page "Authentication", sentence by sentence: each test is titled with the sentence that it holds us to.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { loadContract } from '../../src/core/contract.ts'
import {
  ask,
  newCompany,
  newInterview,
  openBoooply,
  publishedHost,
  read,
  refusalIn,
  runPrinted,
} from '../support/boooply.ts'
import { createTestDatabase } from '../support/database.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { createPartner, customer, type Provisioned, post } from '../support/platform.ts'
import { requireClient, runPublished } from '../support/published-code.ts'
import { makeHome, printed, runCommand, runJson, startServer } from '../support/server-process.ts'

const house = openBoooply()
const { BoooplyClient } = await requireClient()

const missing =
  '401 MISSING_API_KEY No API key was sent. Send it in the header Authorization: Bearer bply_org_…'
const invalid = '401 INVALID_API_KEY Invalid or inactive API key.'
const organizationKey = /^bply_org_[0-9A-Za-z]{36}$/
const platformKey = /^bply_platform_[0-9A-Za-z]{36}$/

const operations = () => loadContract(house().profile, house().url).operations

/** An operation as a request: `GET /interviews/0`. */
const requestOf = ({ method, path }: { readonly method: string; readonly path: string }) =>
  `${method} ${path.replace('{id}', '0')}`

test('All API requests require a Bearer token in the Authorization header.', async () => {
  const { key } = await newCompany(house())
  const { url, profile } = house()
  const partner = await createPartner(house())
  for (const operation of operations()) {
    const request = requestOf(operation)
    assert.equal(refusalIn(await ask(house(), null, request)), missing, request)
    assert.equal(refusalIn(await ask(house(), 'bply_org_xxxxxxxxxxxxx', request)), invalid, request)
    const good = operation.credential === 'platform' ? partner.secret : key
    const { status } = await ask(house(), good, request, operation.readBody ? {} : undefined)
    assert.ok(![401, 403].includes(status), `${request}: ${status}`)
  }
  const at = `${url}${profile.basePath}/interviews`
  const elsewhere: [string, Record<string, string>][] = [
    [at, { 'X-API-Key': key }],
    [`${at}?api_key=${key}`, {}],
    [`${at}?access_token=${key}`, {}],
  ]
  for (const [address, headers] of elsewhere) {
    const response = await fetch(address, { headers })
    assert.equal(refusalIn(await read(response)), missing, address)
    assert.equal(response.headers.get('www-authenticate'), 'Bearer realm="Boooply API"')
  }
  for (const scheme of ['', 'Basic ', 'Token ']) {
    const response = await fetch(at, { headers: { Authorization: scheme + key } })
    assert.equal(refusalIn(await read(response)), invalid, scheme)
  }
})

const printedCurl = `curl ${publishedHost}/api/integration/interviews \\
-H "Authorization: Bearer bply_org_xxxxxxxxxxxxx"`

test('curl https://api.meetings.boooply.com/api/integration/interviews -H "Authorization: Bearer bply_org_xxxxxxxxxxxxx"', async (t) => {
  const { key, interview } = await newCompany(house())
  const put = (secret: string) => ({ bply_org_xxxxxxxxxxxxx: secret })

  await t.test('an organization key gets its interviews', async () => {
    const { success, data, nextCursor, ...others } = await runPrinted(printedCurl, house(), put(key))
    assert.deepEqual({ success, nextCursor, others }, { success: true, nextCursor: null, others: {} })
    assert.deepEqual(data, [
      { ...newInterview, skills: [], scheduledAt: null, status: 'scheduled', id: interview },
    ])
  })

  await t.test('the key as it is printed is refused', async () => {
    const body = await runPrinted(printedCurl, house(), {})
    assert.deepEqual(body, {
      success: false,
      error: 'Invalid or inactive API key.',
      code: 'INVALID_API_KEY',
    })
  })

  await t.test('a platform key is told which one to use', async () => {
    const { secret } = await createPartner(house())
    const body = await runPrinted(printedCurl, house(), put(secret))
    assert.deepEqual(body, {
      success: false,
      error: 'A platform key opens provisioning alone. Use the key of the organization here.',
      code: 'WRONG_CREDENTIAL_KIND',
    })
  })

  await t.test('npm start with PROFILE=boooply prints it with a key that works', async (t) => {
    const env = {
      PROFILE: 'boooply',
      DATABASE_URL: await createTestDatabase(t, { empty: true }),
      COOKIE_KEYS: 'k'.repeat(40),
    }
    const server = await startServer(t, { home: await makeHome(t), env, byNpm: true })
    const demoKey = printed(server, /\b(bply_org_\w+)/)
    const told = printed(server, /^ +(curl .*)$/m)
    assert.equal(told, `curl -H "Authorization: Bearer ${demoKey}" ${server.url}/api/integration/interviews`)
    const first = await runPrinted(printedCurl, server, put(demoKey))
    assert.equal((first['data'] as object[]).length, 20, 'the page of 24 interviews')
    const at = { url: `${server.url}/api/integration/interviews?cursor=${first['nextCursor']}` }
    const rest = await fetch(at.url, { headers: { Authorization: `Bearer ${demoKey}` } })
    const { data, nextCursor } = (await rest.json()) as { data: object[]; nextCursor: null }
    assert.deepEqual([data.length, nextCursor], [4, null])
  })
})

test('Use this when your company is integrating Boooply directly — you manage your own API key and call the Boooply API from your backend.', async () => {
  const { key, interview } = await newCompany(house())
  const interviews = await ask(house(), key, 'GET /interviews')
  assert.deepEqual([interviews.status, interviews.body['success']], [200, true])
  const changed = await ask(house(), key, `PATCH /interviews/${interview}`, { status: 'cancelled' })
  assert.deepEqual([changed.status, changed.body['status']], [200, 'cancelled'])
  const evaluation = await ask(house(), key, 'POST /evaluations', { interviewId: interview })
  assert.equal(evaluation.status, 201)
  const read = await ask(house(), key, `GET /evaluations/${evaluation.body['id']}`)
  assert.deepEqual(read.body, evaluation.body)
  for (const path of ['/evaluations', '/transcripts'])
    assert.equal((await ask(house(), key, `GET ${path}`)).status, 200, path)
  const provisioning = await post(house(), key, customer)
  assert.equal(provisioning.status, 403, 'its own organization, and no other')
})

test('Get your API key from the Boooply dashboard under Integrations > REST API & SDK', async () => {
  const acme = await house().organization('Acme Dashboard')
  await house().person('ann@acme-dashboard.example', acme)
  const browser = new PersonBrowser(house().url)
  await browser.signIn(await browser.open('/sign-in'), 'ann@acme-dashboard.example')
  const form = await browser.open('/admin/settings/api-keys/new')
  const menu = /<p id="keys-section">(.+?)<\/p><ul[^>]*><li><a href="(.+?)"[^>]*>(.+?)<\/a>/.exec(form.html)
  const words = menu?.slice(1).map((text) => text.replace(/&(amp|#38);/, '&'))
  assert.deepEqual(words, ['Integrations', '/admin/settings/api-keys', 'REST API & SDK'])
  assert.match(form.html, /A key holds everything of its organization\./)
  for (const field of ['mode', 'scope:'])
    assert.ok(!form.html.includes(`name="${field}`), `there is no ${field} to choose`)
  const made = await browser.submit(form, { name: 'Our backend', lifetime: 'never' })
  const secret = /id="secret" readonly value="(\w+)"/.exec(made.html)?.[1] ?? ''
  assert.match(secret, organizationKey)
  const me = await ask(house(), secret, 'GET /me')
  assert.deepEqual(
    [me.status, me.body['organization_id'], me.body['scopes'], me.body['expires_at']],
    [200, acme.id, [], null],
  )
  const id = String(me.body['key_id'])
  const page = await browser.open(`/admin/settings/api-keys/${id}`)
  assert.match(page.html, /A key holds everything of its organization\./)
  await browser.submit(await browser.open(`/admin/settings/api-keys/${id}/revoke`), {})
  assert.equal(refusalIn(await ask(house(), secret, 'GET /me')), invalid, 'it is managed there as well')
})

test('Key format: bply_org_xxxxxxxxxxxxx', async (t) => {
  const { key, organization } = await newCompany(house())
  assert.match(key, organizationKey)
  const env = { PROFILE: 'boooply', DATABASE_URL: house().databaseUrl, COOKIE_KEYS: 'k'.repeat(40) }
  const create = ['key', 'create', '--org', organization.slug]
  const { code, stdout, stderr } = await runCommand(await makeHome(t), create, env)
  assert.equal(code, 0, stderr)
  const [, id, secret = ''] =
    /^(key_\w+) {2}live\n\n {2}(\w+)\n\nKeep it: it is not shown again\.\n$/.exec(stdout) ?? []
  assert.match(secret, organizationKey, stdout)
  assert.equal((await ask(house(), secret, 'GET /me')).body['key_id'], id)
})

test('Scoped to your single organization', async () => {
  const [ours, theirs] = [await newCompany(house()), await newCompany(house())]
  for (const { key, interview, organization } of [ours, theirs]) {
    const { body } = await ask(house(), key, 'GET /interviews')
    assert.deepEqual(
      (body['data'] as { id: string }[]).map(({ id }) => id),
      [interview],
    )
    assert.equal((await ask(house(), key, 'GET /me')).body['organization_id'], organization.id)
  }
  const notFound = '404 RESOURCE_NOT_FOUND No such resource.'
  const other = `/interviews/${theirs.interview}`
  assert.equal(refusalIn(await ask(house(), ours.key, `GET ${other}`)), notFound)
  assert.equal(refusalIn(await ask(house(), ours.key, `PATCH ${other}`, { status: 'cancelled' })), notFound)
  assert.equal((await ask(house(), theirs.key, `GET ${other}`)).body['status'], 'scheduled')
  const asked = await ask(house(), ours.key, `GET /interviews?organizationId=${theirs.organization.id}`)
  assert.deepEqual(
    (asked.body['data'] as { id: string }[]).map(({ id }) => id),
    [ours.interview],
    'no parameter changes whose they are',
  )
})

test('You receive a platform master key from Boooply: bply_platform_xxxxxxxxxxxxx', async (t) => {
  const env = { PROFILE: 'boooply', DATABASE_URL: house().databaseUrl, COOKIE_KEYS: 'k'.repeat(40) }
  const create = ['platform', 'create', '--name', 'TalentFlow']
  const made = await runJson<{ secret: string; scopes: string[] }>(await makeHome(t), create, env)
  assert.match(made.secret, platformKey)
  assert.deepEqual(made.scopes, [])
  const provisioned = await post(house(), made.secret, { ...customer, organizationId: 'by-command' })
  assert.equal(provisioned.status, 201, 'it provisions as it is')
})

test('Your backend calls createOrganizationApiKey() to auto-provision a key for each customer organization', async () => {
  const { secret } = await createPartner(house())
  const response = await post(house(), secret, customer)
  const { success, apiKey, organizationId, created, scopes, mode } = (await response.json()) as Record<
    string,
    unknown
  >
  assert.deepEqual(
    { status: response.status, success, organizationId, created, scopes, mode },
    {
      status: 201,
      success: true,
      organizationId: customer.organizationId,
      created: true,
      scopes: [],
      mode: 'live',
    },
  )
  assert.equal((await ask(house(), String(apiKey), 'GET /interviews')).status, 200)
})

test('Each customer gets their own bply_org_... key, stored in your database', async () => {
  const { secret } = await createPartner(house())
  const keys = new Map<string, string>()
  for (const organizationId of ['one', 'two', 'three']) {
    const response = await post(house(), secret, { ...customer, organizationId })
    const { apiKey, organization } = (await response.json()) as Record<string, unknown>
    assert.match(String(apiKey), organizationKey)
    const me = await ask(house(), String(apiKey), 'GET /me')
    assert.equal(me.body['organization_id'], (organization as { id: string }).id)
    keys.set(String(apiKey), String(me.body['organization_id']))
  }
  assert.equal(new Set(keys.values()).size, 3, 'a key and an organization for each')
})

test('The platform key lives in your .env — never exposed to end users', async () => {
  const { secret } = await createPartner(house())
  const made = await post(house(), secret, customer)
  const told = [await made.text(), JSON.stringify([...made.headers]), house().log()]
  for (const request of ['GET /interviews', 'GET /me', 'POST /organizations/api-key'])
    told.push(JSON.stringify((await ask(house(), secret, request)).body))
  told.push(JSON.stringify(house().mails))
  for (const text of told) assert.ok(!text.includes(secret.slice('bply_platform_'.length)), text)
})

const connecting = `// When a customer connects Boooply in your platform
const result = await BoooplyClient.createOrganizationApiKey(
{
baseUrl: 'https://api.meetings.boooply.com',
platformKey: process.env.BOOOPLY_PLATFORM_KEY,
},
{
userId: customer.id,
userEmail: customer.email,
userName: customer.name,
organizationId: customer.orgId,
organizationName: customer.companyName,
}
);
// Store this — use it for all API calls on behalf of this customer
await db.saveBoooplyApiKey(customer.orgId, result.apiKey);`

/** The page's code in the backend of a platform, for a customer of this name. */
async function connectAs(companyName: string) {
  const { secret } = await createPartner(house())
  const saved = new Map<string, string>()
  const around = {
    BoooplyClient,
    process: { env: { BOOOPLY_PLATFORM_KEY: secret } },
    customer: { id: '7', email: 'jo@customer.example', name: 'Jo', orgId: `of ${companyName}`, companyName },
    db: { saveBoooplyApiKey: async (org: string, key: string) => saved.set(org, key) },
  }
  const { result } = await runPublished(connecting, house().url, around, ['result'])
  return { result: result as Provisioned, saved }
}

test('// When a customer connects Boooply in your platform const result = await BoooplyClient.createOrganizationApiKey(…)', async () => {
  const { result, saved } = await connectAs('Initech')
  assert.match(result.apiKey, organizationKey)
  assert.deepEqual([result.created, result.organization.name], [true, 'Initech'])
  assert.deepEqual([...saved], [['of Initech', result.apiKey]])
})

test('// Store this — use it for all API calls on behalf of this customer', async () => {
  const { result, saved } = await connectAs('Hooli')
  const key = saved.get('of Hooli') ?? ''
  assert.equal((await ask(house(), key, 'GET /me')).body['organization_id'], result.organization.id)
  const { interviews } = new BoooplyClient({ apiKey: key, baseUrl: house().url })
  const made = await interviews.create({ ...newInterview, type: 'ai' })
  assert.deepEqual((await ask(house(), key, `GET /interviews/${made.id}`)).body, { ...made })
})

test('Read operations (GET) 100 req/min', async (t) => {
  await spend(t, 100, (key) => [
    () => ask(house(), key, 'GET /interviews'),
    () => ask(house(), key, 'GET /interviews/0'),
    () => ask(house(), key, 'GET /evaluations?limit=1'),
    () => ask(house(), key, 'GET /me'),
  ])
  for (const { id, method, rateClass } of operations())
    if (method === 'GET') assert.equal(rateClass, 'read', id)
})

test('Write operations (POST/PATCH/DELETE) 10 req/min', async (t) => {
  await spend(t, 10, (key, interview) => [
    () => ask(house(), key, 'POST /interviews', newInterview),
    () => ask(house(), key, `PATCH /interviews/${interview}`, { skills: ['React'] }),
    () => ask(house(), key, 'POST /interviews', {}),
  ])
  for (const { id, method, rateClass } of operations())
    if (method !== 'GET') assert.ok(['write', 'ai'].includes(rateClass), id)
})

test('AI generation 5 req/min', async (t) => {
  const { key } = await spend(t, 5, (secret, interview) => [
    () => ask(house(), secret, 'POST /evaluations', { interviewId: interview }),
  ])
  assert.equal((await ask(house(), key, 'GET /evaluations')).status, 200)
  assert.equal((await ask(house(), key, 'POST /interviews', newInterview)).status, 201, 'counted apart')
  const generating = operations().flatMap(({ id, rateClass }) => (rateClass === 'ai' ? [id] : []))
  assert.deepEqual(generating, ['createEvaluation'])
})

test('Rate limit headers are included in all responses:', async () => {
  const { key, interview } = await newCompany(house())
  const { secret } = await createPartner(house())
  const malformed = async () => {
    const headers = { 'Content-Type': 'application/json' }
    const response = await house().api('/interviews', key, { method: 'POST', body: '{', headers })
    return { status: response.status, headers: response.headers }
  }
  const untyped = await house().api('/interviews', key, { method: 'POST', body: 'x' })
  const answers = [
    [200, await ask(house(), key, 'GET /interviews')],
    [200, await ask(house(), key, `GET /interviews/${interview}`)],
    [201, await ask(house(), key, 'POST /interviews', newInterview)],
    [201, await ask(house(), secret, 'POST /organizations/api-key', customer)],
    [400, await ask(house(), key, 'POST /interviews', {})],
    [400, await ask(house(), key, 'GET /interviews?cursor=nonsense')],
    [400, await malformed()],
    [400, untyped],
    [401, await ask(house(), null, 'GET /interviews')],
    [401, await ask(house(), 'bply_org_xxxxxxxxxxxxx', 'POST /interviews')],
    [401, await ask(house(), 'sk_live_xxxxxxxxxxxxx', 'GET /nowhere')],
    [403, await ask(house(), secret, 'GET /interviews')],
    [403, await ask(house(), key, 'POST /organizations/api-key', customer)],
    [404, await ask(house(), key, 'GET /interviews/iv_0')],
    [404, await ask(house(), key, 'GET /nowhere')],
    [405, await ask(house(), key, 'DELETE /interviews')],
    [409, await ask(house(), secret, 'POST /organizations/api-key', customer)],
    [429, await refused(key, 'POST /evaluations', { interviewId: interview })],
  ] as const
  for (const [status, answer] of answers) {
    const name = `${status} ${JSON.stringify(answer)}`
    assert.equal(answer.status, status, name)
    for (const it of ['Limit', 'Remaining', 'Reset'])
      assert.match(answer.headers.get(`X-RateLimit-${it}`) ?? '', /^\d+$/, `${name} X-RateLimit-${it}`)
    assert.equal(answer.headers.get('RateLimit-Limit'), null, name)
    assert.match(answer.headers.get('X-Request-Id') ?? '', /^req_/, name)
  }
})

const figures = ({ headers }: { readonly headers: Headers }) =>
  ['Limit', 'Remaining', 'Reset'].map((it) => Number(headers.get(`X-RateLimit-${it}`)))

test('X-RateLimit-Limit — Max requests per window', async () => {
  const { key, interview } = await newCompany(house())
  const limitOf = async (request: string, body?: object) => figures(await ask(house(), key, request, body))[0]
  assert.equal(await limitOf('GET /interviews'), 100)
  assert.equal(await limitOf('POST /interviews', newInterview), 10)
  assert.equal(await limitOf(`PATCH /interviews/${interview}`, { skills: [] }), 10)
  assert.equal(await limitOf('POST /evaluations', { interviewId: interview }), 5)
  const { secret } = await createPartner(house())
  assert.equal(figures(await post(house(), secret, customer))[0], 10)
})

test('X-RateLimit-Remaining — Remaining requests', async () => {
  const { organization, interview } = await newCompany(house())
  const [one, other] = [
    await house().key(organization, 'live', []),
    await house().key(organization, 'live', []),
  ]
  const requests = [
    ['GET /interviews', undefined],
    ['POST /interviews', newInterview],
    ['POST /evaluations', { interviewId: interview }],
  ] as const
  const left = async (key: string) => {
    const seen: (number | undefined)[] = []
    for (const [request, body] of requests) seen.push(figures(await ask(house(), key, request, body))[1])
    return seen
  }
  assert.deepEqual(await left(one.secret), [99, 9, 4])
  assert.deepEqual(await left(one.secret), [98, 8, 3], 'each class by itself')
  assert.deepEqual(await left(other.secret), [99, 9, 4], 'each key by itself')
})

test('X-RateLimit-Reset — Window reset time', async (t) => {
  const { organization } = await newCompany(house())
  const { secret } = await house().key(organization, 'live', [])
  const now = stopClock(t)
  const reset = async (request: string, body?: object) =>
    figures(await ask(house(), secret, request, body))[2]
  const end = Math.ceil((now + 60_000) / 1000)
  assert.equal(await reset('GET /interviews'), end)
  t.mock.timers.tick(25_000)
  assert.equal(await reset('GET /me'), end, 'the window stays where it began')
  assert.equal(await reset('POST /interviews', newInterview), end + 25, 'each class has its own')
  t.mock.timers.tick(35_000)
  assert.equal(await reset('GET /me'), end + 60, 'and then there is another')
})

/** Date stands still, in the server too, which runs in this process; `t.mock.timers.tick` moves it. @returns ms */
function stopClock(t: TestContext): number {
  const now = Date.now()
  t.mock.timers.enable({ apis: ['Date'], now })
  return now
}

type Ask = () => ReturnType<typeof ask>

/** Spends the whole window of a new key on these requests in turn: exactly `limit` of them are answered. */
async function spend(t: TestContext, limit: number, requests: (key: string, interview: string) => Ask[]) {
  const { organization, interview } = await newCompany(house())
  const { secret: key } = await house().key(organization, 'live', [])
  const now = stopClock(t)
  const end = Math.ceil((now + 60_000) / 1000)
  const each = requests(key, interview)
  const next = (index: number) => (each[index % each.length] ?? assert.fail('no requests'))()
  for (let count = 1; count <= limit; count += 1) {
    const answer = await next(count)
    assert.notEqual(answer.status, 429, `request ${count}`)
    assert.deepEqual(figures(answer), [limit, limit - count, end], `request ${count}`)
    assert.equal(answer.headers.get('Retry-After'), null)
    if (count === 1) t.mock.timers.tick(20_000)
  }
  const isRefused = async (seconds: number) => {
    const answer = await next(1)
    assert.match(refusalIn(answer), /^429 RATE_LIMIT_EXCEEDED Too many requests\./)
    assert.deepEqual(figures(answer), [limit, 0, end])
    assert.equal(answer.headers.get('Retry-After'), String(seconds))
  }
  await isRefused(40)
  t.mock.timers.tick(39_999)
  await isRefused(1)
  t.mock.timers.tick(1)
  const answer = await next(1)
  assert.notEqual(answer.status, 429, 'the minute is over')
  assert.deepEqual(figures(answer), [limit, limit - 1, end + 60])
  return { key }
}

/** The first refusal for too many requests. */
async function refused(key: string, request: string, body: object) {
  for (let count = 0; count < 100; count += 1) {
    const answer = await ask(house(), key, request, body)
    if (answer.status === 429) return answer
  }
  return assert.fail(`${request} is never refused`)
}
