// What ends by a request is refused from the next request on, at the server that answered it: also where the database's
// word about it takes long.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  exchange,
  obtainCode,
  obtainTokens,
  postToken,
  readTokens,
  refresh,
} from '../support/authorization.ts'
import { startCuttableProxy } from '../support/cuttable-proxy.ts'
import { createTestDatabase } from '../support/database.ts'
import { startHouse } from '../support/house.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const email = 'ann@acme.example'
const scope = 'read:bookings'
/** So late does the server hear of what it has done. */
const lateMs = 60

test('K12, R1: whoever ends a credential by a request is answered when its next use is refused', async (t) => {
  const databaseUrl = await createTestDatabase(t)
  const line = await startCuttableProxy(t, databaseUrl)
  const house = await startHouse(t, { databaseUrl, directUrl: line.url })
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const app = await house.app(organization, { refreshGraceSeconds: 1 })
  const manager = (await house.key(organization, 'live', ['keys:read', 'keys:write', scope])).secret
  const call = (path: string, secret: string, method = 'GET') =>
    fetch(`${house.url}/api/v1${path}`, { method, headers: { Authorization: `Bearer ${secret}` } })
  const isGood = async (secret: string) => (await call('/me', secret)).status === 200
  const browser = new PersonBrowser(house.url)
  await browser.signIn(await browser.open('/sign-in'), email)
  line.delay(lateMs)

  const keyWays: Record<string, (id: string) => Promise<Response>> = {
    revoked: (id) => call(`/keys/${id}/revoke`, manager, 'POST'),
    deactivated: (id) => call(`/keys/${id}/deactivate`, manager, 'POST'),
    rotated: (id) => call(`/keys/${id}/rotate`, manager, 'POST'),
    deleted: (id) => call(`/keys/${id}`, manager, 'DELETE'),
  }
  for (const [name, end] of Object.entries(keyWays)) {
    const { key, secret } = await house.key(organization, 'live', [scope])
    assert.ok(await isGood(secret))
    const answer = await end(key.id)
    assert.ok(answer.ok, await answer.text())
    assert.equal(await isGood(secret), false, `a key that was ${name}`)
  }

  const revoke = (token: string) =>
    fetch(`${house.url}/oauth/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ token, client_id: app.clientId }),
    })
  for (const which of ['access_token', 'refresh_token'] as const) {
    const tokens = await obtainTokens(house.url, app, email, scope)
    assert.ok(await isGood(tokens.access_token))
    assert.equal((await revoke(tokens[which])).status, 200)
    assert.equal(await isGood(tokens.access_token), false, `revoked by its ${which}`)
  }

  const reused = await obtainTokens(house.url, app, email, scope)
  const next = await readTokens(await refresh(house.url, app, reused.refresh_token))
  assert.ok(await isGood(next.access_token))
  await house.asOwner(
    "update refresh_tokens set retired_at = retired_at - interval '1 hour' where retired_at is not null",
  )
  assert.equal((await refresh(house.url, app, reused.refresh_token)).status, 400)
  assert.equal(await isGood(next.access_token), false, 'of a family whose old token came back')

  const code = await obtainCode(house.url, app, email, scope)
  const exchanged = await readTokens(await exchange(house.url, app, code))
  assert.ok(await isGood(exchanged.access_token))
  await house.asOwner(
    "update authorization_codes set consumed_at = consumed_at - interval '1 minute' where consumed_at is not null",
  )
  assert.equal((await exchange(house.url, app, code)).status, 400)
  assert.equal(await isGood(exchanged.access_token), false, 'of a code that was replayed')

  const { secret: shown, key } = await house.key(organization, 'live', [scope])
  assert.ok(await isGood(shown))
  const page = await browser.open(`/admin/settings/api-keys/${key.id}/revoke`)
  const done = await browser.submit(page, {})
  assert.equal(done.status, 200)
  assert.equal(await isGood(shown), false, 'a key that was revoked by page')
  assert.equal((await postToken(house.url, { grant_type: 'nonsense' })).status, 400)
})
