// What Busy Board's published page on authentication promises, each test titled with its sentence.
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { inspect, promisify } from 'node:util'
import { packageRoot } from '../../src/lib/package-root.ts'
import { ulid } from '../../src/lib/ulid.ts'
import { seedSample } from '../../src/sample/seed.ts'
import { assertNotIn, dumpDatabase } from '../support/dump.ts'
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

const shared = shareHouse('busyboard')
const daySeconds = 86_400
const tenYears = 3653 * daySeconds
const all = ['calls:read', 'agents:read', 'agents:write', 'settings:read']
/** Of the vendor, in its samples. */
const origin = 'https://api.busyboard.co.za'
const scopeFields = { 'scope:calls': 'read' }

const keyWith = (...scopes: string[]) => shared().house.key(shared().acme, 'live', scopes)
const statusOf = async (secret: string | null, path: string) =>
  (await shared().house.api(path, secret)).status

/** The body of every 401. */
const refused = { success: false, message: 'Invalid API Key provided', data: null, statusCode: 401 }

/** An answer to these headers alone. */
async function answerTo(headers: Record<string, string>, path = '/calls') {
  const response = await fetch(`${shared().house.url}/v1${path}`, { headers })
  return { status: response.status, body: await response.json() }
}

interface Listed {
  readonly success: true
  readonly data: readonly { readonly id: string; readonly agentId: string }[]
  readonly message: string
  readonly pagination: object
}

async function list(secret: string, path: string): Promise<Listed> {
  const { status, answer, text } = await call(shared().house, secret, `GET ${path}`)
  assert.equal(status, 200, text)
  return answer as unknown as Listed // its fields are asserted by whoever uses them
}

test('Busy Board AI uses API Keys to authenticate requests.', async () => {
  const { house } = shared()
  for (const mode of ['live', 'test'] as const) {
    const { secret, key } = await house.key(shared().acme, mode, all)
    assert.match(secret, new RegExp(`^sk_${mode}_[0-9A-Za-z]{36}$`))
    const { answer } = await call(house, secret, 'GET /me')
    const { kind, key_id: id, mode: said } = answer['data'] as Record<string, unknown>
    assert.deepEqual([kind, id, said], ['api_key', key.id, mode])
    assert.equal((await list(secret, '/calls?limit=100')).data.length, mode === 'live' ? 24 : 12)
  }
})

test('You can manage your keys in the Developer Platform section of your dashboard.', async () => {
  const { house, browser } = shared()
  const { secret, key } = await keyWith('calls:read')
  const page = await browser.open(`${keysPath}/${key.id}`)
  for (const verb of ['rotate', 'deactivate', 'revoke', 'delete'])
    assert.match(page.html, new RegExp(`href="${keysPath}/${key.id}/${verb}"`))
  const form = await browser.open(`${keysPath}/${key.id}/rotate`)
  const rotated = shownSecret(await browser.submit(form, { overlap: '0' }))
  assert.equal(await statusOf(secret, '/calls'), 401)
  assert.equal(await statusOf(rotated ?? '', '/calls'), 200)
  assert.equal(house.profile.console.keys.at(-1), 'Developer Platform')
})

test('To get started, navigate to Settings > Developer Platform in your Administrator Portal.', async () => {
  const { house, browser } = shared()
  assert.deepEqual(house.profile.console.keys, ['Settings', 'Developer Platform'])
  assert.equal((await browser.open(keysPath)).status, 200)
})

test('Click on "Create New Key", provide a descriptive name, and select the required scopes.', async () => {
  const { house, browser } = shared()
  assert.equal(house.profile.console.createKey, 'Create New Key')
  const form = await browser.open(`${keysPath}/new`)
  const offered = [...form.html.matchAll(/name="scope:(\w+)"[^>]*value="(\w+)"/g)].map(
    ([, it, level]) => `${it}:${level}`,
  )
  assert.deepEqual(
    offered.filter((it) => !it.endsWith(':none')),
    all,
  )
  const name = 'Nightly export of calls'
  const secret = await createKeyByForm(browser, { name, 'scope:calls': 'read', 'scope:agents': 'write' })
  const page = await browser.open(`${keysPath}/${await keyIdOf(house, secret)}`)
  assert.match(page.html, new RegExp(name))
  const { answer } = await call(house, secret, 'GET /me')
  const { scopes } = answer['data'] as { scopes: unknown }
  assert.deepEqual(scopes, ['agents:read', 'agents:write', 'calls:read'])
})

