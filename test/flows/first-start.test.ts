import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { borrowEmbedded } from '../../src/db/embedded.ts'
import { createTestDatabase, queryDatabase } from '../support/database.ts'
import { password } from '../support/password.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import {
  clientId,
  databaseProcesses,
  demoKey,
  makeHome,
  runJson,
  type ServerProcess,
  setUpLink,
  startServer,
} from '../support/server-process.ts'

interface Row {
  readonly id: string
}

/** Every row of a list, page by page. */
async function listAll(server: ServerProcess, key: string, path: string): Promise<Row[]> {
  const rows: Row[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const response = await server.api(`${path}?limit=25${cursor && `&cursor=${cursor}`}`, key)
    assert.equal(response.status, 200)
    const page = (await response.json()) as { data: Row[]; next_cursor: string | null }
    rows.push(...page.data)
    cursor = page.next_cursor
  }
  return rows
}

/** The address of the embedded database of a running server. */
async function addressOf(home: string): Promise<string> {
  const { host, port, user, database } = (await borrowEmbedded({ dataDirectory: join(home, 'data') }))
    .connection
  return `postgresql://${user}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`
}

const demo = {
  organizations: 1,
  persons: 1,
  memberships: 1,
  one_time_links: 1,
  api_keys: 1,
  credentials: 1,
  oauth_apps: 1,
}

/** How many rows each table has in which a demo begins. */
async function countRows(databaseUrl: string): Promise<object> {
  const counts = Object.keys(demo).map((table) => `(select count(*)::int from ${table}) as ${table}`)
  const [row] = await queryDatabase(databaseUrl, `select ${counts.join(', ')}`)
  return { ...row }
}

const keySetOf = async ({ url }: ServerProcess) => (await fetch(`${url}/oauth/jwks`)).text()

const titleOf = ({ url }: ServerProcess) => `\n  Latchkey  ·  BoothZen  ·  ${url}  ·  development\n\n`

test('the first start on the embedded database, and the second', async (t) => {
  const home = await makeHome(t)
  const first = await startServer(t, { home })
  const address = await addressOf(home)

  await t.test('the first prints some 20 aligned lines; the engine and Node.js warn of nothing', () => {
    assert.ok(first.stdout().startsWith(titleOf(first)), first.stdout())
    assert.equal(first.stderr(), '')
    const lines = first.stdout().trimEnd().split('\n')
    assert.ok(lines.length <= 22, `${lines.length} lines`)
    const head = lines.slice(3, lines.indexOf('  Try it (test mode; the key is shown this once):'))
    for (const line of head.filter((text) => text !== '')) assert.match(line, /^ {2}(\S.{11}| {12}) \S/)
  })

  await t.test(
    'it makes one organization, one operator, one OAuth app and one key of test mode',
    async () => {
      assert.deepEqual(await countRows(address), demo)
      const [made] = await queryDatabase(
        address,
        'select client_id, a.mode as app_mode, k.mode as key_mode from oauth_apps a cross join api_keys k',
      )
      assert.deepEqual({ ...made }, { client_id: clientId(first), app_mode: 'test', key_mode: 'test' })
    },
  )

  await t.test('a few dozen bookings and customers are there in live mode, and others in test', async () => {
    const scopes = ['--scope', 'read:bookings', '--scope', 'read:customers']
    const create = ['key', 'create', '--org', 'harbour-booths', '--mode', 'live', ...scopes]
    const live = await runJson<{ secret: string }>(home, create, { DATA_DIR: join(home, 'data') })
    const seen = new Set<string>()
    for (const key of [live.secret, demoKey(first)]) {
      const bookings = await listAll(first, key, '/bookings')
      const customers = await listAll(first, key, '/customers')
      const ids = [...bookings, ...customers].map(({ id }) => id)
      assert.ok(ids.length >= 20 && ids.length <= 80, `${ids.length} rows`)
      for (const id of ids) assert.ok(!seen.has(id), `${id} twice`)
      for (const id of ids) seen.add(id)
    }
  })

  await t.test('the printed curl works when pasted', async () => {
    const line = /^.*curl .*$/m.exec(first.stdout())?.[0] ?? ''
    const { data } = JSON.parse(await paste(line)) as { data: Row[] }
    assert.match(data[0]?.id ?? '', /^bk_/)
  })

  await t.test('each secret is printed once', () => {
    for (const secret of [demoKey(first), setUpLink(first)]) {
      assert.equal(first.stdout().split(secret).length - 1, 1)
    }
  })

  await t.test('the set-up link works once', async () => {
    const browser = new PersonBrowser(first.url)
    const fields = { password, password_again: password }
    const page = await browser.submit(await browser.open(setUpLink(first)), fields)
    assert.equal(new URL(page.url).pathname, '/admin/settings/api-keys')
    assert.match(page.html, /Demo key/)
    assert.equal((await new PersonBrowser(first.url).open(setUpLink(first))).status, 410)
  })

  const keySet = await keySetOf(first)
  const rows = await countRows(address)
  const visitor = new PersonBrowser(first.url)
  const form = await visitor.open('/sign-in')
  assert.equal((await first.stop()).code, 0)
  const second = await startServer(t, { home, env: { PORT: String(first.port) } })

  await t.test('the second finds the same data, and prints no secret', async () => {
    assert.ok(second.stdout().startsWith(titleOf(second)), second.stdout())
    assert.doesNotMatch(second.stdout(), /setup|token|bz_|curl|client_id|migrations|created/i)
    assert.equal(second.stderr(), '')
    assert.deepEqual(await countRows(address), rows)
    assert.equal((await second.api('/me', demoKey(first))).status, 200)
  })

  await t.test('it signs with the key of the first', async () => {
    assert.equal((JSON.parse(keySet) as { keys: unknown[] }).keys.length, 1)
    assert.equal(await keySetOf(second), keySet)
  })

  await t.test('it has the cookie keys of the first: a form from before is taken', async () => {
    const page = await visitor.submit(form, { email: 'operator@example.com', password })
    assert.equal(page.status, 200)
    assert.equal(new URL(page.url).pathname, '/admin/settings/api-keys')
  })
})

