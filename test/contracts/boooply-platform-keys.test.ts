// Boooply's page "Platform Keys", sentence by sentence: each test is titled with the sentence that it holds us to. The
// page's own code is run as it is printed: only the import and the base URL are changed.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import express from 'express'
import { hashPassword } from '../../src/operators/password.ts'
import { setPasswordHash } from '../../src/operators/person-store.ts'
import { ask, newCompany, newInterview, openBoooply, refusalIn } from '../support/boooply.ts'
import { password } from '../support/password.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { createPartner, type Provisioned } from '../support/platform.ts'
import { requireClient, runPublished } from '../support/published-code.ts'

const house = openBoooply()
const { BoooplyClient } = await requireClient()

/** As the page sends it. */
const acme = {
  userId: '12345',
  userEmail: 'admin@acme.com',
  userName: 'Jane Admin',
  organizationId: 'org_7234567890',
  organizationName: 'Acme Corporation',
  teamMembers: [
    { email: 'bob@acme.com', name: 'Bob', role: 'ADMIN' },
    { email: 'carol@acme.com', name: 'Carol', role: 'MEMBER' },
  ],
} as const
const organizationKey = /^bply_org_[0-9A-Za-z]{36}$/
const provisioning = 'POST /organizations/api-key'

let customers = 0
/** The page's customer, with addresses and an id of its own. */
function customer(change: object = {}) {
  customers += 1
  const ofTheirOwn = <T extends { email: string }>(it: T) => ({
    ...it,
    email: it.email.replace('@', `@${customers}.`),
  })
  return {
    ...acme,
    userEmail: `admin@${customers}.acme.com`,
    organizationId: `${acme.organizationId}-${customers}`,
    teamMembers: acme.teamMembers.map(ofTheirOwn),
    ...change,
  }
}

/** A call that is answered 201. */
async function connect(platformKey: string, body: object): Promise<Provisioned> {
  const { status, body: made } = await ask(house(), platformKey, provisioning, body)
  assert.equal(status, 201, JSON.stringify(made))
  assert.equal(made['success'], true)
  return made as unknown as Provisioned // its fields are asserted by whoever uses them
}

async function refusalOf(platformKey: string, body: object): Promise<string> {
  return refusalIn(await ask(house(), platformKey, provisioning, body))
}

/** Who is in an organization, by address. */
const peopleOf = (organization: string) =>
  house().asOwner<{ email: string; name: string | null; role: string; external_id: string | null }>(
    `select p.email, p.name, m.role, m.external_id from memberships m join persons p on p.id = m.person_id
     where m.organization_id = $1 order by p.email`,
    [organization],
  )

const interviewsOf = async (key: string) => {
  const { body } = await ask(house(), key, 'GET /interviews')
  return (body['data'] as { id: string }[]).map(({ id }) => id)
}

test('Platform keys are for multi-tenant platforms (ATS, HRIS, recruitment tools) that integrate Boooply on behalf of their customers.', async () => {
  const [flow, other] = [await createPartner(house()), await createPartner(house(), 'Other ATS')]
  const one = await connect(flow.secret, customer())
  const two = await connect(flow.secret, customer())
  const { body } = await ask(house(), one.apiKey, 'POST /interviews', newInterview)
  assert.deepEqual(await interviewsOf(one.apiKey), [body['id']])
  assert.deepEqual(await interviewsOf(two.apiKey), [], 'customers of one platform do not see each other')
  const same = await connect(other.secret, customer({ organizationId: one.organizationId }))
  assert.notEqual(same.organization.id, one.organization.id, "another platform's ids are its own")
})

test('If you’re integrating Boooply for your own company, use an organization key instead.', async () => {
  const { secret } = await createPartner(house())
  const { key } = await newCompany(house())
  for (const request of ['GET /me', 'GET /interviews', 'POST /interviews', 'GET /transcripts'])
    assert.equal(
      refusalIn(await ask(house(), secret, request)),
      '403 WRONG_CREDENTIAL_KIND A platform key opens provisioning alone. Use the key of the organization here.',
    )
  assert.equal(
    await refusalOf(key, customer()),
    '403 WRONG_CREDENTIAL_KIND This operation is for platform keys alone.',
  )
})