test('Security Note: Your full API Key will only be shown once.', async () => {
  const { house, acme, browser } = shared()
  const secret = await createKeyByForm(browser, { name: 'Shown once', ...scopeFields })
  const again = await browser.open(`${keysPath}/created`)
  assert.match(again.html, /This key was already shown/)
  for (const page of [`${keysPath}/created`, keysPath, `${keysPath}/${await keyIdOf(house, secret)}`])
    assert.ok(!(await browser.open(page)).html.includes(secret), page)

  const line = `key create --org ${acme.slug} --mode test --scope calls:read`
  const made = await commandJson<{ secret: string }>(house, line)
  assert.equal(await statusOf(made.secret, '/calls'), 200)
  const { stdout } = await command(house, `key list --org ${acme.slug} --json`)
  const dump = await dumpDatabase(house.databaseUrl)
  for (const one of [secret, made.secret]) {
    assert.ok(!stdout.includes(one))
    assertNotIn(dump, one)
    assert.ok(!house.log().includes(one))
  }
})

test('All API requests must include your key in the x-api-key HTTP header.', async () => {
  const { secret } = await keyWith('calls:read')
  assert.equal((await answerTo({ 'x-api-key': secret })).status, 200)
  assert.equal((await answerTo({ 'X-API-Key': secret })).status, 200)
  for (const headers of [
    { Authorization: `Bearer ${secret}` },
    { Authorization: secret },
    { Authorization: `Basic ${btoa(`${secret}:`)}` },
    { 'api-key': secret },
  ] as Record<string, string>[])
    assert.deepEqual(await answerTo(headers), { status: 401, body: refused }, Object.entries(headers).join())
  for (const path of [`/calls?api_key=${secret}`, `/calls?x-api-key=${secret}`])
    assert.equal((await answerTo({}, path)).status, 401)
})

test('Requests without this header or with an invalid key will return a 401 Unauthorized response.', async () => {
  const { secret, key } = await keyWith('calls:read')
  const { secret: ended, key: revoked } = await keyWith('calls:read')
  await revoke(shared().house, revoked)
  const mistyped = secret.slice(0, -1) + (secret.endsWith('a') ? 'b' : 'a')
  for (const path of [
    '/calls',
    '/agents',
    '/agents/call-history/x',
    '/organisation/settings',
    '/me',
    '/nowhere',
  ])
    assert.deepEqual(await answerTo({}, path), { status: 401, body: refused }, path)
  for (const wrong of [
    '',
    ended,
    mistyped,
    'sk_live_...',
    `Bearer ${secret}`,
    `${secret}x`,
    key.id,
    'x'.repeat(500),
  ])
    assert.deepEqual(await answerTo({ 'x-api-key': wrong }), { status: 401, body: refused }, wrong)
})

/** How the sample of one language is run. */
interface Language {
  readonly sample: string
  /** Succeeds where the machine has the language. */
  readonly needs: readonly [command: string, ...args: string[]]
  /** The file that holds the sample, and what has to stand around it there. */
  readonly file: string
  readonly wrap?: (sample: string) => string
  readonly run: readonly [command: string, ...args: string[]]
  /** How it prints an answer; by default, as it came. */
  readonly shows?: (text: string) => string
  /** Where it has printed it; by default, on standard output. */
  readonly said?: (output: { readonly stdout: string; readonly stderr: string }) => string
}

