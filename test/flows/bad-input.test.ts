import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { startEmbedded } from '../../src/db/embedded.ts'
import { packageRoot } from '../../src/lib/package-root.ts'
import { afterwards } from '../db/embedded-fixture.ts'
import { createTestDatabase, queryDatabase, urlOf } from '../support/database.ts'
import {
  assertNoDatabase,
  makeHome,
  runCommand,
  setUpLink,
  startServer,
  type Variables,
} from '../support/server-process.ts'

/** What a start (or a command) says that is refused: on standard error alone, with exit code 1, and no stack. */
async function refusal(home: string, env: Variables, args: readonly string[] = ['serve']): Promise<string> {
  const { code, stdout, stderr } = await runCommand(home, args, { DATA_DIR: join(home, 'data'), ...env })
  assert.equal(code, 1, `exit code ${code}: ${stderr}`)
  assert.equal(stdout, '')
  assert.doesNotMatch(stderr, /^\s+at |\[object|undefined/m)
  await assertNoDatabase(home)
  return stderr.trimEnd()
}

async function tablesOf(databaseUrl: string): Promise<string[]> {
  const rows = await queryDatabase<{ name: string }>(
    databaseUrl,
    "select table_name as name from information_schema.tables where table_schema = 'public' order by 1",
  )
  return rows.map(({ name }) => name)
}

async function rowsIn(databaseUrl: string, table: string): Promise<number> {
  const [row] = await queryDatabase<{ rows: number }>(
    databaseUrl,
    `select count(*)::int as rows from ${table}`,
  )
  return row?.rows ?? 0
}

test('each bad variable is named, with its value unless secret and what was expected, all at once', async (t) => {
  const home = await makeHome(t)
  const said = await refusal(home, {
    NODE_ENV: 'prod',
    PORT: '3000x',
    LOG_LEVEL: 'loud',
    PUBLIC_URL: 'http://api.example.com/v1',
    COOKIE_KEYS: 'canary',
    DATABASE_URL: 'mysql://root:canary@localhost/shop',
    REDIS_URL: 'canary:6379',
    TRUST_PROXY: 'yes',
  })
  assert.deepEqual(said.split('\n'), [
    'NODE_ENV is "prod", but must be development or production.',
    'PORT is "3000x", but must be a port number from 1 to 65535.',
    'PUBLIC_URL is "http://api.example.com/v1", but must be an origin alone, such as http://api.example.com.',
    'PUBLIC_URL is "http://api.example.com/v1", but must start with https:// unless it is localhost.',
    'DATABASE_URL is (not shown), but must be postgresql://user:password@host:5432/database.',
    'REDIS_URL is (not shown), but must be redis://host:6379, or redis://host:6379/1 for its database 1.',
    'COOKIE_KEYS is (not shown), but must be one or more secrets of at least 32 characters, separated by commas, the newest first.',
    'LOG_LEVEL is "loud", but must be fatal, error, warn, info, debug, trace, silent.',
    'TRUST_PROXY is "yes", but must be the number of proxies in front of this server, 0 to 10.',
  ])
  assert.deepEqual(await readdir(home), [])
})

test('a port in use is refused, and the next start still makes the demo and shows its secrets', async (t) => {
  const home = await makeHome(t)
  const databaseUrl = await createTestDatabase(t, { empty: true })
  const other = createServer().listen(0, '127.0.0.1')
  t.after(() => other.close())
  await once(other, 'listening')
  const address = other.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const env = { PORT: String(port), DATABASE_URL: databaseUrl }
  assert.equal(
    await refusal(home, env),
    `Port ${port} on 127.0.0.1 is in use. Stop what uses it, or choose another: PORT=${port + 1} npm start`,
  )
  assert.equal(await rowsIn(databaseUrl, 'organizations'), 0)
  other.close()
  await once(other, 'close')
  assert.ok(setUpLink(await startServer(t, { home, env })))
})

test('a database that is not to be had', async (t) => {
  const home = await makeHome(t)
  const databaseUrl = await createTestDatabase(t)
  const closed = 'postgresql://latchkey:canary@127.0.0.1:1/shop'

  await t.test('that does not answer is refused', async () => {
    assert.equal(
      await refusal(home, { DATABASE_URL: closed }),
      "The database 127.0.0.1:1/shop can't be reached (connect ECONNREFUSED 127.0.0.1:1). " +
        'Start it, correct DATABASE_URL, or unset DATABASE_URL to use the embedded one.',
    )
  })
  await t.test('whose way around the pooler does not answer is refused', async () => {
    const said = await refusal(home, { DATABASE_URL: databaseUrl, DATABASE_URL_DIRECT: closed })
    assert.match(said, /^The database 127\.0\.0\.1:1\/shop can't be .* correct DATABASE_URL_DIRECT, or /)
    assert.doesNotMatch(said, /canary/)
  })
  await t.test('that does not exist is refused', async () => {
    const { hostname, port } = new URL(databaseUrl)
    assert.equal(
      await refusal(home, { DATABASE_URL: urlOf(databaseUrl, 'no_such_database') }),
      `The database ${hostname}:${port || 5432}/no_such_database does not exist. ` +
        'Create it (createdb), or correct DATABASE_URL.',
    )
  })
})

test('an embedded database that another process owns', async (t) => {
  const home = await makeHome(t)
  const dataDirectory = join(home, 'other')
  const embedded = await startEmbedded({ dataDirectory })
  afterwards(t, embedded.stop)
  const { host, port, user, database } = embedded.connection
  const asUser = (name: string, password: string) =>
    `postgresql://${name}:${password}@localhost:${port}/${database}?host=${encodeURIComponent(host)}`

  await t.test('is not started a second time', async () => {
    assert.equal(
      await refusal(home, { DATA_DIR: dataDirectory }),
      `The data directory ${dataDirectory} is in use by another Latchkey process (pid ${process.pid}). ` +
        'Stop it, or set DATA_DIR to another directory.',
    )
    assert.equal((await queryDatabase(asUser(user, ''), 'select 1')).length, 1)
  })
  await t.test('refuses a wrong password, which is not shown', async () => {
    // The first line that fits is the one that counts.
    const rules = join(embedded.directory, 'pg_hba.conf')
    await writeFile(rules, `local all guest scram-sha-256\n${await readFile(rules, 'utf8')}`)
    const setUp = "create role guest login password 'right'; select pg_reload_conf()"
    await queryDatabase(asUser(user, ''), setUp)
    assert.equal(
      await refusal(home, { DATABASE_URL: asUser('guest', 'canary') }),
      `The database localhost:${port}/${database} refused the user or password. Correct DATABASE_URL.`,
    )
  })
})

test('a data directory that can not be used', async (t) => {
  const home = await makeHome(t)
  const cluster = (name: string) => join(home, name, 'postgres/data')

  await t.test('that is a file is refused, and left as it is', async () => {
    const file = join(home, 'file')
    await writeFile(file, 'mine')
    const said = await refusal(home, { DATA_DIR: file })
    assert.equal(said, `${file} is not a directory: set DATA_DIR to a directory.`)
    assert.equal(await readFile(file, 'utf8'), 'mine')
  })
  await t.test('that is half written is refused, and left as it is', async () => {
    await mkdir(join(cluster('half'), 'base'), { recursive: true })
    assert.equal(
      await refusal(home, { DATA_DIR: join(home, 'half') }),
      `The PostgreSQL data in ${cluster('half')} is incomplete (PG_VERSION is missing): restore it from a backup, ` +
        'or move that directory away to begin with an empty database.',
    )
    assert.deepEqual(await readdir(cluster('half')), ['base'])
  })
  await t.test('that another major version made is refused, and left as it is', async () => {
    await mkdir(join(cluster('old'), 'global'), { recursive: true })
    await writeFile(join(cluster('old'), 'global/pg_control'), '')
    await writeFile(join(cluster('old'), 'PG_VERSION'), '15\n')
    assert.match(
      await refusal(home, { DATA_DIR: join(home, 'old') }),
      /^The PostgreSQL data in \S+ was made by PostgreSQL 15, but this Latchkey brings PostgreSQL 18: dump it /,
    )
    assert.deepEqual((await readdir(cluster('old'))).sort(), ['PG_VERSION', 'global'])
  })
})

test('a migration that fails is undone whole, and says why', async (t) => {
  const databaseUrl = await createTestDatabase(t, { empty: true })
  await queryDatabase(databaseUrl, 'create table organizations as select 42 as answer')
  assert.equal(
    await refusal(await makeHome(t), { DATABASE_URL: databaseUrl }),
    'A migration failed and was undone: relation "organizations" already exists. ' +
      'Mend that and start again; Latchkey needs a database of its own, where its user may create tables.',
  )
  const kept = ['latchkey_migrations', 'latchkey_migrations_lock', 'organizations']
  assert.deepEqual(await tablesOf(databaseUrl), kept)
  assert.equal(await rowsIn(databaseUrl, 'latchkey_migrations'), 0)
  assert.deepEqual(await queryDatabase(databaseUrl, 'select * from organizations'), [{ answer: 42 }])

  await queryDatabase(databaseUrl, 'drop table organizations')
  assert.equal((await runCommand(await makeHome(t), ['migrate'], { DATABASE_URL: databaseUrl })).code, 0)
})

test('a database of a newer Latchkey is refused', async (t) => {
  const databaseUrl = await createTestDatabase(t)
  const insert =
    "insert into latchkey_migrations (name, batch, migration_time) values ('999-later', 9, now())"
  await queryDatabase(databaseUrl, insert)
  assert.equal(
    await refusal(await makeHome(t), { DATABASE_URL: databaseUrl }),
    'The database was migrated by a newer Latchkey than this one. Start that version, or give this one another database.',
  )
  assert.equal(await rowsIn(databaseUrl, 'organizations'), 0)
})

interface WrittenProfile {
  openapi: string
  pagination: object
  sample: { rows: string; resources: Record<string, { operations: Record<string, string> }> }
}

/** A copy of the packaged profile with a change, beside the home's other files. */
async function writeProfile(home: string, change: (profile: WrittenProfile) => void): Promise<string> {
  const folder = join(packageRoot, 'profiles')
  const profile = JSON.parse(await readFile(join(folder, 'boothzen.json'), 'utf8')) as WrittenProfile
  profile.openapi = join(folder, profile.openapi)
  profile.sample.rows = join(folder, profile.sample.rows)
  change(profile)
  await writeFile(join(home, 'profile.json'), JSON.stringify(profile))
  return 'profile.json'
}

test('a profile that can not be used', async (t) => {
  const home = await makeHome(t)
  const databaseUrl = await createTestDatabase(t)
  const file = join(home, 'profile.json')

  await t.test('that is missing is refused, by name and by path', async () => {
    const byName = await refusal(home, { PROFILE: 'no-such' })
    assert.equal(
      byName,
      'PROFILE is "no-such", and no packaged profile is called so. There are: boooply, boothzen, busyboard, evalyo; the path of a file of your own ends with .json.',
    )
    const byPath = await refusal(home, { PROFILE: './profile.json' })
    assert.equal(byPath, `PROFILE names ${file}, which can't be read.`)
  })
  await t.test('that is no JSON is refused', async () => {
    await writeFile(file, '{ "name": "x", }')
    assert.equal(
      await refusal(home, { PROFILE: file }),
      `${file} is not valid JSON, line 1, column 14: a comma stands before }.`,
    )
  })
  await t.test('that has mistakes is refused, with each named by its path', async () => {
    await writeProfile(home, (profile) => {
      profile.pagination = { style: 'cursor', defaultLimit: 0, maxLimit: 'many' }
      profile.openapi = ''
      Object.assign(profile, { colour: 'red' })
    })
    const [head, ...mistakes] = (await refusal(home, { PROFILE: file })).split('\n')
    assert.equal(head, `The profile ${file} has mistakes:`)
    assert.match(
      mistakes.join('\n'),
      /^ {2}pagination\.defaultLimit: .*\n {2}pagination\.maxLimit: .*\n {2}colour: is no field that a profile has\. /,
    )
  })
  await t.test(
    'whose OpenAPI document and handlers disagree is refused, with each operation named',
    async () => {
      const profile = await writeProfile(home, ({ sample }) => {
        const { bookings } = sample.resources
        if (bookings) bookings.operations = { list: 'listBookings', read: 'readBooking' }
      })
      const said = await refusal(home, { PROFILE: profile, DATABASE_URL: databaseUrl })
      assert.deepEqual(said.split('\n'), [
        'The OpenAPI document and the handlers disagree:',
        '  createBooking is in the document, but nothing handles it.',
        '  getBooking is in the document, but nothing handles it.',
        '  readBooking is handled, but is not in the document.',
      ])
      assert.equal(await rowsIn(databaseUrl, 'organizations'), 0)
    },
  )
})