test('You get a platform key from Boooply (bply_platform_xxxxxxxxxxxxx)', async () => {
  const { secret, platform } = await createPartner(house())
  assert.match(secret, /^bply_platform_[0-9A-Za-z]{36}$/)
  assert.deepEqual(platform.scopes, [])
})

test('Your backend calls createOrganizationApiKey() — Boooply creates an org and returns a key', async () => {
  const { secret } = await createPartner(house())
  const wanted = customer()
  const made = await connect(secret, wanted)
  assert.match(made.apiKey, organizationKey)
  assert.deepEqual(
    [made.created, made.organizationId, made.organization.name, made.scopes, made.expiresAt, made.invited],
    [true, wanted.organizationId, 'Acme Corporation', [], null, []],
  )
  const [row] = await house().asOwner<{ name: string }>('select name from organizations where id = $1', [
    made.organization.id,
  ])
  assert.equal(row?.name, 'Acme Corporation')
})

test('All API calls for that customer use their org key — interviews, evaluations, transcripts, etc.', async () => {
  const { secret } = await createPartner(house())
  const { apiKey, organization } = await connect(secret, customer())
  const made = await ask(house(), apiKey, 'POST /interviews', newInterview)
  assert.equal(made.status, 201)
  const evaluated = await ask(house(), apiKey, 'POST /evaluations', { interviewId: made.body['id'] })
  assert.deepEqual([evaluated.status, evaluated.body['status']], [201, 'pending'])
  const transcript = { id: `tr_${'0'.repeat(26)}`, interviewId: made.body['id'], language: 'en', turns: [] }
  await house()
    .database.knex('sample_resources')
    .insert({
      organization_id: organization.id,
      mode: 'live',
      kind: 'transcripts',
      id: transcript.id,
      body: JSON.stringify(transcript),
    })
  for (const [kind, id] of [
    ['interviews', made.body['id']],
    ['evaluations', evaluated.body['id']],
    ['transcripts', transcript.id],
  ]) {
    const { status, body } = await ask(house(), apiKey, `GET /${kind}`)
    assert.deepEqual([status, (body['data'] as { id: string }[]).map((it) => it.id)], [200, [id]], `${kind}`)
    const one = await ask(house(), apiKey, `GET /${kind}/${id}`)
    assert.deepEqual([one.status, one.body['id']], [200, id])
  }
})

test('The customer never sees or manages any keys.', async () => {
  const { secret } = await createPartner(house())
  const mailsBefore = house().mails.length
  const wanted = customer({ teamMembers: [] })
  const { apiKey, keyId } = await connect(secret, wanted)
  assert.equal((await ask(house(), apiKey, 'GET /interviews')).status, 200, 'nobody had to do a thing')
  assert.equal(house().mails.length, mailsBefore, 'nobody was told')
  // Should they ever come to the dashboard by themselves, there is a name and nothing that opens anything.
  const browser = new PersonBrowser(house().url)
  const [person] = await house().asOwner<{ id: `person_${string}` }>(
    'select id from persons where email = $1',
    [wanted.userEmail],
  )
  assert.ok(person)
  await setPasswordHash(house().database.knex, person.id, await hashPassword(password))
  await browser.signIn(await browser.open('/sign-in'), wanted.userEmail)
  for (const page of ['', `/${keyId}`, '/created']) {
    const { html, status } = await browser.open(`/admin/settings/api-keys${page}`)
    assert.deepEqual([status, html.includes('Sign out')], [200, true], html)
    assert.ok(!html.includes(apiKey), page)
  }
})

test('Creates an organization-specific API key.', async () => {
  const { secret } = await createPartner(house())
  const [one, two] = [await connect(secret, customer()), await connect(secret, customer())]
  for (const { apiKey, keyId, organization } of [one, two]) {
    const { body } = await ask(house(), apiKey, 'GET /me')
    const { success, kind, organization_id, key_id } = body
    assert.deepEqual(
      { success, kind, organization_id, key_id },
      { success: true, kind: 'api_key', organization_id: organization.id, key_id: keyId },
    )
  }
  assert.notEqual(one.apiKey, two.apiKey)
})

