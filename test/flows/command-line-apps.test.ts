// Apps by command: who verifies, suspends and resumes them from the vendor's side.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { byServer } from '../../src/core/attribution.ts'
import { resumeApp } from '../../src/offboarding/suspend-app.ts'
import { startHouse } from '../support/house.ts'
import { makeHome, runCommand, runJson } from '../support/server-process.ts'

interface Shown {
  readonly client_id: string
  readonly homepage: string | null
  readonly scopes: readonly string[]
  readonly optional_scopes: readonly string[]
  readonly verified: boolean
  readonly suspended: boolean
  readonly registration: string
}

test('apps are registered, verified, suspended, resumed, listed and deleted by command', async (t) => {
  const house = await startHouse(t)
  await house.organization('Acme')
  const home = await makeHome(t)
  const env = { DATABASE_URL: house.databaseUrl, COOKIE_KEYS: 'k'.repeat(40) }
  const words = (command: string, more: string[]) => [...command.split(' '), ...more]
  const json = <T = Shown>(command: string, ...more: string[]) => runJson<T>(home, words(command, more), env)
  const text = async (command: string, ...more: string[]) =>
    (await runCommand(home, words(command, more), env)).stdout.trimEnd()

  const made = await json(
    'app create --org acme --redirect-uri https://sync.example.com/cb --scope read:bookings',
    ...[
      '--optional-scope',
      'read:customers',
      '--homepage',
      'https://sync.example.com',
      '--name',
      'Calendar Sync',
    ],
  )
  assert.deepEqual(made.scopes, ['read:bookings', 'read:customers'])
  assert.deepEqual(made.optional_scopes, ['read:customers'])
  assert.equal(made.homepage, 'https://sync.example.com')
  const id = made.client_id

  assert.equal(await text(`app verify ${id}`), `Calendar Sync (${id}) is verified.`)
  assert.match(await text(`app suspend ${id}`), /is suspended: its access tokens are refused from now on\.$/)
  const app = made.client_id as `app_${string}` // as it was answered
  await assert.rejects(resumeApp(house.database.knex, { app, by: byServer, as: 'developer' }), {
    code: 'not_allowed',
  })
  assert.match(await text('app list'), new RegExp(`${id} +live +manual +yes +suspended +Calendar Sync`))
  assert.equal((await json(`app resume ${id}`)).suspended, false)
  assert.equal((await json(`app verify ${id} --undo`)).verified, false)

  // One that registered itself is named by an address.
  const self = 'https://self.example/client.json'
  await house.database.knex('oauth_apps').insert({
    client_id: self,
    registration: 'metadata_document',
    document_fresh_until: new Date(),
    mode: 'live',
    name: 'Self',
    redirect_uris: ['https://self.example/cb'],
    scopes: ['read:bookings'],
    refresh_grace_seconds: 60,
    refresh_lifetime_seconds: 60,
  })
  assert.equal((await json(`app suspend ${self}`)).registration, 'metadata_document')
  assert.match(await text(`app delete ${self}`), /^Deleted https:\/\/self\.example/)
  const missing = await runCommand(home, ['app', 'verify', self], env)
  assert.deepEqual([missing.code, missing.stderr], [1, `There is no app ${self}.\n`])
})