/** Runs a published sample with our origin and a key of ours, and nothing else changed: it prints the calls. */
async function runs(t: TestContext, { sample, needs, file, wrap = (it) => it, run, ...how }: Language) {
  const [tool, ...question] = needs
  if (spawnSync(tool, question).status !== 0) return t.skip(`this machine has no ${tool}`)
  const { house } = shared()
  const published = await readFile(join(packageRoot, 'test/contracts/samples', sample), 'utf8')
  const { secret } = await keyWith('calls:read')
  for (const theirs of [origin, 'sk_live_...']) assert.equal(published.split(theirs).length, 2, theirs)
  const directory = await mkdtemp(join(tmpdir(), 'latchkey-sample-'))
  t.after(() => rm(directory, { recursive: true }))
  const ours = published.replace(origin, house.url).replace('sk_live_...', secret)
  await writeFile(join(directory, file), wrap(ours))
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, NODE_PATH: join(packageRoot, 'node_modules') }
  const [program, ...args] = run
  const output = await promisify(execFile)(program, args, { cwd: directory, env })
  const { status, text } = await call(house, secret, 'GET /calls')
  assert.equal(status, 200)
  const { said = ({ stdout }) => stdout, shows = (it) => it } = how
  assert.equal(said(output).trimEnd(), shows(text))
}

test('curl -X GET https://api.busyboard.co.za/v1/calls -H "x-api-key: sk_live_..." -H "Content-Type: application/json"', (t) =>
  runs(t, {
    sample: 'curl.txt',
    needs: ['curl', '--version'],
    file: 'sample.sh',
    run: ['bash', 'sample.sh'],
  }))

test("const axios = require('axios');", (t) =>
  runs(t, {
    sample: 'node.txt',
    needs: [process.execPath, '--version'],
    file: 'sample.cjs',
    run: [process.execPath, 'sample.cjs'],
    shows: (text) => inspect(JSON.parse(text)),
  }))

test("$ch = curl_init('https://api.busyboard.co.za/v1/calls');", (t) =>
  runs(t, {
    sample: 'php.txt',
    needs: ['php', '-r', 'exit(extension_loaded("curl") ? 0 : 1);'],
    file: 'sample.php',
    wrap: (sample) => `<?php\n${sample}`,
    run: ['php', 'sample.php'],
  }))

/** The lines of a sample that load what it uses, and the others. */
function parted(sample: string, loads: string): { readonly head: string; readonly body: string } {
  const lines = sample.split('\n')
  const isHead = (line: string) => line.startsWith(loads)
  return {
    head: lines.filter(isHead).join('\n'),
    body: lines.filter((line) => !isHead(line)).join('\n'),
  }
}

test('import java.net.http.*;', (t) =>
  runs(t, {
    sample: 'java.txt',
    needs: ['javac', '-version'],
    file: 'Main.java',
    wrap: (sample) => {
      const { head, body } = parted(sample, 'import ')
      return `${head}\npublic class Main { public static void main(String[] args) throws Exception {\n${body}\n} }`
    },
    run: ['java', '-XX:TieredStopAtLevel=1', 'Main.java'],
  }))

// Mono's compiler knows no statements outside of a class, nor the namespaces that others use unasked.
test('using System.Net.Http;', (t) =>
  runs(t, {
    sample: 'csharp.txt',
    needs: ['mcs', '--version'],
    file: 'sample.cs',
    wrap: (sample) => {
      const { head, body } = parted(sample, 'using ')
      return `using System; using System.Threading.Tasks;\n${head}\nclass Sample {\nstatic void Main() { Run().Wait(); }\nstatic async Task Run() {\n${body}\n} }`
    },
    run: ['bash', '-c', 'mcs -r:System.Net.Http.dll sample.cs && mono sample.exe'],
  }))

test('import ("net/http"; "io/ioutil"; "log")', (t) =>
  runs(t, {
    sample: 'go.txt',
    needs: ['go', 'version'],
    file: 'sample.go',
    wrap: (sample) => {
      const { head, body } = parted(sample, 'import ')
      return `package main\n${head}\nfunc main() {\n${body}\n}`
    },
    run: ['go', 'run', 'sample.go'],
    said: ({ stderr }) => stderr.replace(/^\S+ \S+ /, ''), // its log begins with the time
  }))

test('Indefinite: API keys do not expire automatically.', async (t) => {
  const { house, acme } = shared()
  const line = `key create --org ${acme.slug} --mode live --scope calls:read`
  const made = await commandJson<{ secret: string; expires_at: unknown }>(house, line)
  assert.equal(made.expires_at, null)
  house.travel(tenYears)
  t.after(() => house.travel(-tenYears))
  assert.equal(await statusOf(made.secret, '/calls'), 200)
})

