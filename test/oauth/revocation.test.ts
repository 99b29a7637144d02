// Revocation (RFC 7009): SECURITY R1 to R3.
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { errorOf, exchange, obtainCode, readTokens, refresh, type Tokens } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'
import { claimsOf, introspect, resourceServer } from '../support/introspection.ts'
import { meanwhile } from '../support/meanwhile.ts'
import { PersonBrowser } from '../support/person-browser.ts'

const email = 'ann@acme.example'
const scope = 'read:bookings'

async function open(t: TestContext) {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const app = await house.app(organization)
  const browser = new PersonBrowser(house.url)
  /** Of an authorization of its own, by somebody who stays signed in. */
  const obtain = async () =>
    readTokens(await exchange(house.url, app, await obtainCode(house.url, app, email, scope, browser)))
  return { house, organization, app, obtain }
}

const revoke = (house: House, clientId: string, token: string, more: Readonly<Record<string, string>> = {}) =>
  fetch(`${house.url}/oauth/revoke`, {
    method: 'POST',
    body: new URLSearchParams({ client_id: clientId, token, ...more }),
  })

const isOpen = async (house: House, { access_token: token }: Tokens) =>
  (await house.api('/bookings', token)).status === 200

test('R1: whichever of its tokens an app revokes, all of that authorization end, and of no other', async (t) => {
  const { house, app, obtain } = await open(t)
  const server = await resourceServer(house)
  for (const [which, hint] of [
    ['refresh_token', 'access_token'],
    ['access_token', null],
    ['access_token', 'nonsense'],
  ] as const) {
    const other = await obtain()
    const before = await obtain()
    const tokens = await readTokens(await refresh(house.url, app, before.refresh_token))
    const answer = await revoke(house, app.clientId, tokens[which], hint ? { token_type_hint: hint } : {})
    assert.equal(answer.status, 200, `${which}, ${hint}`)
    assert.equal(await answer.text(), '')
    for (const it of [before, tokens]) {
      assert.equal(await isOpen(house, it), false)
      const claims = await claimsOf(await introspect(house, server, { token: it.access_token }))
      assert.deepEqual(claims, { active: false })
      assert.equal(await errorOf(await refresh(house.url, app, it.refresh_token)), '400 invalid_grant')
    }
    assert.ok(await isOpen(house, other))
    await readTokens(await refresh(house.url, app, other.refresh_token))
  }
  const events = await house.database.knex('audit_events').where({ action: 'grant.revoked' })
  assert.equal(events.length, 3)
  assert.ok(events.every(({ details }) => details.cause === 'revoked_by_client'))
})

test('R1: what is no token of ours is answered as if it had been revoked, but for a JWT', async (t) => {
  const { house, organization, app, obtain } = await open(t)
  const { secret } = await house.key(organization, 'test', [scope])
  const tokens = await obtain()
  for (const token of ['unknown', 'x'.repeat(5000), 'a\0b', `${tokens.access_token}x`, secret]) {
    assert.equal((await revoke(house, app.clientId, token)).status, 200, token.slice(0, 20))
  }
  assert.equal((await house.api('/bookings', secret)).status, 200, 'an API key is not revoked here')
  assert.ok(await isOpen(house, tokens))
  const part = (it: object) => Buffer.from(JSON.stringify(it)).toString('base64url')
  const jwt = `${part({ alg: 'ES256', typ: 'JWT' })}.${part({ sub: 'x' })}.c2ln`
  assert.equal(await errorOf(await revoke(house, app.clientId, jwt)), '400 unsupported_token_type')
  assert.equal(await errorOf(await revoke(house, app.clientId, '')), '400 invalid_request')
  assert.equal(await errorOf(await revoke(house, 'app_unknown', tokens.access_token)), '401 invalid_client')
  const twice = new URLSearchParams({ client_id: app.clientId, token: tokens.access_token })
  twice.append('token', tokens.refresh_token)
  const answer = await fetch(`${house.url}/oauth/revoke`, { method: 'POST', body: twice })
  assert.equal(await errorOf(answer), '400 invalid_request')
  assert.ok(await isOpen(house, tokens))
})

test("R2: another app's token is not touched, and the app is not told that there is one", async (t) => {
  const { house, organization, app, obtain } = await open(t)
  const other = await house.app(organization, { name: 'Another' })
  const tokens = await obtain()
  for (const token of [tokens.access_token, tokens.refresh_token]) {
    const answer = await revoke(house, other.clientId, token)
    assert.equal(answer.status, 200)
    assert.equal(await answer.text(), '')
  }
  assert.ok(await isOpen(house, tokens))
  assert.ok(await isOpen(house, await readTokens(await refresh(house.url, app, tokens.refresh_token))))
})

test('R3: a refresh that is under way when its authorization is revoked gives nothing that lives', async (t) => {
  const { house, app, obtain } = await open(t)
  const { knex } = house.database
  const tokens = await obtain()
  // The refresh comes while the revocation is done but not committed: it waits, and is refused.
  const refused = await meanwhile(
    house,
    (tx) => tx('grants').delete(),
    () => refresh(house.url, app, tokens.refresh_token),
  )
  assert.equal(await errorOf(refused), '400 invalid_grant')
  assert.deepEqual(await knex('credentials'), [])
  assert.deepEqual(await knex('refresh_tokens'), [])

  // The revocation comes while the refresh holds the grant: it waits, and takes along what was minted.
  const more = await obtain()
  const answer = await meanwhile(
    house,
    (tx) => tx('grants').forShare().select('id'),
    () => revoke(house, app.clientId, more.access_token),
  )
  assert.equal(answer.status, 200)
  assert.deepEqual(await knex('credentials'), [])
})

test('R3: of many refreshes and a revocation at once no token survives', async (t) => {
  const { house, app, obtain } = await open(t)
  const { knex } = house.database
  for (let round = 0; round < 4; round += 1) {
    const tokens = await obtain()
    const which = round % 2 === 0 ? tokens.access_token : tokens.refresh_token
    const refreshes = Array.from({ length: 10 }, () => refresh(house.url, app, tokens.refresh_token))
    const [revoked, ...answers] = await Promise.all([revoke(house, app.clientId, which), ...refreshes])
    assert.equal(revoked?.status, 200)
    for (const answer of answers) {
      if (answer.status !== 200) assert.equal(await errorOf(answer), '400 invalid_grant')
      else assert.equal(await isOpen(house, await readTokens(answer)), false)
    }
    assert.deepEqual(
      [await knex('credentials'), await knex('refresh_tokens'), await knex('grants')],
      [[], [], []],
    )
  }
})