test('with DATABASE_URL that server is used, and no PostgreSQL is started', async (t) => {
  const home = await makeHome(t)
  const databaseUrl = await createTestDatabase(t, { empty: true })
  const server = await startServer(t, { home, env: { DATABASE_URL: databaseUrl } })
  const { hostname, port, pathname } = new URL(databaseUrl)
  const shown = `  Database     PostgreSQL at ${hostname}:${port || 5432}${pathname}   (`
  assert.ok(server.stdout().includes(shown), server.stdout())
  assert.deepEqual(await countRows(databaseUrl), demo)
  assert.deepEqual(await databaseProcesses(home), [])
  await assert.rejects(access(join(home, 'data/postgres')), { code: 'ENOENT' })
  assert.equal((await server.api('/me', demoKey(server))).status, 200)

  await t.test('the set-up link is good for 30 minutes', async () => {
    const age = (minutes: number) =>
      queryDatabase(
        databaseUrl,
        `update one_time_links set expires_at = expires_at - interval '${minutes} minutes'`,
      )
    const browser = new PersonBrowser(server.url)
    await age(29)
    assert.equal((await browser.open(setUpLink(server))).status, 200)
    await age(1)
    assert.equal((await browser.open(setUpLink(server))).status, 410)
  })
})

test('of three that start at once on an empty database one migrates and seeds, and all serve', async (t) => {
  const home = await makeHome(t)
  const databaseUrl = await createTestDatabase(t, { empty: true })
  const start = () => startServer(t, { home, env: { DATABASE_URL: databaseUrl } })
  const servers = await Promise.all([start(), start(), start()])
  for (const mark of ['migrations applied:', 'Signing keys created', '/setup?token=', 'bz_test_']) {
    assert.equal(servers.filter((server) => server.stdout().includes(mark)).length, 1, mark)
  }
  assert.deepEqual(await countRows(databaseUrl), demo)
  const [seeder] = servers.filter((server) => server.stdout().includes('bz_test_'))
  assert.ok(seeder)
  for (const server of servers) assert.equal((await server.api('/bookings', demoKey(seeder))).status, 200)
  assert.equal(new Set(await Promise.all(servers.map(keySetOf))).size, 1)
})

/** What the line prints in a shell; on a machine without curl, what the same request answers. */
async function paste(line: string): Promise<string> {
  const hasCurl = spawnSync('curl', ['--version']).error === undefined
  if (hasCurl) return (await promisify(execFile)('sh', ['-c', line])).stdout
  const [, credential = '', url = ''] = /curl -H "Authorization: ([^"]+)" (\S+)$/.exec(line) ?? []
  return (await fetch(url, { headers: { Authorization: credential } })).text()
}
