// The life of the embedded PostgreSQL: started, owned, shared with commands, and outliving nobody.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { borrowEmbedded, startEmbedded } from '../../src/db/embedded.ts'
import {
  afterwards,
  isAlive,
  isGoneWithin,
  isRoot,
  makeBase,
  postmasterPid,
  query,
  runElsewhere,
  started,
} from './embedded-fixture.ts'

test('the first start makes a cluster, the second finds it and its rows', async (t) => {
  const dataDirectory = join(await makeBase(t), 'data')
  const first = await startEmbedded({ dataDirectory })
  afterwards(t, first.stop)
  assert.equal(first.created, true)
  assert.match(first.version, /^18\.\d+$/)
  assert.equal(first.directory, join(dataDirectory, 'postgres/data'))
  const names = ['server_encoding', 'fsync', 'data_checksums', 'listen_addresses', 'max_connections']
  const settings = await query(first, `select ${names.map((name) => `current_setting('${name}')`).join()}`)
  assert.deepEqual(settings, ['UTF8', 'on', 'on', '', '200'])
  await query(first, 'create table kept as select 42 as answer')
  await Promise.all([first.stop(), first.stop()])
  await first.stop()

  const second = await startEmbedded({ dataDirectory })
  afterwards(t, second.stop)
  assert.equal(second.created, false)
  assert.deepEqual(await query(second, 'select answer from kept'), [42])
})

test('PostgreSQL runs without root, out of reach of Ctrl-C, on a socket that is only its own', async (t) => {
  const it = await startEmbedded({ dataDirectory: join(await makeBase(t), 'data') })
  afterwards(t, it.stop)
  const pid = await postmasterPid(it)
  const { uid } = await stat(join(it.directory, 'postmaster.pid')) // written by the one who runs
  assert.notEqual(uid, 0)
  if (process.platform === 'linux') {
    const group = async (of: number) => {
      const line = await readFile(`/proc/${of}/stat`, 'utf8')
      return line.slice(line.lastIndexOf(')') + 2).split(' ')[2]
    }
    assert.notEqual(await group(pid), await group(process.pid))
  }
  const socketDirectory = await stat(it.connection.host)
  assert.equal(socketDirectory.mode & 0o777, 0o700)
  assert.equal(socketDirectory.uid, uid)
})

test('stop is quick, and the process it leaves behind is none', async (t) => {
  const it = await startEmbedded({ dataDirectory: join(await makeBase(t), 'data') })
  const pid = await postmasterPid(it)
  await query(it, 'create table numbers as select generate_series(1, 10000)')
  const before = performance.now()
  await it.stop()
  assert.ok(performance.now() - before < 1_500)
  assert.equal(isAlive(pid), false)
})

test('an owner that is killed takes PostgreSQL with it, and loses no row', async (t) => {
  const dataDirectory = join(await makeBase(t), 'data')
  const owner = runElsewhere(t, 'startEmbedded', dataDirectory)
  const it = await started(owner)
  await query(it, 'create table kept as select 42 as answer')
  const pid = await postmasterPid(it)
  await owner.kill()
  assert.ok(await isGoneWithin(pid, 3_000))
  const next = await startEmbedded({ dataDirectory })
  afterwards(t, next.stop)
  assert.deepEqual(await query(next, 'select answer from kept'), [42])
})

test('a start straight after the kill waits for the old PostgreSQL', async (t) => {
  const dataDirectory = join(await makeBase(t), 'data')
  const owner = runElsewhere(t, 'startEmbedded', dataDirectory)
  await query(await started(owner), 'create table kept as select 42 as answer')
  await owner.kill()
  const next = await startEmbedded({ dataDirectory })
  afterwards(t, next.stop)
  assert.deepEqual(await query(next, 'select answer from kept'), [42])
})

test('an orphan whose guard was killed too is ended by the next start', async (t) => {
  if (process.platform !== 'linux') return t.skip('finds the guard by /proc')
  const dataDirectory = join(await makeBase(t), 'data')
  const owner = runElsewhere(t, 'startEmbedded', dataDirectory)
  const it = await started(owner)
  await query(it, 'create table kept as select 42 as answer')
  const orphan = await postmasterPid(it)
  for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
    if (line.startsWith('/bin/sh\0-c\0') && line.includes(it.directory)) process.kill(Number(pid), 'SIGKILL')
  }
  await owner.kill()
  await sleep(200)
  assert.equal(isAlive(orphan), true)
  const next = await startEmbedded({ dataDirectory })
  afterwards(t, next.stop)
  assert.ok(await isGoneWithin(orphan, 3_000))
  assert.deepEqual(await query(next, 'select answer from kept'), [42])
})

test('a PostgreSQL that was killed is started again with all its rows', async (t) => {
  const dataDirectory = join(await makeBase(t), 'data')
  const it = await startEmbedded({ dataDirectory })
  await query(it, 'create table kept as select 42 as answer')
  process.kill(await postmasterPid(it), 'SIGKILL')
  await it.stop()
  const next = await startEmbedded({ dataDirectory })
  afterwards(t, next.stop)
  assert.deepEqual(await query(next, 'select answer from kept'), [42])
})

