import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { App } from '../../src/apps/app.ts'
import { errorOf, obtainTokens, readTokens, refresh, type Tokens } from '../support/authorization.ts'
import { type House, startHouse } from '../support/house.ts'

const scope = 'read:bookings read:customers'
const email = 'ann@acme.example'

async function open(t: Parameters<typeof startHouse>[0], refreshGraceSeconds: number) {
  const house = await startHouse(t)
  const organization = await house.organization('Acme')
  await house.person(email, organization)
  const app = await house.app(organization, { refreshGraceSeconds })
  return { house, app, tokens: await obtainTokens(house.url, app, email, scope) }
}

const isAlive = async (house: House, tokens: Tokens) =>
  (await house.api('/me', tokens.access_token)).status === 200
const rotate = async (house: House, app: App, tokens: Tokens) =>
  readTokens(await refresh(house.url, app, tokens.refresh_token))

test('T9, T10: a refresh rotates; without a grace window the old token ends its family', async (t) => {
  const { house, app, tokens } = await open(t, 0)
  const next = await rotate(house, app, tokens)
  assert.notEqual(next.refresh_token, tokens.refresh_token)
  assert.notEqual(next.access_token, tokens.access_token)
  assert.deepEqual([next.scope, next.token_type, next.expires_in], [scope, 'Bearer', 3600])
  assert.ok(await isAlive(house, next))

  assert.equal(await errorOf(await refresh(house.url, app, tokens.refresh_token)), '400 invalid_grant')
  assert.equal(await isAlive(house, next), false)
  assert.equal(await isAlive(house, tokens), false)
  assert.equal(await errorOf(await refresh(house.url, app, next.refresh_token)), '400 invalid_grant')
  const [event] = await house.database.knex('audit_events').where({ action: 'refresh_token.reused' })
  assert.deepEqual([event.details.cause, event.details.response], ['lost_response', 'revoked'])
})

test('only the family of the reused token ends: another install of the app lives on', async (t) => {
  const { house, app, tokens } = await open(t, 0)
  const other = await obtainTokens(house.url, app, email, scope)
  await rotate(house, app, tokens)
  await refresh(house.url, app, tokens.refresh_token)
  assert.ok(await isAlive(house, other))
  assert.ok(await isAlive(house, await rotate(house, app, other)))
})

test('inside the grace window the same token gets the same answer, byte for byte', async (t) => {
  const { house, app, tokens } = await open(t, 60)
  const first = await refresh(house.url, app, tokens.refresh_token)
  const again = await refresh(house.url, app, tokens.refresh_token)
  const text = await first.text()
  assert.equal(again.status, 200)
  assert.equal(await again.text(), text)
  const next = JSON.parse(text) as Tokens
  assert.ok(await isAlive(house, next))
  assert.ok(await isAlive(house, await rotate(house, app, next)))
  assert.equal((await house.database.knex('refresh_tokens')).length, 3)

  await house.database.knex.raw(`update refresh_tokens set retired_at = retired_at - interval '61 seconds'`)
  assert.equal(await errorOf(await refresh(house.url, app, tokens.refresh_token)), '400 invalid_grant')
  assert.equal(await isAlive(house, next), false)
})

for (const grace of [60, 0]) {
  test(`T11: 50 parallel refreshes with a grace of ${grace} s leave one token set alive`, async (t) => {
    const { house, app, tokens } = await open(t, grace)
    let current = tokens
    for (let round = 0; round < 3; round += 1) {
      const { refresh_token: presented } = current
      const responses = await Promise.all(
        Array.from({ length: 50 }, () => refresh(house.url, app, presented)),
      )
      const answers = await Promise.all(
        responses.map(async (it) => ({ status: it.status, text: await it.text() })),
      )
      const good = answers.filter(({ status }) => status === 200)
      assert.ok(grace > 0 ? good.length === 50 : good.length >= 1, `${good.length} answers`)
      assert.equal(new Set(good.map(({ text }) => text)).size, 1)
      for (const { status, text } of answers) if (status !== 200) assert.match(text, /"invalid_grant"/)
      current = JSON.parse(good[0]?.text ?? '') as Tokens
      assert.ok(await isAlive(house, current))
    }
    const unretired = await house.database.knex('refresh_tokens').whereNull('retired_at')
    assert.equal(unretired.length, 1)
  })
}

test('T12 to T14: a wrong scope, client or resource costs the token nothing', async (t) => {
  const { house, app, tokens } = await open(t, 0)
  const organization = await house.organization('Other')
  const other = await house.app(organization)
  const token = tokens.refresh_token
  assert.equal(
    await errorOf(await refresh(house.url, app, token, { scope: 'write:bookings' })),
    '400 invalid_scope',
  )
  assert.equal(
    await errorOf(await refresh(house.url, app, token, { resource: 'https://other.example/' })),
    '400 invalid_target',
  )
  assert.equal(await errorOf(await refresh(house.url, other, token)), '400 invalid_grant')
  assert.equal(await errorOf(await refresh(house.url, app, '')), '400 invalid_request')
  assert.equal(await errorOf(await refresh(house.url, app, 'garbage')), '400 invalid_grant')
  const narrow = await readTokens(await refresh(house.url, app, token, { scope: 'read:bookings' }))
  assert.equal(narrow.scope, 'read:bookings')
  assert.equal((await house.api('/customers', narrow.access_token)).status, 403)
  assert.equal((await rotate(house, app, narrow)).scope, scope, 'the next refresh has the whole scope again')
})