test('Call this once per customer when they connect Boooply in your platform.', async () => {
  const { secret } = await createPartner(house())
  const wanted = customer()
  const first = await connect(secret, wanted)
  assert.equal(
    await refusalOf(secret, wanted),
    `409 ORGANIZATION_KEY_EXISTS The organization has the key ${first.keyId} (active) of yours already. With onExisting "add" or "rotate" it gets another.`,
  )
  assert.equal((await ask(house(), first.apiKey, 'GET /me')).status, 200, 'the first call holds')
  const rotated = await connect(secret, { ...wanted, onExisting: 'rotate' })
  assert.deepEqual([rotated.created, rotated.replaced?.keyId], [false, first.keyId])
  assert.equal(
    refusalIn(await ask(house(), first.apiKey, 'GET /me')),
    '401 INVALID_API_KEY Invalid or inactive API key.',
  )
})

const environment = (platformKey: string) => ({ env: { BOOOPLY_PLATFORM_KEY: platformKey } })

const connecting = `const { BoooplyClient } = require('@boooply/ai-interviews-sdk');
// Called when a customer clicks "Connect Boooply" in your platform
const result = await BoooplyClient.createOrganizationApiKey(
{
baseUrl: 'https://api.meetings.boooply.com',
platformKey: process.env.BOOOPLY_PLATFORM_KEY,
},
{
userId: '12345',
userEmail: 'admin@acme.com',
userName: 'Jane Admin',
organizationId: 'org_7234567890', // your platform's org ID
organizationName: 'Acme Corporation',
teamMembers: [ // optional — import team
{ email: 'bob@acme.com', name: 'Bob', role: 'ADMIN' },
{ email: 'carol@acme.com', name: 'Carol', role: 'MEMBER' },
],
}
);
// Store this key — use it for all API calls on behalf of this customer
const orgApiKey = result.apiKey; // 'bply_org_xxxxx'
await db.saveBoooplyKey(customerId, orgApiKey);`

test("const { BoooplyClient } = require('@boooply/ai-interviews-sdk'); const result = await BoooplyClient.createOrganizationApiKey({ baseUrl, platformKey }, { userId: '12345', …, teamMembers: […] });", async () => {
  const { secret } = await createPartner(house())
  const saved: string[][] = []
  const db = { saveBoooplyKey: async (...it: string[]) => saved.push(it) }
  const around = { process: environment(secret), db, customerId: 'customer-1' }
  const { result, orgApiKey } = await runPublished(connecting, house().url, around, ['result', 'orgApiKey'])
  const { apiKey, organizationId, organization, created } = result as Provisioned
  assert.deepEqual(saved, [['customer-1', apiKey]])
  assert.equal(orgApiKey, apiKey)
  assert.deepEqual([organizationId, created], ['org_7234567890', true])
  assert.deepEqual(
    (await peopleOf(organization.id)).map((it) => ({ ...it })),
    [
      { email: 'admin@acme.com', name: 'Jane Admin', role: 'ADMIN', external_id: '12345' },
      { email: 'bob@acme.com', name: 'Bob', role: 'ADMIN', external_id: null },
      { email: 'carol@acme.com', name: 'Carol', role: 'MEMBER', external_id: null },
    ],
  )
})

test("const orgApiKey = result.apiKey; // 'bply_org_xxxxx'", async () => {
  const { secret } = await createPartner(house())
  const result = await BoooplyClient.createOrganizationApiKey(
    { baseUrl: house().url, platformKey: secret },
    { ...customer(), teamMembers: null },
  )
  assert.match(result.apiKey, organizationKey)
  assert.equal((await ask(house(), result.apiKey, 'GET /me')).body['key_id'], result.keyId)
})

test('baseUrl | string | Yes | Boooply API URL', async () => {
  const { secret: platformKey } = await createPartner(house())
  const create = (baseUrl: unknown, body = customer()) =>
    // A caller in JavaScript may leave it out: the types say that it may not.
    BoooplyClient.createOrganizationApiKey({ baseUrl: baseUrl as string, platformKey }, body)
  for (const baseUrl of [undefined, '', 'api.meetings.boooply.com'])
    await assert.rejects(create(baseUrl), { name: 'TypeError', message: /baseUrl/ })
  for (const baseUrl of [house().url, `${house().url}/`, `${house().url}/api/integration`])
    assert.match((await create(baseUrl)).apiKey, organizationKey, baseUrl)
})