test('a stale lock file whose pid is another program by now is no obstacle', async (t) => {
  const dataDirectory = join(await makeBase(t), 'data')
  const it = await startEmbedded({ dataDirectory })
  const file = join(it.directory, 'postmaster.pid')
  const lines = await readFile(file, 'utf8')
  await it.stop()
  const { uid, gid } = await stat(it.directory)
  const other = spawn('sleep', ['60'], { uid, gid })
  afterwards(t, () => other.kill())
  await writeFile(file, lines.replace(/^\d+/, String(other.pid)))
  const next = await startEmbedded({ dataDirectory })
  afterwards(t, next.stop)
  assert.equal(isAlive(other.pid ?? 0), true)
})

test('a second server is refused, and told what to do', async (t) => {
  const dataDirectory = join(await makeBase(t), 'data')
  const it = await startEmbedded({ dataDirectory })
  afterwards(t, it.stop)
  const sentence =
    `The data directory ${dataDirectory} is in use by another Latchkey process (pid ${process.pid}). ` +
    'Stop it, or set DATA_DIR to another directory.'
  assert.deepEqual(await runElsewhere(t, 'startEmbedded', dataDirectory).answer, {
    kind: 'refused',
    name: 'StartupError',
    message: sentence,
  })
  await assert.rejects(startEmbedded({ dataDirectory }), { name: 'StartupError', message: sentence })
})

test('of servers that start at the same moment, one gets the directory', async (t) => {
  const dataDirectory = join(await makeBase(t), 'data')
  const answers = await Promise.all(
    [1, 2, 3, 4].map(() => runElsewhere(t, 'startEmbedded', dataDirectory).answer),
  )
  assert.equal(answers.filter(({ kind }) => kind === 'started').length, 1)
})

test('a command uses the PostgreSQL of the server that runs, and does not stop it', async (t) => {
  const dataDirectory = join(await makeBase(t), 'data')
  const it = await startEmbedded({ dataDirectory })
  afterwards(t, it.stop)
  const borrowed = await borrowEmbedded({ dataDirectory })
  assert.deepEqual(borrowed.connection, it.connection)
  await borrowed.stop()
  assert.deepEqual(await query(it, 'select 1'), [1])
})

test('a command waits for a server that is still starting', async (t) => {
  const dataDirectory = join(await makeBase(t), 'data')
  const starting = startEmbedded({ dataDirectory })
  // Who comes first to a directory that nobody has claimed may be either: the server has claimed this one.
  const hasClaimed = async () =>
    (await readdir(dataDirectory, { recursive: true })).some((name) => /server-\d+/.test(name))
  while (!(await hasClaimed().catch(() => false))) await sleep(2)
  const borrowed = await borrowEmbedded({ dataDirectory })
  const it = await starting
  afterwards(t, it.stop)
  assert.deepEqual(borrowed.connection, it.connection)
})

test('a command without a server starts PostgreSQL for itself, and others wait their turn', async (t) => {
  const dataDirectory = join(await makeBase(t), 'data')
  const alone = await borrowEmbedded({ dataDirectory })
  assert.equal(alone.created, true)
  const pid = await postmasterPid(alone)
  const command = runElsewhere(t, 'borrowEmbedded', dataDirectory, { holdMs: 100 })
  const server = startEmbedded({ dataDirectory })
  await sleep(500)
  await alone.stop()
  assert.equal(isAlive(pid), false)
  afterwards(t, (await server).stop)
  assert.equal((await command.answer).kind, 'started')
})

test('a process that forgets to stop can end, and PostgreSQL ends with it', async (t) => {
  const dataDirectory = join(await makeBase(t), 'data')
  const module = join(import.meta.dirname, '../../src/db/embedded.ts')
  const code = `import(${JSON.stringify(module)}).then((m) => m.startEmbedded({ dataDirectory: ${JSON.stringify(dataDirectory)} })).then(() => {})`
  execFileSync(process.execPath, ['--import', import.meta.resolve('tsx'), '-e', code], { timeout: 20_000 })
  const next = await startEmbedded({ dataDirectory })
  afterwards(t, next.stop)
  assert.equal(next.created, false)
})

test('a start that was killed on the way is healed by the next', async (t) => {
  const dataDirectory = join(await makeBase(t), 'data')
  const area = join(dataDirectory, 'postgres')
  const owner = runElsewhere(t, 'startEmbedded', dataDirectory)
  const isMakingIt = async () =>
    (await readdir(area).catch(() => [])).some((name) => name.startsWith('data.new-'))
  while (!(await isMakingIt())) await sleep(5)
  await sleep(100)
  await owner.kill()
  await mkdir(join(area, 'data.new-left'))
  const next = await startEmbedded({ dataDirectory })
  assert.equal(next.created, true)
  assert.equal(await isMakingIt(), false)
  await query({ connection: { ...next.connection, database: 'postgres' } }, 'drop database latchkey')
  await next.stop()
  const healed = await startEmbedded({ dataDirectory })
  afterwards(t, healed.stop)
  assert.deepEqual(await query(healed, 'select current_database()'), ['latchkey'])
  assert.equal(dirname(healed.directory), area)
})

test('root owns the directories around the cluster', { skip: !isRoot && 'only root has them' }, async (t) => {
  const it = await startEmbedded({ dataDirectory: join(await makeBase(t), 'data') })
  afterwards(t, it.stop)
  // Whoever breaks into PostgreSQL must not lay links where root is about to write.
  for (const path of ['..', '../owners', '../postgres.log']) {
    assert.equal((await stat(join(it.directory, path))).uid, 0)
  }
})
