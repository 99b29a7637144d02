// Runs the tests: on the embedded PostgreSQL, or on the one that DATABASE_URL names (its user must be
// allowed to create databases). Each test file makes databases of its own and drops them.
//   node test/run.mjs [--no-database] [file …]
import { spawn } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { register } from 'tsx/esm/api'

register()
const given = process.argv.slice(2)
const needsDatabase = !given.includes('--no-database')
const files = given.filter((argument) => !argument.startsWith('--'))
const chosen =
  files.length > 0
    ? files
    : readdirSync('test', { recursive: true })
        .map((file) => join('test', String(file)))
        .filter((file) => file.endsWith('.test.ts'))
        .sort()

const server = needsDatabase ? await findServer() : null
let exitCode = 1
try {
  exitCode = await runTests()
} finally {
  await server?.close()
}
process.exitCode = exitCode

async function findServer() {
  const { onServer, prepareTemplate } = await import('./support/database.ts')
  if (process.env.DATABASE_URL) {
    const template = await prepareTemplate(process.env.DATABASE_URL)
    return { url: process.env.DATABASE_URL, template: template.name, close: template.drop }
  }
  const { startEmbedded } = await import('../src/db/embedded.ts')
  const dataDirectory = mkdtempSync(join(tmpdir(), 'latchkey-test-'))
  chmodSync(dataDirectory, 0o711) // as root, PostgreSQL runs as another user, who must get in
  const embedded = await startEmbedded({ dataDirectory })
  const { host, port, user } = embedded.connection
  const url = `postgresql://${user}@localhost:${port}/postgres?host=${encodeURIComponent(host)}`
  // Nothing here outlives the run, so nothing need survive a power cut: a database is dropped in 30 ms, not in 700.
  for (const setting of ['fsync', 'full_page_writes', 'synchronous_commit']) {
    await onServer(url, `alter system set ${setting} = off`)
  }
  await onServer(url, 'select pg_reload_conf()')
  const template = await prepareTemplate(url)
  return {
    url,
    template: template.name,
    close: async () => {
      await embedded.stop()
      rmSync(dataDirectory, { recursive: true, force: true })
      rmSync(embedded.directory, { recursive: true, force: true })
    },
  }
}

function runTests() {
  const env = { ...process.env, NODE_ENV: 'test', LATCHKEY_TESTS: '1' }
  delete env.DATABASE_URL
  if (server) Object.assign(env, { TEST_DATABASE_URL: server.url, TEST_DATABASE_TEMPLATE: server.template })
  const options = [
    '--import',
    'tsx',
    '--test',
    '--test-concurrency=3',
    '--test-timeout=300000',
    '--test-reporter=spec',
  ]
  const child = spawn(process.execPath, [...options, ...chosen], { env, stdio: 'inherit' })
  return new Promise((resolve) => child.on('exit', (code) => resolve(code ?? 1)))
}