test('platformKey | string | Yes | Your platform master key (bply_platform_...)', async () => {
  const { key } = await newCompany(house())
  const create = (platformKey: unknown) =>
    BoooplyClient.createOrganizationApiKey(
      // As above: JavaScript asks nobody.
      { baseUrl: house().url, platformKey: platformKey as string },
      customer(),
    )
  for (const platformKey of [undefined, ''])
    await assert.rejects(create(platformKey), { name: 'TypeError', message: /platformKey/ })
  await assert.rejects(create('bply_platform_xxxxxxxxxxxxx'), {
    message: 'Boooply API 401: Invalid or inactive API key.',
    status: 401,
    code: 'INVALID_API_KEY',
  })
  await assert.rejects(create(key), {
    message: 'Boooply API 403: This operation is for platform keys alone.',
    status: 403,
  })
  assert.match(refusalIn(await ask(house(), null, provisioning, customer())), /^401 MISSING_API_KEY /)
})

/** What is answered when a field is left out, or null, or is each of these. */
async function answersTo(field: string, values: readonly unknown[]): Promise<string[]> {
  const { secret } = await createPartner(house())
  const answers: string[] = []
  for (const value of values) {
    const answer = await ask(house(), secret, provisioning, customer({ [field]: value }))
    answers.push(answer.status === 201 ? '201' : refusalIn(answer))
  }
  return answers
}

/** A text that has to be there. */
async function assertRequired(field: string, good: string): Promise<void> {
  const [absent = '', ...wrong] = await answersTo(field, [undefined, null, '', ' ', 5, good])
  assert.equal(absent, `400 INVALID_PARAMETER ${field}: is required.`)
  assert.equal(wrong.pop(), '201')
  for (const answer of wrong) assert.match(answer, new RegExp(`^400 INVALID_PARAMETER ${field}: must `))
  const { secret } = await createPartner(house())
  await assert.rejects(
    BoooplyClient.createOrganizationApiKey(
      { baseUrl: house().url, platformKey: secret },
      customer({ [field]: undefined }),
    ),
    { message: `Boooply API 400: ${field}: is required.`, status: 400, code: 'INVALID_PARAMETER' },
  )
}

/** A text that may be left out, null or empty. */
async function assertOptional(field: string, good: string): Promise<void> {
  const [wrong = '', ...answers] = await answersTo(field, [5, undefined, null, '', good])
  assert.match(wrong, new RegExp(`^400 INVALID_PARAMETER ${field}: must `))
  assert.deepEqual(answers, ['201', '201', '201', '201'])
}

test('userId | string | Yes | User ID from your platform', async () => {
  await assertRequired('userId', 'user-7')
  const { secret } = await createPartner(house())
  const wanted = customer({ userId: 'user-8', teamMembers: [] })
  const people = await peopleOf((await connect(secret, wanted)).organization.id)
  assert.deepEqual(
    people.map((it) => [it.email, it.external_id]),
    [[wanted.userEmail, 'user-8']],
  )
})

test('userEmail | string | Yes | User email', async () => {
  await assertRequired('userEmail', 'somebody@acme.example')
  assert.deepEqual(await answersTo('userEmail', ['admin', 'a@b@c']), [
    '400 INVALID_PARAMETER userEmail: must be an email address.',
    '400 INVALID_PARAMETER userEmail: must be an email address.',
  ])
  const { secret } = await createPartner(house())
  const wanted = customer({ teamMembers: undefined })
  const people = await peopleOf((await connect(secret, wanted)).organization.id)
  assert.deepEqual(
    people.map((it) => [it.email, it.role]),
    [[wanted.userEmail, 'ADMIN']],
  )
})

test('userName | string | No | User name', async () => {
  await assertOptional('userName', 'Jane Admin')
  const { secret } = await createPartner(house())
  for (const [userName, name] of [
    ['Jane Admin', 'Jane Admin'],
    [undefined, null],
  ]) {
    const { organization } = await connect(secret, customer({ userName, teamMembers: [] }))
    assert.deepEqual(
      (await peopleOf(organization.id)).map((it) => it.name),
      [name],
    )
  }
})