test('They remain valid as long as they are active in the portal.', async (t) => {
  const { house, browser } = shared()
  const secret = await createKeyByForm(browser, { name: 'Old', ...scopeFields })
  const id = await keyIdOf(house, secret)
  house.travel(tenYears)
  t.after(() => house.travel(-tenYears))
  assert.equal(await statusOf(secret, '/calls'), 200)
  await changeKeyByForm(await signedIn(house), id, 'deactivate')
  assert.deepEqual(await answerTo({ 'x-api-key': secret }), { status: 401, body: refused })
})

test('Revocation: Keys can be deactivated or deleted instantly from the Developer Portal if they are no longer needed.', async () => {
  const { browser } = shared()
  const { secret, key } = await keyWith('calls:read')
  for (const [verb, status] of [
    [null, 200],
    ['deactivate', 401],
    ['activate', 200],
    ['delete', 401],
  ] as const) {
    if (verb) await changeKeyByForm(browser, key.id, verb)
    assert.equal(await statusOf(secret, '/calls'), status, verb ?? 'new')
  }
  assert.equal((await browser.open(`${keysPath}/${key.id}`)).status, 404)
})

test('Rotation: For high-security environments, we recommend rotating keys every 90 days.', async (t) => {
  const { house } = shared()
  const { secret, key } = await keyWith('calls:read')
  house.travel(89 * daySeconds)
  t.after(() => house.travel(-91 * daySeconds))
  const stateOf = async () => {
    const { html } = await (await signedIn(house)).open(`${keysPath}?search=${key.id}`)
    return /<span class="state \w+">([^<]+)</.exec(html)?.[1]
  }
  assert.equal(await stateOf(), 'Active')
  house.travel(2 * daySeconds)
  assert.equal(await stateOf(), 'Rotate soon')
  assert.equal(await statusOf(secret, '/calls'), 200, 'it is a recommendation')
})

test('Scope Limitation: Only grant the minimum required permissions for each specific integration.', async () => {
  const { house } = shared()
  const { data } = await list((await keyWith('agents:read')).secret, '/agents')
  const [agent] = data
  assert.ok(agent)
  const body = { name: 'Lunch', greeting: 'We are at lunch.' }
  const requests: readonly [scope: string, request: string, body?: object][] = [
    ['calls:read', 'GET /calls'],
    ['calls:read', `GET /agents/call-history/${agent.id}`],
    ['agents:read', 'GET /agents'],
    ['agents:read', `GET /agents/${agent.id}`],
    ['agents:write', 'POST /agents', body],
    ['agents:write', `PATCH /agents/${agent.id}`, { greeting: 'Good day.' }],
    ['settings:read', 'GET /organisation/settings'],
  ]
  for (const scope of all) {
    const { secret } = await keyWith(scope)
    for (const [needed, request, sent] of requests) {
      const { status, text } = await call(house, secret, request, sent)
      assert.equal(status === 200 || status === 201, needed === scope, `${scope}: ${request}: ${text}`)
      if (needed !== scope) assert.equal(status, 403)
    }
  }
})

