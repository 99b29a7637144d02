import assert from 'node:assert/strict'
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { createTestDatabase, queryDatabase } from '../support/database.ts'
import { makeHome, runCommand, startServer } from '../support/server-process.ts'

const production = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://api.example.com',
  COOKIE_KEYS: 'canary-of-the-newest-cookie-key-00,canary-of-the-oldest-cookie-key-00',
}

/** What a start says that must not succeed. */
async function refusal(env: Readonly<Record<string, string>>, home: string): Promise<string[]> {
  const { code, stdout, stderr } = await runCommand(home, ['serve'], { NODE_ENV: 'production', ...env })
  assert.equal(code, 1, stderr)
  assert.equal(stdout, '')
  await assert.rejects(access(join(home, '.latchkey')), { code: 'ENOENT' })
  return stderr.trimEnd().split('\n')
}

test('in production nothing is seeded, and standard output is JSON lines without a secret', async (t) => {
  const databaseUrl = new URL(await createTestDatabase(t, { empty: true }))
  databaseUrl.password ||= 'canary-of-the-database'
  const env = { ...production, DATABASE_URL: databaseUrl.href }
  const server = await startServer(t, { home: await makeHome(t), env })
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200)
  assert.equal((await server.api('/me', 'bz_test_canary')).status, 401)

  const counts = [
    'organizations',
    'persons',
    'one_time_links',
    'api_keys',
    'credentials',
    'oauth_apps',
    'sample_resources',
  ]
    .map((table) => `(select count(*)::int from ${table})`)
    .join(' + ')
  assert.deepEqual(await queryDatabase(databaseUrl.href, `select ${counts} as rows`), [{ rows: 0 }])

  assert.equal((await server.stop('SIGTERM')).code, 0)
  const lines = server.stdout().trimEnd().split('\n')
  const told = lines.map((line) => (JSON.parse(line) as { msg: string }).msg)
  assert.deepEqual(told, ['ready', 'request', 'stopped'])
  assert.doesNotMatch(server.stdout(), /canary|setup|token/)
  assert.ok(!server.stdout().includes(databaseUrl.password))
  assert.equal(server.stderr(), '')
  await assert.rejects(access(join(server.home, 'data')), { code: 'ENOENT' })
})

test('U16: in production a missing COOKIE_KEYS or PUBLIC_URL stops the start, with every other mistake at once', async (t) => {
  const lines = await refusal({ LOG_LEVEL: 'loud', PORT: '99999' }, await makeHome(t))
  assert.deepEqual(lines.sort(), [
    'COOKIE_KEYS is missing: production needs it. Make a key with: openssl rand -hex 32',
    'LOG_LEVEL is "loud", but must be fatal, error, warn, info, debug, trace, silent.',
    'PORT is "99999", but must be a port number from 1 to 65535.',
    'PUBLIC_URL is missing: production needs an https origin.',
  ])
})

test('in production a PUBLIC_URL that is not https stops the start, on loopback too', async (t) => {
  const env = { ...production, PUBLIC_URL: 'http://localhost:3000' }
  assert.deepEqual(await refusal(env, await makeHome(t)), [
    'PUBLIC_URL is "http://localhost:3000", but must start with https:// in production.',
  ])
})