test('organizationId | string | Yes | Your platform’s org ID', async () => {
  await assertRequired('organizationId', 'org-of-theirs')
  const { secret } = await createPartner(house())
  const made = await connect(secret, customer({ organizationId: 'org_7234567890' }))
  assert.equal(made.organizationId, 'org_7234567890')
  assert.match(await refusalOf(secret, customer({ organizationId: 'org_7234567890' })), /^409 /)
})

test('organizationName | string | No | Organization name', async () => {
  await assertOptional('organizationName', 'Acme')
  const { secret } = await createPartner(house())
  const named = await connect(secret, customer({ organizationName: 'Acme Corporation' }))
  assert.equal(named.organization.name, 'Acme Corporation')
  const nameless = await connect(secret, customer({ organizationName: undefined }))
  assert.equal(nameless.organization.name, nameless.organizationId)
})

test('teamMembers | Array | No | Team members to import ([{ email, name, role }])', async () => {
  const { secret } = await createPartner(house())
  const wanted = customer()
  const { organization } = await connect(secret, wanted)
  const [bob, carol] = wanted.teamMembers
  assert.deepEqual(
    (await peopleOf(organization.id)).map(({ email, name, role }) => ({ email, name, role })),
    [{ email: wanted.userEmail, name: 'Jane Admin', role: 'ADMIN' }, bob, carol],
  )
  const member = (change: object) => [{ email: `dave@${customers}.example`, role: 'MEMBER', ...change }]
  assert.deepEqual(
    await answersTo('teamMembers', [undefined, null, [], member({}), member({ name: null })]),
    ['201', '201', '201', '201', '201'],
  )
  assert.deepEqual(
    await answersTo('teamMembers', [
      [...member({ name: 'Dave' }), { name: 'Eve', role: 'ADMIN' }],
      [{ email: 'dave@acme.example' }],
      member({ email: 'dave' }),
      member({ role: 'OWNER' }),
      'dave@acme.example',
    ]),
    [
      '400 INVALID_PARAMETER teamMembers.1.email: is required.',
      '400 INVALID_PARAMETER teamMembers.0.role: is required.',
      '400 INVALID_PARAMETER teamMembers.0.email: must be an email address.',
      '400 INVALID_PARAMETER teamMembers.0.role: must be equal to one of the allowed values.',
      '400 INVALID_PARAMETER teamMembers: must be array,null.',
    ],
  )
})

test('Security: Only call this from your server.', async () => {
  const { secret } = await createPartner(house())
  const path = '/organizations/api-key'
  const headers = {
    Origin: 'https://app.acme.com',
    'Access-Control-Request-Method': 'POST',
    'Access-Control-Request-Headers': 'authorization,content-type',
  }
  const preflight = await house().api(path, null, { method: 'OPTIONS', headers })
  const call = await house().api(path, secret, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Origin: 'https://app.acme.com' },
    body: JSON.stringify(customer()),
  })
  assert.deepEqual([preflight.ok, call.status], [false, 201])
  for (const answer of [preflight, call])
    assert.equal(answer.headers.get('Access-Control-Allow-Origin'), null, 'no page in a browser may call it')
})

test('The platform key grants elevated privileges — it can create organizations and API keys.', async () => {
  const { secret } = await createPartner(house())
  const count = async () => {
    const [row] = await house().asOwner<{ organizations: number; keys: number }>(
      'select (select count(*)::int from organizations) as organizations, (select count(*)::int from api_keys) as keys',
    )
    return row ?? assert.fail('no row')
  }
  const before = await count()
  const wanted = customer()
  await connect(secret, wanted)
  assert.deepEqual({ ...(await count()) }, { organizations: before.organizations + 1, keys: before.keys + 1 })
  await connect(secret, { ...wanted, onExisting: 'add' })
  assert.deepEqual({ ...(await count()) }, { organizations: before.organizations + 1, keys: before.keys + 2 })
})

