// Every example of docs/client.md, run as it is written, with only the host changed.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import pg from 'pg'
import { allow } from '../support/authorization.ts'
import { createProject } from '../support/built-client.ts'
import { examplesOf, writeExamples } from '../support/doc-examples.ts'
import { startHouse } from '../support/house.ts'
import { PersonBrowser } from '../support/person-browser.ts'
import { createPartner, withoutLimits } from '../support/platform.ts'

const page = 'docs/client.md'
const email = 'ann@acme.example'

test('the examples of docs/client.md', async (t) => {
  const folder = await createProject(t)
  const house = await startHouse(t, { change: withoutLimits })
  writeExamples(page, folder, house.url)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const { secret } = await house.key(organization, 'live', ['read:bookings', 'keys:write'])
  const { secret: platformKey } = await createPartner(house)
  const { clientId } = await house.app(organization)
  const ids = ['1', '2', '3'].map((digit) => `bk_${digit.repeat(26)}`)
  const rows = ids.map((id) => ({ id, status: 'confirmed' }))
  await house.rows(organization, 'live', 'bookings', rows)
  await house.rows(organization, 'test', 'bookings', rows.slice(0, 1))

  const before = { ...process.env }
  Object.assign(process.env, {
    BOOTHZEN_API_KEY: secret,
    BOOTHZEN_PLATFORM_KEY: platformKey,
    BOOTHZEN_CLIENT_ID: clientId,
  })
  const { log } = console
  const said: string[] = []
  console.log = (...words: unknown[]) => said.push(words.join(' '))
  t.after(() => {
    console.log = log
    process.env = before
  })
  const ran = new Set<string>()
  const run = (name: string) => {
    ran.add(name)
    said.length = 0
    return import(pathToFileURL(join(folder, name)).href)
  }

  await t.test('first.mjs', async () => {
    await run('first.mjs')
    assert.deepEqual(
      said.slice(1).sort(),
      ids.map((id) => `${id} confirmed`),
    )
  })

  await t.test('first.cjs', async () => {
    ran.add('first.cjs')
    const data: unknown[] = await createRequire(join(folder, 'x.js'))('./first.cjs')
    assert.equal(data.length, 3)
  })

  await t.test('lists.mjs', async () => {
    const { ids: found } = await run('lists.mjs')
    assert.deepEqual(found.sort(), ids)
    assert.match(said[0] ?? '', /^2 \S+/)
  })

  await t.test('errors.mjs', async () => {
    const { seen } = await run('errors.mjs')
    assert.match(said[0] ?? '', /^BoothZen API 404: /)
    assert.deepEqual([seen[0], seen[1]], [404, 'resource_not_found'])
  })

  await t.test('idempotency.mjs', async () => {
    const { made, again } = await run('idempotency.mjs')
    assert.deepEqual(made, again)
    assert.deepEqual(said, ['true'])
  })

  await t.test('provision.mjs', async () => {
    const { stored } = await run('provision.mjs')
    assert.equal((await house.api('/me', stored['org_7234567890'])).status, 200)
  })

  await t.test('connect.mjs, with token-files.mjs', async (t) => {
    ran.add('token-files.mjs')
    const { connect, callback, bookingsOf, disconnect } = await run('connect.mjs')
    const start = process.cwd()
    process.chdir(folder) // where its folder of tokens is to be
    t.after(() => process.chdir(start))
    const user = { id: 'user/7' }
    const session = {}
    const url = await connect(user, session)
    const back = await allow(new PersonBrowser(house.url), { url }, email)
    await callback(user, session, back.href)
    assert.deepEqual(await bookingsOf(user), rows.slice(0, 1))
    await disconnect(user)
    await assert.rejects(bookingsOf(user), /AuthorizationNeededError/)
  })

  await t.test('postgres-lock.mjs', async () => {
    const { postgresLock } = await run('postgres-lock.mjs')
    const pool = new pg.Pool({ connectionString: house.databaseUrl, max: 5 })
    const lock = postgresLock(pool)
    let inside = 0
    const work = async () => {
      inside += 1
      assert.equal(inside, 1, 'alone')
      await pool.query('select 1')
      inside -= 1
      return 'done'
    }
    assert.deepEqual(await Promise.all([1, 2, 3].map(() => lock('k', work))), ['done', 'done', 'done'])
    await pool.end()
  })

  assert.deepEqual([...ran].sort(), [...examplesOf(page).keys()].sort(), 'each was run')
})
