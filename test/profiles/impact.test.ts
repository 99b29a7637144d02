// What a profile would break in a database that is at work: told before anything is served, and no start refused.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Profile } from '../../src/core/profile.ts'
import { exactly, impactOf } from '../../src/profiles/impact.ts'
import type { Depth } from '../../src/profiles/impact-store.ts'
import { queryDatabase } from '../support/database.ts'
import { type House, startHouse } from '../support/house.ts'
import { profileFiles } from '../support/profile-files.ts'
import { runCommand, startServer } from '../support/server-process.ts'

const said = async (house: House, profile: Profile, depth: Depth = exactly, url = house.url) =>
  (await impactOf(house.database.knex, profile, url, depth)).map(({ say }) => say)

async function open(t: TestContext) {
  const house = await startHouse(t)
  const [acme, other] = [await house.organization('Acme'), await house.organization('Other')]
  const ann = await house.person('ann@acme.example', acme)
  await house.key(acme, 'live', ['read:bookings', 'read:customers'])
  await house.key(other, 'live', ['read:bookings'])
  const { key } = await house.key(acme, 'test', ['write:bookings'])
  const { key: gone } = await house.key(acme, 'live', ['read:customers'])
  await house.asOwner('update api_keys set revoked_at = now() where id = $1', [gone.id])
  const app = await house.app(acme, { mode: 'live' })
  const grant = (id: string, resource: string, expires: string) =>
    house.asOwner(
      `insert into grants (id, client_id, person_id, organization_id, mode, scopes, resource, expires_at)
       values ($1, $2, $3, $4, 'live', '{read:bookings}', $5, now() + $6::interval)`,
      [id, app.clientId, ann, acme.id, resource, expires],
    )
  await grant('grant_a', `${house.url}/api/v1`, '1 day')
  await grant('grant_b', `${house.url}/api/v1`, '-1 day')
  return { house, key, acme }
}