test('200 | OK | Request successful.', async (t) => {
  const { house, acme } = shared()
  const { secret } = await keyWith(...all)
  const agents = await list(secret, '/agents')
  const [agent, second] = agents.data
  assert.ok(agent && second)

  await t.test('one thing is told as success, data and message', async () => {
    const read = await call(house, secret, `GET /agents/${second.id}`)
    assert.deepEqual(read.answer, { success: true, data: second, message: 'Agent retrieved' })
    const changed = await call(house, secret, `PATCH /agents/${second.id}`, { status: 'paused' })
    const data = { ...second, status: 'paused' }
    assert.deepEqual(
      [changed.status, changed.answer],
      [200, { success: true, data, message: 'Agent updated' }],
    )
    const settings = await call(house, secret, 'GET /organisation/settings')
    const { id, ...said } = settings.answer['data'] as Record<string, unknown>
    assert.match(String(id), /^set_/)
    assert.deepEqual([said['name'], settings.answer['message']], ['Karoo Dental', 'Settings retrieved'])
  })

  await t.test('the calls of an agent are its own', async () => {
    const { data, message, pagination } = await list(secret, `/agents/call-history/${agent.id}?limit=100`)
    assert.deepEqual(new Set(data.map(({ agentId }) => agentId)), new Set([agent.id]))
    const { data: every } = await list(secret, '/calls?limit=100')
    assert.deepEqual(
      data,
      every.filter(({ agentId }) => agentId === agent.id),
    )
    assert.equal(message, 'Call history retrieved')
    assert.deepEqual(pagination, { page: 1, limit: 100, total: data.length, totalPages: 1 })
    const none = await list(secret, '/agents/call-history/agt_nobody')
    assert.deepEqual([none.data, none.pagination], [[], { page: 1, limit: 10, total: 0, totalPages: 0 }])
  })

  await t.test('lists have numbered pages', async () => {
    const large = await house.organization('Large')
    await seedSample(house.database.knex, house.profile, large.id, house.now())
    const { secret: reader } = await house.key(large, 'live', ['calls:read', 'agents:read'])
    const [row] = (await list(reader, '/calls?limit=1')).data
    await house.rows(
      large,
      'live',
      'calls',
      Array.from({ length: 100 }, () => ({ ...row, id: `call_${ulid()}` })),
    )

    const first = await list(reader, '/calls')
    assert.deepEqual(first.pagination, { page: 1, limit: 10, total: 124, totalPages: 13 })
    assert.deepEqual(await list(reader, '/calls?page=1&limit=10'), first)
    const ids: string[] = []
    for (let page = 1; page <= 13; page += 1) {
      const { data, pagination, message, success } = await list(reader, `/calls?page=${page}`)
      assert.deepEqual(pagination, { page, limit: 10, total: 124, totalPages: 13 })
      assert.deepEqual([success, message, data.length], [true, 'Calls retrieved', page === 13 ? 4 : 10])
      ids.push(...data.map(({ id }) => id))
    }
    assert.equal(new Set(ids).size, 124)
    const hundred = await list(reader, '/calls?limit=100')
    assert.deepEqual(
      hundred.data.map(({ id }) => id),
      ids.slice(0, 100),
    )
    const last = await list(reader, '/calls?page=2&limit=100')
    assert.deepEqual(
      last.data.map(({ id }) => id),
      ids.slice(100),
    )
    const beyond = await list(reader, '/calls?page=14')
    assert.deepEqual(
      [beyond.data, beyond.pagination],
      [[], { page: 14, limit: 10, total: 124, totalPages: 13 }],
    )
    for (const wrong of [
      'limit=101',
      'limit=0',
      'page=0',
      'page=-1',
      'page=1.5',
      'page=two',
      'page=1e300',
      'limit=',
    ]) {
      const { status, answer } = await call(house, reader, `GET /calls?${wrong}`)
      const { message, ...body } = answer
      assert.deepEqual([status, body], [422, { success: false, data: null, statusCode: 422 }], wrong)
      assert.match(String(message), new RegExp(`^${wrong.split('=')[0]}: `))
    }
    const { pagination } = await list(secret, '/calls')
    assert.deepEqual(pagination, { page: 1, limit: 10, total: 24, totalPages: 3 }, acme.name)
  })
})

test('201 | Created | Resource created successfully.', async () => {
  const { house } = shared()
  const { secret } = await keyWith('agents:read', 'agents:write')
  const sent = { name: 'Evenings', greeting: 'Good evening.', voice: 'naledi', language: 'af-ZA' }
  const { status, answer } = await call(house, secret, 'POST /agents', sent)
  const { data, ...said } = answer
  assert.deepEqual([status, said], [201, { success: true, message: 'Agent created' }])
  const { id, ...made } = data as Record<string, unknown>
  assert.match(String(id), /^agt_[0-9A-HJKMNP-TV-Z]{26}$/)
  assert.deepEqual(made, { ...sent, phoneNumber: null, status: 'active' })
  const read = await call(house, secret, `GET /agents/${id}`)
  assert.deepEqual(read.answer['data'], data)
})