test('a client that repeats at a refresh all that it asked for at first is refreshed', async (t) => {
  const { house, app } = await open(t, 0)
  const asked = `${scope} offline_access`
  const tokens = await obtainTokens(house.url, app, email, asked)
  const next = await readTokens(await refresh(house.url, app, tokens.refresh_token, { scope: asked }))
  assert.equal(next.scope, scope)
  const last = await refresh(house.url, app, next.refresh_token, { scope: 'offline_access' })
  assert.equal((await readTokens(last)).scope, scope)
})

test('T15: rotation never moves the end of the authorization', async (t) => {
  const { house, app, tokens } = await open(t, 0)
  const before = await house.database.knex('refresh_tokens').first('expires_at')
  let current = tokens
  for (let round = 0; round < 3; round += 1) current = await rotate(house, app, current)
  const ends = await house.database.knex('refresh_tokens').select('expires_at')
  for (const { expires_at: end } of ends) assert.deepEqual(end, before.expires_at)

  house.travel(app.refreshLifetimeSeconds - 100)
  const last = await rotate(house, app, current)
  assert.ok(last.expires_in <= 100, `${last.expires_in} s`)
  house.travel(101)
  assert.equal(await errorOf(await refresh(house.url, app, last.refresh_token)), '400 invalid_grant')
  assert.equal(await isAlive(house, last), false)
})

test('a database that fails in the middle of a refresh costs the token nothing', async (t) => {
  const { house, app, tokens } = await open(t, 0)
  await house.asOwner('alter table credentials add constraint broken check (false) not valid')
  assert.equal((await refresh(house.url, app, tokens.refresh_token)).status, 500)
  await house.asOwner('alter table credentials drop constraint broken')
  assert.ok(await isAlive(house, await rotate(house, app, tokens)))
})

test('a suspension that begins and ends in the middle of a refresh costs the token nothing', async (t) => {
  const { house, app, tokens } = await open(t, 0)
  const { run } = house.database
  const stop = (isStopped: boolean) => house.database.knex('grants').update({ is_stopped: isStopped })
  Object.assign(house.database, {
    run: async (...[statement, values]: Parameters<typeof run>) => {
      if (!statement.name.startsWith('rotate-refresh-token')) return run(statement, values)
      await stop(true)
      const rows = await run(statement, values)
      await stop(false)
      return rows
    },
  })
  const answer = await refresh(house.url, app, tokens.refresh_token)
  assert.equal(await errorOf(answer), '503 temporarily_unavailable')
  Object.assign(house.database, { run })
  assert.ok(await isAlive(house, await rotate(house, app, tokens)))
})

test('R1 to R3: revoking either token ends the grant; another app may not; a refresh in flight does not revive it', async (t) => {
  const { house, app, tokens } = await open(t, 60)
  const other = await house.app(await house.organization('Other'))
  const revoke = (clientId: string, token: string) =>
    fetch(`${house.url}/oauth/revoke`, {
      method: 'POST',
      body: new URLSearchParams({ token, client_id: clientId }),
    })

  assert.equal((await revoke(other.clientId, tokens.access_token)).status, 200)
  assert.ok(await isAlive(house, tokens), 'R2')
  assert.equal((await revoke(app.clientId, 'unknown')).status, 200)
  assert.equal((await revoke(app.clientId, tokens.access_token)).status, 200)
  assert.equal(await isAlive(house, tokens), false)
  assert.equal(await errorOf(await refresh(house.url, app, tokens.refresh_token)), '400 invalid_grant')

  const second = await obtainTokens(house.url, app, email, scope)
  assert.equal((await revoke(app.clientId, second.refresh_token)).status, 200)
  assert.equal(await isAlive(house, second), false)

  for (let round = 0; round < 5; round += 1) {
    const third = await obtainTokens(house.url, app, email, scope)
    const flying = Array.from({ length: 8 }, () => refresh(house.url, app, third.refresh_token))
    await revoke(app.clientId, third.access_token)
    for (const response of await Promise.all(flying)) {
      if (response.status !== 200) continue
      const survivor = await readTokens(response)
      assert.equal(await isAlive(house, survivor), false, 'R3')
      assert.equal((await refresh(house.url, app, survivor.refresh_token)).status, 400, 'R3')
    }
  }
  assert.deepEqual(await house.database.knex('credentials'), [])
})