test('a profile and its database', async (t) => {
  const { house, acme } = await open(t)
  const { profile } = house

  await t.test('that go together break nothing', async () => {
    assert.deepEqual(await said(house, profile), [])
  })

  await t.test(
    'scopes that are held and not there, or for keys alone: how many hold them, of how many',
    async () => {
      const { 'read:bookings': _, ...fewer } = profile.scopes
      const customers = profile.scopes['read:customers']
      assert.ok(customers)
      const scopes = { ...fewer, 'read:customers': { ...customers, apiKeysOnly: true } }
      assert.deepEqual(await said(house, { ...profile, scopes }), [
        '2 API keys of 2 organizations hold the scope "read:bookings", which the profile lacks: it would allow nothing any more.',
        '1 OAuth app of 1 organization holds the scope "read:bookings", which the profile lacks: it would allow nothing any more.',
        '1 OAuth app of 1 organization holds the scope "read:customers", which is for API keys alone in the profile.',
        '1 authorization of an app of 1 organization holds the scope "read:bookings", which the profile lacks: it would allow nothing any more.',
      ])
    },
  )

  await t.test('and that keys of few scopes would hold everything, where there are no scopes', async () => {
    const bare = { ...profile, scopes: {}, oauth: { ...profile.oauth, enabled: false } }
    const [first] = await said(house, bare)
    assert.equal(
      first,
      '2 API keys of 2 organizations hold the scope "read:bookings", and the profile has no scopes: every key would hold everything of its organization.',
    )
  })

  await t.test('prefixes in use; those of imported keys are in use with every profile', async () => {
    const { credentials } = profile
    const prefixes = { ...credentials.prefixes, api_key: { live: 'acme_live_', test: 'bz_test_' } }
    const other = { ...profile, credentials: { ...credentials, prefixes } }
    assert.deepEqual(await said(house, other), [
      '2 API keys of 2 organizations begin with "bz_live_", which is no prefix of the profile: they would be refused.',
    ])
    // Shapes of keys that were imported, and a key of one: they say nothing of keys of another length.
    await house.asOwner("insert into imported_key_shapes (prefix, length) values ('', 40), ('old_', 0)")
    const { key } = await house.key(acme, 'live', [])
    await house.asOwner("update api_keys set prefix = 'old_', created_by = 'import' where id = $1", [key.id])
    assert.deepEqual((await said(house, other)).length, 1)
    await house.asOwner("insert into imported_key_shapes (prefix, length) values ('bz_', 44)")
    assert.deepEqual(await said(house, other), [])
    await house.asOwner('delete from imported_key_shapes')
    assert.match((await said(house, profile)).join(), /^1 API key of 1 organization begins with "old_"/)
    await house.asOwner('delete from api_keys where id = $1', [key.id])
  })

  await t.test('no test mode, no OAuth, another base path', async () => {
    assert.deepEqual(await said(house, { ...profile, modes: ['live'] }), [
      '1 API key of 1 organization is of test mode, which the profile does not have.',
    ])
    assert.deepEqual(await said(house, { ...profile, oauth: { ...profile.oauth, enabled: false } }), [
      '1 OAuth app of 1 organization is there, and the profile has no OAuth (oauth.enabled): it would stand still.',
      '1 authorization of an app of 1 organization is there, and the profile has no OAuth (oauth.enabled): it would stand still.',
    ])
    assert.deepEqual(await said(house, { ...profile, basePath: '/v2' }), [
      `1 authorization of an app of 1 organization is for ${house.url}/api/v1, and the API would be ${house.url}/v2: it would be refused there.`,
    ])
  })

  await t.test('of a large table a sample is read, and what takes too long is given up', async () => {
    await house.asOwner('analyze api_keys')
    const sampled = { sampleAbove: 0, withinMs: 5000, allWithinMs: 5000 }
    assert.deepEqual(await said(house, { ...profile, modes: ['live'] }, sampled), [
      '1 API key of 1 organization is of test mode, which the profile does not have.',
    ])
    const blocker = queryDatabase(
      house.databaseUrl,
      'begin; lock table api_keys in access exclusive mode; select pg_sleep(1); commit',
    )
    await waitForLock(house)
    assert.deepEqual(await said(house, profile, { sampleAbove: null, withinMs: 100, allWithinMs: 5000 }), [
      'What is in the database could not be checked in time.',
    ])
    await blocker
  })

  await t.test('are told by profile check, as a mistake with --strict alone', async () => {
    const files = profileFiles(t)
    files.change('boothzen.json', { basePath: '/v2' })
    const env = { DATABASE_URL: house.databaseUrl, PUBLIC_URL: house.url }
    const check = (...more: string[]) =>
      runCommand(files.folder, ['profile', 'check', files.file, ...more], env)
    const [plain, strict] = await Promise.all([check(), check('--strict', '--json')])
    assert.equal(plain.code, 0)
    assert.match(
      plain.stdout,
      /It would break in the database:\n {2}1 authorization of an app of 1 organization is for/,
    )
    assert.equal(strict.code, 1)
    const { ok, would_break } = JSON.parse(strict.stdout)
    assert.deepEqual([ok, would_break.length, would_break[0].kind], [true, 1, 'base_path_changed'])
  })

  await t.test(
    'are told by the server before it says that it is there, and it starts all the same',
    async (t) => {
      const files = profileFiles(t)
      files.change('boothzen.json', { basePath: '/v2', 'hosts.shortForms': {} })
      const env = { DATABASE_URL: house.databaseUrl, PROFILE: files.file }
      const server = await startServer(t, { home: files.folder, env })
      const [before = '', after] = server.stdout().split('Latchkey  ·')
      assert.match(
        before,
        /This profile and what is in the database do not go together:\n {4}- 1 authorization of an app/,
      )
      assert.ok(after !== undefined, 'and then the banner')
      await server.stop()
    },
  )
})

async function waitForLock(house: House): Promise<void> {
  for (;;) {
    const [row] = await house.asOwner<{ held: boolean }>(
      `select exists (select from pg_locks where relation = 'api_keys'::regclass and mode = 'AccessExclusiveLock' and granted) as held`,
    )
    if (row?.held) return
  }
}
