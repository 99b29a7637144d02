// What an app goes through whose vendor's profile has lost a scope, or the sandbox.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { errorOf, obtainTokens, readTokens, refresh } from '../support/authorization.ts'
import { startHouse } from '../support/house.ts'
import { profileFiles } from '../support/profile-files.ts'

const email = 'ann@acme.example'

test('an app that held a scope or a mode which is gone keeps what is left of it', async (t) => {
  const before = await startHouse(t)
  const organization = await before.organization('Acme')
  await before.person(email, organization)
  const app = await before.app(organization, { mode: 'live' })
  const sandboxed = await before.app(organization, { mode: 'test' })
  const tokens = await obtainTokens(before.url, app, email, 'read:bookings read:customers')
  const sandbox = await obtainTokens(before.url, sandboxed, email, 'read:bookings')

  const files = profileFiles(t)
  const rename = (name: string) =>
    files.write(
      name,
      readFileSync(join(files.folder, name), 'utf8').replaceAll('read:customers', 'read:clients'),
    )
  for (const name of ['boothzen.json', 'openapi/boothzen.json']) rename(name)
  files.change('boothzen.json', {
    modes: ['live'],
    'credentials.prefixes.api_key.test': undefined,
    'credentials.prefixes.access_token.test': undefined,
  })
  const after = await startHouse(t, { databaseUrl: before.databaseUrl, env: { PROFILE: files.file } })

  await t.test('it is refreshed, and asks for what there is', async () => {
    const refreshed = await readTokens(await refresh(after.url, app, tokens.refresh_token))
    assert.match(refreshed.access_token, /^bz_oat_live_/)
    const anew = await obtainTokens(after.url, app, email, 'read:bookings')
    assert.equal((await after.api('/bookings', anew.access_token)).status, 200)
    assert.equal((await after.api('/customers', anew.access_token)).status, 403)
  })

  await t.test('one of the mode that is gone is told to come back, and is no fault of ours', async () => {
    const answer = await refresh(after.url, sandboxed, sandbox.refresh_token)
    assert.equal(await errorOf(answer), '503 temporarily_unavailable')
    assert.doesNotMatch(after.log(), /"level":"error".*no test mode/)
  })
})