test('401 | Unauthorized | Invalid or missing API Key.', async () => {
  const { house } = shared()
  for (const [method, path] of [
    ['GET', '/calls'],
    ['POST', '/agents'],
    ['GET', '/organisation/settings'],
  ] as const)
    for (const key of [null, 'sk_live_...']) {
      const response = await house.api(path, key, { method })
      assert.deepEqual([response.status, await response.json()], [401, refused], `${method} ${path}`)
      assert.equal(
        response.headers.get('www-authenticate'),
        'ApiKey realm="Busy Board AI API", header="x-api-key"',
      )
    }
})

test('403 | Forbidden | Key does not have required scopes.', async () => {
  const { house } = shared()
  const { secret } = await keyWith('agents:read')
  const message = 'The credential lacks the scope "calls:read", which this operation requires.'
  const { status, answer } = await call(house, secret, 'GET /calls')
  assert.deepEqual([status, answer], [403, { success: false, message, data: null, statusCode: 403 }])
  assert.equal((await call(house, secret, 'GET /agents')).status, 200)
})

test('429 | Too Many Requests | Rate limit exceeded.', async () => {
  const { house } = shared()
  const { secret } = await keyWith('calls:read')
  // 600 a minute and 60 a second: one of them is spent, however slow the machine is.
  const ask = () => Promise.all(Array.from({ length: 61 }, () => house.api('/me', secret)))
  let over: Response | undefined
  for (let round = 0; round < 10 && !over; round += 1)
    over = (await ask()).find(({ status }) => status === 429)
  assert.ok(over, 'never refused')
  assert.deepEqual(await over.json(), {
    success: false,
    message: 'Rate limit exceeded. Wait for the time in Retry-After.',
    data: null,
    statusCode: 429,
  })
  assert.match(over.headers.get('retry-after') ?? '', /^\d+$/)
  assert.deepEqual(
    ['ratelimit-remaining', 'ratelimit-reset'].map((name) => over.headers.get(name)),
    ['0', over.headers.get('retry-after')],
  )
  const { secret: other } = await keyWith('calls:read')
  assert.equal(await statusOf(other, '/calls'), 200, 'each key has its own')
})

test('In case of an error, the API returns a standard JSON response:', async () => {
  const { house } = shared()
  const { secret } = await keyWith(...all)
  const ask = async (
    request: string,
    key: string | null,
    body?: string,
    headers: Record<string, string> = {},
  ) => {
    const [method = '', path = ''] = request.split(' ')
    const type = { 'Content-Type': 'application/json' }
    const response = await house.api(path, key, {
      method,
      headers: { ...type, ...headers },
      ...(body ? { body } : {}),
    })
    assert.match(response.headers.get('content-type') ?? '', /^application\/json(;|$)/)
    assert.match(response.headers.get('x-request-id') ?? '', /^req_/)
    const { message, ...others } = (await response.json()) as Record<string, unknown>
    assert.ok(typeof message === 'string' && message.length > 0)
    assert.deepEqual(others, { success: false, data: null, statusCode: response.status }, request)
    return response.status
  }
  assert.equal(await ask('GET /calls', null), 401)
  assert.equal(await ask('GET /nowhere', secret), 404)
  assert.equal(await ask('GET /calls/call_nobody', secret), 404)
  assert.equal(await ask('DELETE /calls', secret), 405)
  assert.equal(await ask('POST /agents', secret, '{'), 400)
  assert.equal(await ask('POST /agents', secret, '{}', { 'Content-Type': 'text/plain' }), 400)
  assert.equal(await ask('POST /agents', secret, '{}'), 422)
  assert.equal(await ask('PATCH /agents/agt_nobody', secret, '{}'), 422)
  assert.equal(await ask('GET /calls', secret, undefined, { Authorization: `Bearer ${secret}` }), 400)
})

test('{ "success": false, "message": "Invalid API Key provided", "data": null, "statusCode": 401 }', async () => {
  const { house } = shared()
  const response = await house.api('/calls', 'sk_live_...')
  assert.equal(
    await response.text(),
    '{"success":false,"message":"Invalid API Key provided","data":null,"statusCode":401}',
  )
})