const using = `// For each customer, use their stored org key
const client = new BoooplyClient({
apiKey: customer.boooplyApiKey, // the key you stored from createOrganizationApiKey()
baseUrl: 'https://api.meetings.boooply.com',
});
// Now all operations are scoped to that customer's organization
const interview = await client.interviews.create({
type: 'ai',
jobRole: 'Frontend Engineer',
candidate: { name: 'Jane', email: 'jane@example.com' },
});`

type Client = InstanceType<typeof BoooplyClient>
type Interview = Awaited<ReturnType<Client['interviews']['create']>>

/** The page's code with the key of a new customer. */
async function useKey() {
  const { secret } = await createPartner(house())
  const { apiKey } = await connect(secret, customer())
  const around = { BoooplyClient, customer: { boooplyApiKey: apiKey } }
  const given = await runPublished(using, house().url, around, ['client', 'interview'])
  return { apiKey, client: given['client'] as Client, interview: given['interview'] as Interview }
}

test('After provisioning, create a BoooplyClient instance with the customer’s org key:', async () => {
  const { client, apiKey } = await useKey()
  assert.ok(client instanceof BoooplyClient)
  assert.ok(!inspect(client).includes(apiKey), 'and it keeps the key to itself')
  assert.equal((await client.me()).key_id, (await ask(house(), apiKey, 'GET /me')).body['key_id'])
})

test("// Now all operations are scoped to that customer's organization", async () => {
  const [one, two] = [await useKey(), await useKey()]
  for (const { client, interview } of [one, two])
    assert.deepEqual(
      (await client.interviews.list()).data.map(({ id }) => id),
      [interview.id],
    )
  await assert.rejects(one.client.interviews.get(two.interview.id), {
    message: 'Boooply API 404: No such resource.',
    status: 404,
  })
})

test("const interview = await client.interviews.create({ type: 'ai', jobRole: 'Frontend Engineer', candidate: { name: 'Jane', email: 'jane@example.com' }, });", async () => {
  const { interview, apiKey, client } = await useKey()
  const { type, jobRole, candidate, status } = interview
  assert.deepEqual({ type, jobRole, candidate, status }, { ...newInterview, status: 'scheduled' })
  const read = await ask(house(), apiKey, `GET /interviews/${interview.id}`)
  assert.deepEqual([read.status, read.body], [200, { ...interview }])
  // A caller in JavaScript may leave it out: the types say that it may not.
  const incomplete = { type: 'ai', jobRole: 'Frontend Engineer' } as typeof newInterview & { type: 'ai' }
  await assert.rejects(client.interviews.create(incomplete), (error: Error & Record<string, unknown>) => {
    assert.equal(error.message, 'Boooply API 400: candidate: is required.')
    const { data, status: answered } = error['response'] as { data: object; status: number }
    assert.deepEqual([error['status'], answered], [400, 400])
    assert.deepEqual(data, {
      success: false,
      error: 'candidate: is required.',
      code: 'INVALID_PARAMETER',
    })
    return true
  })
})

const routes = `// routes/integrations.js — your platform's backend
const { BoooplyClient } = require('@boooply/ai-interviews-sdk');
// 1. Customer connects Boooply
app.post('/api/connect-boooply', async (req, res) => {
const customer = await getCustomer(req.user.orgId);
const result = await BoooplyClient.createOrganizationApiKey(
{
baseUrl: 'https://api.meetings.boooply.com',
platformKey: process.env.BOOOPLY_PLATFORM_KEY,
},
{
userId: req.user.id,
userEmail: req.user.email,
userName: req.user.name,
organizationId: customer.id,
organizationName: customer.name,
}
);
await db.update('customers', customer.id, { boooplyApiKey: result.apiKey });
res.json({ success: true, message: 'Boooply connected' });
});
// 2. Create interview on behalf of customer
app.post('/api/interviews', async (req, res) => {
const customer = await getCustomer(req.user.orgId);
const client = new BoooplyClient({
apiKey: customer.boooplyApiKey,
baseUrl: 'https://api.meetings.boooply.com',
});
const interview = await client.interviews.create({
type: 'ai',
jobRole: req.body.jobRole,
candidate: req.body.candidate,
skills: req.body.skills,
});
res.json(interview);
});`

/** The page's routes in an Express server of a platform with two customers; who asks is in a header. */
async function startPlatform(t: TestContext) {
  const { secret } = await createPartner(house())
  const first = customers
  const table = new Map<string, { id: string; name: string; boooplyApiKey?: string }>()
  for (const name of ['Acme Corporation', 'Globex']) {
    const { organizationId: id } = customer()
    table.set(id, { id, name })
  }
  const app = express()
  app.use(express.json(), (req, _res, next) => {
    const orgId = req.get('X-Test-Org') ?? ''
    Object.assign(req, {
      user: { id: `user of ${orgId}`, email: `admin@${orgId}.example`, name: 'Jane', orgId },
    })
    next()
  })
  const db = {
    update: async (name: string, id: string, change: { boooplyApiKey: string }) => {
      assert.equal(name, 'customers')
      Object.assign(table.get(id) ?? assert.fail(id), change)
    },
  }
  const getCustomer = async (id: string) => table.get(id)
  await runPublished(routes, house().url, { process: environment(secret), app, db, getCustomer }, [])
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close().closeAllConnections())
  const { port } = server.address() as AddressInfo // it listens at a port
  const post = async (path: string, org: string, body: object = {}) => {
    const headers = { 'Content-Type': 'application/json', 'X-Test-Org': org }
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  assert.equal(customers, first + 2)
  return { post, table, orgs: [...table.keys()], secret }
}

test('// 1. Customer connects Boooply', async (t) => {
  const { post, table, orgs, secret } = await startPlatform(t)
  for (const org of orgs) {
    const answer = await post('/api/connect-boooply', org)
    assert.deepEqual(answer, { status: 200, body: { success: true, message: 'Boooply connected' } })
  }
  const keys = [...table.values()].map(({ boooplyApiKey = '' }) => boooplyApiKey)
  for (const key of keys) assert.match(key, organizationKey)
  assert.equal(new Set(keys).size, 2)
  assert.ok(!JSON.stringify([...table]).includes(secret))
})

test('// 2. Create interview on behalf of customer', async (t) => {
  const { post, table, orgs } = await startPlatform(t)
  const asked = { jobRole: 'Backend Engineer', candidate: { name: 'Joe', email: 'joe@example.com' } }
  for (const org of orgs) {
    await post('/api/connect-boooply', org)
    const { status, body } = await post('/api/interviews', org, { ...asked, skills: ['SQL'] })
    assert.equal(status, 200, JSON.stringify(body))
    const { id, type, jobRole, candidate, skills } = body
    assert.deepEqual({ type, jobRole, candidate, skills }, { type: 'ai', ...asked, skills: ['SQL'] })
    assert.deepEqual(
      await interviewsOf(table.get(org)?.boooplyApiKey ?? ''),
      [id],
      'in that organization alone',
    )
  }
  const { body } = await post('/api/interviews', orgs[0] ?? '', asked)
  assert.deepEqual(body['skills'], [], 'they may be left out')
})

test('Key management | User copies key from Boooply dashboard | Your backend auto-provisions keys', async () => {
  const company = await newCompany(house())
  const email = `ann@${company.organization.slug}.example`
  await house().person(email, company.organization)
  const browser = new PersonBrowser(house().url)
  await browser.signIn(await browser.open('/sign-in'), email)
  const form = await browser.open('/admin/settings/api-keys/new')
  const shown = await browser.submit(form, { name: 'Ours', lifetime: 'never', addresses: '' })
  const copied = /id="secret" readonly value="(\w+)"/.exec(shown.html)?.[1] ?? ''
  assert.deepEqual(await interviewsOf(copied), [company.interview])
  const { secret } = await createPartner(house())
  const provisioned = await connect(secret, customer())
  assert.deepEqual(await interviewsOf(provisioned.apiKey), [])
})

test('Key format | bply_org_... | bply_platform_... (master) → creates bply_org_... per customer', async () => {
  const { key } = await newCompany(house())
  assert.match(key, organizationKey)
  const { secret } = await createPartner(house())
  assert.match(secret, /^bply_platform_/)
  for (const { apiKey } of [await connect(secret, customer()), await connect(secret, customer())])
    assert.match(apiKey, organizationKey)
})
